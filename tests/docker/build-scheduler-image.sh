#!/usr/bin/env bash
# Makes the image of the schedulers' tests without a registry: a Debian that boots with systemd, with cron and what .NET needs. Run again it does
# only what is out of date. The tree is cached below $DBBACKUP_TEST_CACHE (default /var/cache/dbbackup-tests); debootstrap needs root.
set -euo pipefail
cd "$(dirname "$0")"
. ../environment/common.sh
. ../environment/debian.sh

readonly image=dbbackup-test/scheduler:1
readonly label=dbbackup-test.made-from
readonly boot_suite=bookworm
readonly boot_packages=systemd-sysv,dbus,libpam-systemd,dbus-user-session,cron,procps,tzdata,ca-certificates,libicu72,libssl3,libstdc++6,sqlite3

# make_boot_tree TARBALL WORK
make_boot_tree() {
    local tarball=$1 work=$2
    debian_tree "$work/tree" "$boot_suite" "$boot_packages"
    rm -rf "$work"/tree/var/cache/apt/* "$work"/tree/var/lib/apt/lists/* "$work"/tree/usr/share/{doc,man,info,locale}
    tar -C "$work/tree" --numeric-owner --one-file-system --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -cf "$tarball" .
}

main() {
    docker version >/dev/null 2>&1 || fail 'no Docker engine answers.'
    local key tarball
    key=$(recipe_key "$boot_suite $boot_packages" make_boot_tree)
    if [ "$(docker image inspect --format "{{index .Config.Labels \"$label\"}}" "$image" 2>/dev/null || true)" = "$key" ]; then
        say "$image is up to date"
        return
    fi
    tarball=$DBBACKUP_TEST_CACHE/debian-boot-$(uname -m)-$key.tar
    [ -e "$tarball" ] || say "makes a tree of Debian $boot_suite that boots, with debootstrap"
    cached "$tarball" make_boot_tree
    docker import --change "LABEL $label=$key" --change 'ENV container=docker' --change 'CMD ["/sbin/init"]' "$tarball" "$image" >/dev/null
    find "$DBBACKUP_TEST_CACHE" -maxdepth 1 -name "debian-boot-$(uname -m)-*.tar" ! -path "$tarball" -delete
    say "made $image"
}

main "$@"
