#!/usr/bin/env bash
# Makes a cluster in an empty PGDATA from the variables of the official image, then runs the server as postgres.
set -euo pipefail

stop() { echo "Error: $*" >&2; exit 1; }

# The value of a variable, or what the file named by its _FILE form holds, or a default.
setting() {
    local name=$1 default=${2:-} file=$1_FILE
    if [ -n "${!name:-}" ] && [ -n "${!file:-}" ]; then stop "both $name and $file are set"; fi
    if [ -n "${!file:-}" ]; then
        [ -r "${!file}" ] || stop "$file names '${!file}', which cannot be read"
        printf '%s' "$(<"${!file}")"
    else
        printf '%s' "${!name:-$default}"
    fi
}

initialize() {
    local user password database method arguments
    user=$(setting POSTGRES_USER postgres)
    password=$(setting POSTGRES_PASSWORD)
    database=$(setting POSTGRES_DB "$user")
    method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    if [ -z "$password" ] && [ "$method" != trust ]; then
        stop 'POSTGRES_PASSWORD is not set: the database would have a superuser without one'
    fi

    # Unquoted: the variable holds several options.
    # shellcheck disable=SC2206
    arguments=(--username="$user" ${POSTGRES_INITDB_ARGS:-})
    if [ -n "$password" ]; then
        # Through a descriptor: an argument would show the password, and a read-only container has no place for a file.
        initdb "${arguments[@]}" --pwfile=<(printf '%s\n' "$password")
    else
        initdb "${arguments[@]}"
    fi
    printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
    [ "$database" != postgres ] || compgen -G '/docker-entrypoint-initdb.d/*' >/dev/null || return 0

    # Without TCP: who waits for the server through the network does not meet this one.
    pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
    local query=(psql -X -q -v ON_ERROR_STOP=1 --no-password --username="$user")
    if [ "$database" != postgres ]; then
        "${query[@]}" --dbname=postgres -v name="$database" <<<'CREATE DATABASE :"name";'
    fi
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
        *.sh)
            # shellcheck disable=SC1090
            . "$file" ;;
        *.sql) "${query[@]}" --dbname="$database" -f "$file" ;;
        *.sql.gz) gunzip -c "$file" | "${query[@]}" --dbname="$database" ;;
        esac
    done
    pg_ctl -D "$PGDATA" -m fast -w stop
}

# "docker run image -c fsync=off" gives options alone.
case ${1:-} in
-*) set -- postgres "$@" ;;
esac

if [ "${1:-}" = postgres ]; then
    if [ "$(id -u)" = 0 ]; then
        mkdir -p "$PGDATA"
        chown -R postgres:postgres "$PGDATA"
        chmod 700 "$PGDATA"
        # A tmpfs over the socket's folder comes without its owner.
        chown postgres:postgres /var/run/postgresql
        chmod 3777 /var/run/postgresql
        exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
    fi
    mkdir -p "$PGDATA"
    # With a user of its own from the start, the folder may be somebody else's, and open to all.
    chmod 700 "$PGDATA" || true
    [ -s "$PGDATA/PG_VERSION" ] || initialize
fi
exec "$@"
