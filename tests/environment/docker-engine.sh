# shellcheck shell=bash
# A Docker engine: the one that answers, or a dockerd of ours. Source common.sh first.

start_docker_engine() {
    local log=/var/log/dbbackup-tests-dockerd.log daemon
    docker version >/dev/null 2>&1 && return 0
    [ "$(id -u)" = 0 ] || fail 'no Docker engine answers, and only root can start one.'
    command -v dockerd >/dev/null || fail 'dockerd is not installed.'
    say "starts dockerd (log: $log)"
    # It lives on after this script; a session of its own, so that Ctrl+C is not for it.
    setsid dockerd >"$log" 2>&1 </dev/null &
    daemon=$!
    for _ in $(seq 60); do
        docker version >/dev/null 2>&1 && return 0
        kill -0 "$daemon" 2>/dev/null || break
        sleep 1
    done
    say "dockerd does not run here. The end of $log:"
    tail -n 20 "$log" >&2
    return 1
}
