# shellcheck shell=bash
# What the scripts of this folder share: the cache, messages, and steps that are done once.

# Kept between runs, where the user that runs the servers can read it (root's home is closed to it).
if [ -z "${DBBACKUP_TEST_CACHE:-}" ]; then
    if [ "$(id -u)" = 0 ]; then DBBACKUP_TEST_CACHE=/var/cache/dbbackup-tests; else DBBACKUP_TEST_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/dbbackup-tests; fi
fi
export DBBACKUP_TEST_CACHE

# On standard error: the standard output of a function is its result.
say() { echo "$(basename "$0" .sh): $*" >&2; }
fail() { say "$*"; exit 1; }

# What the tests that need it will do is the same for everything that is missing.
missing() {
    {
        echo '**********************************************************************'
        printf '* %s\n' "$@"
        echo '* The tests that need it FAIL in CI, and are skipped elsewhere.'
        echo '**********************************************************************'
    } >&2
}

# Runs a command that may fail and says how long it took: step NAME COMMAND ARGUMENT... Its exit status is then in step_status.
# (In a condition "set -e" would not end the command at its first error, so that this is not to be used in one.)
step() {
    local name=$1 start=$SECONDS
    shift
    set +e
    (set -e; "$@")
    step_status=$?
    set -e
    say "$name: $((SECONDS - start)) s$([ "$step_status" = 0 ] || echo ', failed')"
}

# What identifies a recipe: its words and its functions. Another recipe makes another folder in the cache.
recipe_key() {
    local words=$1
    shift
    { echo "$words"; uname -m; declare -f "$@"; } | sha256sum | cut -c1-12
}

# Makes a folder or file of the cache once, whole or not at all: cached PATH COMMAND ARGUMENT...
# Not to be used in a condition, like step. The command is given the path of what it is to make and that of a folder to work in, then the arguments. Runs that meet wait for each other.
cached() {
    local target=$1 work
    shift
    [ ! -e "$target" ] || return 0
    mkdir -p "$DBBACKUP_TEST_CACHE"
    chmod a+rx "$DBBACKUP_TEST_CACHE"
    (
        flock 9
        [ ! -e "$target" ] || exit 0
        work=$(mktemp -d "$DBBACKUP_TEST_CACHE/new-XXXXXX")
        # shellcheck disable=SC2064  # now, while the name is known
        trap "rm -rf '$work'" EXIT
        "$1" "$work/made" "$work" "${@:2}"
        # Of mktemp it has 0700, and so would what is made in it.
        mv -T "$work/made" "$target"
    ) 9>"$target.lock"
    rm -f "$target.lock"
}
