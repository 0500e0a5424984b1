#!/usr/bin/env bash
# Makes the images of the Docker tests without a registry: one Debian tree, and variants that share its layer.
# Run again it does only what is out of date. With --check it changes nothing, and fails where something is missing.
# The tree is cached below $DBBACKUP_TEST_CACHE (default /var/cache/dbbackup-tests); debootstrap needs root.
set -euo pipefail
cd "$(dirname "$0")"

readonly cache=${DBBACKUP_TEST_CACHE:-/var/cache/dbbackup-tests}
readonly mirror=${DBBACKUP_TEST_DEBIAN_MIRROR:-http://deb.debian.org/debian}
readonly packages=postgresql,python3,python3-psycopg2,sqlite3,alembic,redis-server,procps
# Of the application with versions; "sick" has a health check.
readonly shop_versions=(1 2 crash sick badmigration halfmigration)
readonly images=(postgres:15 app:1 redis:7 nodump:15 noshell:1 "${shop_versions[@]/#/shop:}")
# Says which inputs an image was made from.
readonly label=dbbackup-test.inputs

say() { echo "build-images: $*"; }
fail() { say "$*" >&2; exit 1; }

# Of the tree: what is in it and how it was made small. Of the images: that, and every file of this folder.
tree_key() { { echo "$packages"; declare -f make_tree slim_tree; } | sha256sum | cut -c1-12; }
inputs() { { uname -m; find . -type f | LC_ALL=C sort | xargs sha256sum; } | sha256sum | cut -c1-16; }

# The label of an image; empty where there is no such image.
inputs_of() { docker image inspect --format "{{index .Config.Labels \"$label\"}}" "$1" 2>/dev/null || true; }

# The images (without their prefix) that are missing or out of date.
outdated() {
    local wanted image
    wanted=$(inputs)
    for image in "${images[@]}"; do
        [ "$(inputs_of "dbbackup-test/$image")" = "$wanted" ] || echo "$image"
    done
}

make_tree() {
    local tree=$1
    debootstrap --variant=minbase --include="$packages" bookworm "$tree" "$mirror" >"$tree.log" 2>&1 \
        || { tail -n 20 "$tree.log" "$tree/debootstrap/debootstrap.log" >&2 || true; fail 'debootstrap failed.'; }
}

slim_tree() {
    local tree=$1
    rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/var/log/* "$tree"/tmp/* \
        "$tree"/usr/share/{doc,man,info,locale,i18n,lintian} "$tree"/usr/lib/x86_64-linux-gnu/gconv
    find "$tree/usr" -name __pycache__ -type d -prune -exec rm -rf {} +
    # The compiler that PostgreSQL can do without is larger than all the rest of it.
    rm -rf "$tree"/usr/lib/*/libLLVM* "$tree"/usr/lib/postgresql/*/lib/{llvmjit.so,bitcode}
    # The cluster that Debian's package made.
    rm -rf "$tree"/etc/postgresql/* "$tree"/var/lib/postgresql/*
    mkdir -p "$tree/var/log/postgresql" "$tree/var/log/redis"
}

# Prints nothing; leaves the tarball under its name only when it is whole.
ensure_tarball() {
    local tarball=$1 work
    [ ! -e "$tarball" ] || return 0
    [ "$(id -u)" = 0 ] || fail 'debootstrap needs root: run this script once as root.'
    command -v debootstrap >/dev/null || fail 'debootstrap is not installed.'
    say "makes a Debian tree with debootstrap (from $mirror)"
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/new-XXXXXX")
    # shellcheck disable=SC2064  # now, while the name is known
    trap "rm -rf '$work'" EXIT
    # Of mktemp it has 0700: the image's / must let other users in.
    mkdir -m 755 "$work/tree"
    make_tree "$work/tree"
    slim_tree "$work/tree"
    tar -C "$work/tree" --numeric-owner --one-file-system --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -cf "$work/tree.tar" .
    mv "$work/tree.tar" "$tarball"
    rm -rf "$work"
    trap - EXIT
}

# The old builder: the new one is not everywhere, and would look for the base in a registry.
build() {
    local image=$1 file=$2
    shift 2
    say "builds dbbackup-test/$image"
    DOCKER_BUILDKIT=0 docker build --quiet --network none --label "$label=$(inputs)" "$@" \
        --tag "dbbackup-test/$image" --file "$file" "$context" >/dev/null 2>"$context.log" \
        || { cat "$context.log" >&2; fail "dbbackup-test/$image could not be built."; }
}

main() {
    docker version >/dev/null 2>&1 || fail 'no Docker engine answers.'
    local missing tarball base context version
    missing=$(outdated | tr '\n' ' ')
    if [ "${1:-}" = --check ]; then
        [ -z "$missing" ] || fail "missing or out of date: ${missing% } (run tests/docker/build-images.sh as root)."
        return
    fi
    if [ -z "$missing" ]; then
        say 'all images are up to date'
        return
    fi

    base=dbbackup-test/base:$(tree_key)
    if ! docker image inspect "$base" >/dev/null 2>&1; then
        tarball=$cache/debian-bookworm-$(uname -m)-$(tree_key).tar
        ensure_tarball "$tarball"
        say "imports $tarball"
        docker import "$tarball" "$base" >/dev/null
    fi
    # Dockerfiles name it without its key.
    docker tag "$base" dbbackup-test/base:latest

    context=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$context' '$context.log'" EXIT
    cp -r . "$context"
    command -v gcc >/dev/null || fail 'gcc is not installed.'
    gcc -static -Os -s -Wall -Werror -o "$context/sleeper" sleeper.c
    build postgres:15 "$context/postgres.Dockerfile"
    build nodump:15 "$context/nodump.Dockerfile"
    build app:1 "$context/app.Dockerfile"
    build redis:7 "$context/redis.Dockerfile"
    build noshell:1 "$context/noshell.Dockerfile"
    for version in "${shop_versions[@]}"; do
        build "shop:$version" "$context/shop.Dockerfile" --build-arg "VERSION=$version" \
            --target "$([ "$version" = sick ] && echo watched || echo plain)"
    done
    # What the new ones replaced has lost its name.
    docker image prune --force --filter "label=$label" >/dev/null
    say 'done'
}

main "$@"
