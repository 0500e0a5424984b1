#!/bin/sh
# Runs redis-server in /data as the user redis, open to the container's network; options are added to its own.
set -eu
case ${1:-} in
-*) set -- redis-server "$@" ;;
esac
if [ "${1:-}" = redis-server ]; then
    shift
    set -- redis-server --bind '*' --protected-mode no --dir /data --appendonly yes "$@"
    if [ "$(id -u)" = 0 ]; then
        # A bound folder comes with the host's owner.
        chown -R redis:redis /data
        set -- setpriv --reuid=redis --regid=redis --init-groups "$@"
    fi
fi
exec "$@"
