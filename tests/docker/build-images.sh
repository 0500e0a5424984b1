#!/usr/bin/env bash
# Makes the images of the Docker tests without a registry: a Debian tree for each version of PostgreSQL, and variants that share
# its layer. Run again it does only what is out of date. With --check it changes nothing, and fails where something is missing.
# The trees are cached below $DBBACKUP_TEST_CACHE (default /var/cache/dbbackup-tests); debootstrap needs root.
set -euo pipefail
cd "$(dirname "$0")"
. ../environment/common.sh
. ../environment/debian.sh

# The suite of each tree and what is in it. Bookworm's is also that of the applications; the others have a server and its extensions alone.
# Bookworm has no pgvector.
readonly -A trees=(
    [bookworm]=postgresql-15,postgresql-15-postgis-3,python3,python3-psycopg2,sqlite3,alembic,redis-server,procps
    [trixie]=postgresql-17,postgresql-17-postgis-3,postgresql-17-pgvector
    [forky]=postgresql-18,postgresql-18-postgis-3,postgresql-18-pgvector
)
# Each image, its tree, and the files that it is made from, of which the first is its Dockerfile.
readonly images='
postgres:15         bookworm postgres.Dockerfile postgres-entrypoint.sh
postgres:17         trixie   postgres.Dockerfile postgres-entrypoint.sh
postgres:18         forky    postgres.Dockerfile postgres-entrypoint.sh
nodump:15           bookworm nodump.Dockerfile postgres.Dockerfile postgres-entrypoint.sh
app:1               bookworm app.Dockerfile sleeper.c writer.py
redis:7             bookworm redis.Dockerfile redis-entrypoint.sh
noshell:1           bookworm noshell.Dockerfile sleeper.c
shop:1              bookworm shop.Dockerfile shop.py shop
shop:2              bookworm shop.Dockerfile shop.py shop
shop:crash          bookworm shop.Dockerfile shop.py shop
shop:sick           bookworm shop.Dockerfile shop.py shop
shop:badmigration   bookworm shop.Dockerfile shop.py shop
shop:halfmigration  bookworm shop.Dockerfile shop.py shop
'
# Says which inputs an image was made from.
readonly label=dbbackup-test.made-from

listed() { awk 'NF' <<<"$images"; }
tree_key() { recipe_key "$1 ${trees[$1]}" make_tree slim_tree; }

# What an image is made from, as a short hash: its tree, its files, and how it is built.
made_from() {
    local image=$1 tree=$2
    shift 2
    { echo "$image $(tree_key "$tree")"; declare -f build options_of; find "$@" -type f | LC_ALL=C sort | xargs sha256sum; } | sha256sum | cut -c1-16
}

# The label of an image; empty where there is no such image.
label_of() { docker image inspect --format "{{index .Config.Labels \"$label\"}}" "$1" 2>/dev/null || true; }

# The lines of the images that are missing or out of date.
outdated() {
    local line
    listed | while read -r line; do
        # shellcheck disable=SC2086  # a line of several words
        [ "$(label_of "dbbackup-test/${line%% *}")" = "$(made_from $line)" ] || echo "$line"
    done
}

# make_tree TARBALL WORK SUITE
make_tree() {
    local tarball=$1 work=$2 suite=$3
    debian_tree "$work/tree" "$suite" "${trees[$suite]}"
    slim_tree "$work/tree"
    tar -C "$work/tree" --numeric-owner --one-file-system --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' -cf "$tarball" .
}

