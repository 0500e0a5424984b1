# shellcheck shell=bash
# PostgreSQL of other major versions than the distribution's, servers and clients, for this machine's own use: Debian's packages,
# unpacked beside each other and led to their own libraries. Source common.sh and debian.sh first.

# Each major version and the suite that has it.
readonly -A postgresql_suites=([17]=trixie [18]=forky)
# What the programs run without: scripts, their interpreter, the compiler for queries, and what a booted system has.
readonly postgresql_without='perl.*|libperl.*|libllvm.*|libz3-4|systemd|procps|passwd|adduser|postgresql-.*common.*|.*-l10n|locales|openssl|ssl-cert|ucf|.*debconf.*'

# The folder of a major version, with its programs in bin; it need not be there yet.
postgresql_folder() {
    local major=$1
    echo "$DBBACKUP_TEST_CACHE/postgresql-$major-$(recipe_key "${postgresql_suites[$major]} $postgresql_without" debian_unpack make_postgresql)/usr/lib/postgresql/$major"
}

prepare_postgresql() {
    local major=$1 folder root
    folder=$(postgresql_folder "$major")
    root=${folder%/usr/lib/postgresql/*}
    [ ! -e "$root" ] || return 0
    say "unpacks PostgreSQL $major of Debian ${postgresql_suites[$major]} into $root"
    cached "$root" make_postgresql "$root" "$major"
    # Of other recipes none is needed any more.
    find "$DBBACKUP_TEST_CACHE" -maxdepth 1 -name "postgresql-$major-*" ! -path "$root*" -exec rm -rf {} +
}

# make_postgresql TREE WORK FINAL MAJOR: FINAL is where the tree will be when it is whole.
make_postgresql() {
    local tree=$1 work=$2 final=$3 major=$4 program loader libraries
    command -v patchelf >/dev/null || fail 'patchelf is not installed.'
    debian_unpack "$tree" "$work" "${postgresql_suites[$major]}" "$postgresql_without" "postgresql-$major"
    rm -rf "$tree"/usr/share/{doc,man,locale,lintian} "$tree"/usr/lib/postgresql/*/lib/{llvmjit.so,bitcode}
    # They ask for a newer C library than this machine may have: that of their own suite is beside them. A path that also holds
    # for what the programs load themselves (extensions, and what those need) is an RPATH, not a RUNPATH.
    libraries=$(cd "$tree" && echo usr/lib/*-linux-gnu*)
    for program in "$tree/usr/lib/postgresql/$major"/bin/*; do
        loader=$(patchelf --print-interpreter "$program" 2>/dev/null) || continue
        [ -e "$tree$loader" ] || loader=/usr$loader
        patchelf --set-interpreter "$final$loader" --force-rpath --set-rpath "$final/$libraries" "$program"
    done
    find "$tree" -type d -exec chmod a+rx {} +
}