slim_tree() {
    local tree=$1
    rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/var/log/* "$tree"/tmp/* \
        "$tree"/usr/share/{doc,man,info,locale,i18n,lintian} "$tree"/usr/lib/x86_64-linux-gnu/gconv
    # The compiler that PostgreSQL can do without is larger than all the rest of it.
    rm -rf "$tree"/usr/lib/*/libLLVM* "$tree"/usr/lib/postgresql/*/lib/{llvmjit.so,bitcode}
    # The cluster that Debian's package made.
    rm -rf "$tree"/etc/postgresql/* "$tree"/var/lib/postgresql/*
    mkdir -p "$tree/var/log/postgresql" "$tree/var/log/redis"
}

base_of() { echo "dbbackup-test/base:$1-$(tree_key "$1")"; }

tarball_of() { echo "$DBBACKUP_TEST_CACHE/debian-$1-$(uname -m)-$(tree_key "$1").tar"; }

# Imports a tree as the image that the Dockerfiles start from; makes it first where it is not cached.
import_tree() {
    local suite=$1 base tarball
    base=$(base_of "$suite")
    tarball=$(tarball_of "$suite")
    docker image inspect "$base" >/dev/null 2>&1 && return
    [ -e "$tarball" ] || say "makes a tree of Debian $suite with debootstrap"
    cached "$tarball" make_tree "$suite"
    say "imports $tarball"
    docker import "$tarball" "$base" >/dev/null
}

# The trees are made beside each other: they wait for the network and for dpkg in turn.
import_trees() {
    local suite job jobs=() status=0
    for suite in "$@"; do
        import_tree "$suite" &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do
        wait "$job" || status=1
    done
    [ "$status" = 0 ] || fail 'a Debian tree could not be made.'
}

# The options of "docker build" that an image has of its own, one a line.
options_of() {
    local image=$1 tree=$2 major version
    case $image in
    postgres:*)
        major=${image#*:}
        version=$(docker run --rm --network none "$(base_of "$tree")" dpkg-query -W -f '${Version}' "postgresql-$major")
        printf '%s\n' --build-arg "MAJOR=$major" --build-arg "VERSION=$version"
        # Since 18 the official image has its data in a folder of the major version's own: https://hub.docker.com/_/postgres, "PGDATA".
        if [ "$major" -ge 18 ]; then
            printf '%s\n' --build-arg "DATA=/var/lib/postgresql/$major/docker" --build-arg VOLUME=/var/lib/postgresql
        else
            printf '%s\n' --build-arg DATA=/var/lib/postgresql/data --build-arg VOLUME=/var/lib/postgresql/data
        fi
        ;;
    # "sick" has a health check.
    shop:*) printf '%s\n' --build-arg "VERSION=${image#*:}" --target "$([ "$image" = shop:sick ] && echo watched || echo plain)" ;;
    esac
}

# build CONTEXT IMAGE TREE DOCKERFILE FILE... The old builder: the new one is not everywhere, and would look for the base in a registry.
build() {
    local context=$1 image=$2 tree=$3 file=$4 options
    say "builds dbbackup-test/$image"
    mapfile -t options < <(options_of "$image" "$tree")
    DOCKER_BUILDKIT=0 docker build --quiet --network none --label "$label=$(made_from "${@:2}")" --build-arg "BASE=$(base_of "$tree")" "${options[@]}" \
        --tag "dbbackup-test/$image" --file "$context/$file" "$context" >/dev/null 2>"$context.log" \
        || { cat "$context.log" >&2; fail "dbbackup-test/$image could not be built."; }
}

main() {
    docker version >/dev/null 2>&1 || fail 'no Docker engine answers.'
    local wanted context line suite
    wanted=$(outdated)
    if [ "${1:-}" = --check ]; then
        [ -z "$wanted" ] || fail "missing or out of date: $(awk '{ print $1 }' <<<"$wanted" | paste -sd ' ') (run tests/docker/build-images.sh as root)."
        return
    fi
    if [ -z "$wanted" ]; then
        say 'all images are up to date'
        return
    fi

    # shellcheck disable=SC2046  # a list
    import_trees $(awk '{ print $2 }' <<<"$wanted" | sort -u)
    context=$(mktemp -d)
    # shellcheck disable=SC2064  # now, while the name is known
    trap "rm -rf '$context' '$context.log'" EXIT
    cp -r . "$context"
    command -v gcc >/dev/null || fail 'gcc is not installed.'
    gcc -static -Os -s -Wall -Werror -o "$context/sleeper" sleeper.c
    while read -r line; do
        # shellcheck disable=SC2086  # a line of several words
        build "$context" $line </dev/null
    done <<<"$wanted"
    # What the new ones replaced has lost its name; trees of other recipes are of no more use.
    docker image prune --force --filter "label=$label" >/dev/null
    for suite in "${!trees[@]}"; do
        find "$DBBACKUP_TEST_CACHE" -maxdepth 1 -name "debian-$suite-$(uname -m)-*.tar" ! -path "$(tarball_of "$suite")" -delete
    done
    say 'done'
}

main "$@"
