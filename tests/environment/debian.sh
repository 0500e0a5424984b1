# shellcheck shell=bash
# Packages of other Debian suites than this machine's, without touching what is installed: from the mirror that apt is set to,
# with apt's own lists, cache and state in a folder of ours. Signatures are checked with the archive's keys. Source common.sh first.

readonly debian_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror of Debian's archive that apt uses here, whatever form its sources are written in. Where this machine has none (it is
# not Debian, say), DBBACKUP_TEST_DEBIAN_MIRROR names one.
debian_mirror() {
    local mirror=${DBBACKUP_TEST_DEBIAN_MIRROR:-}
    if [ -z "$mirror" ]; then
        # Who signed the archive is known from the lists alone: without them apt tells the addresses only.
        mirror=$(debian_archives)
        if [ -z "$mirror" ] && [ "$(id -u)" = 0 ]; then
            apt-get update -qq >&2 || true
            mirror=$(debian_archives)
        fi
    fi
    [ -n "$mirror" ] || fail "apt has no mirror of Debian's archive here: name one in DBBACKUP_TEST_DEBIAN_MIRROR."
    echo "${mirror%/}"
}

debian_archives() {
    command -v apt-get >/dev/null || return 0
    # Not the updates of security: they are an archive of their own.
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 'Component: main' 2>/dev/null | head -n 1
}

# Runs apt-get for a suite: debian_apt FOLDER SUITE ARGUMENT... In the folder are its lists, which it fetches once.
debian_apt() {
    local folder=$1 suite=$2
    shift 2
    if [ ! -e "$folder/fetched" ]; then
        local mirror
        mirror=$(debian_mirror)
        [ -e "$debian_keyring" ] || fail "$debian_keyring is missing (the package debian-archive-keyring has it)."
        mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/preferences"
        : >"$folder/status"
        echo "deb [signed-by=$debian_keyring] $mirror $suite main" >"$folder/sources.list"
        cat >"$folder/apt.conf" <<END
Dir::Etc::SourceList "$folder/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "$folder/preferences";
Dir::State::Lists "$folder/lists";
Dir::State::status "$folder/status";
Dir::Cache "$folder/cache";
Dir::Log "$folder";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
APT::Install-Recommends "false";
APT::Sandbox::User "";
END
        APT_CONFIG=$folder/apt.conf apt-get -qq update >&2
        touch "$folder/fetched"
    fi
    APT_CONFIG=$folder/apt.conf apt-get -qq "$@"
}

# Unpacks packages and all that they depend on, but for those whose names the pattern has: debian_unpack TREE WORK SUITE PATTERN PACKAGE...
# Nothing of them is run, so that no root is needed.
debian_unpack() {
    local tree=$1 work=$2 suite=$3 without=$4 packages package
    shift 4
    # Nothing is installed in the empty status file: the plan has everything, down to the C library.
    packages=$(debian_apt "$work/apt" "$suite" --simulate install "$@" | awk '$1 == "Inst" { print $2 }' | grep -vE "^($without)$")
    mkdir -p "$work/packages" "$tree"
    # shellcheck disable=SC2086  # a list
    (cd "$work/packages" && debian_apt "$work/apt" "$suite" download $packages >&2)
    for package in "$work"/packages/*.deb; do
        dpkg-deb --extract "$package" "$tree"
    done
}

# A bootable tree of a suite for an image: debian_tree TREE SUITE PACKAGES (divided by commas). Needs root.
debian_tree() {
    local tree=$1 suite=$2 packages=$3 script=() mirror
    [ "$(id -u)" = 0 ] || fail 'debootstrap needs root: run this script once as root.'
    command -v debootstrap >/dev/null || fail 'debootstrap is not installed.'
    mirror=$(debian_mirror)
    # A debootstrap older than the suite has no script under the suite's name.
    [ -e "/usr/share/debootstrap/scripts/$suite" ] || script=(/usr/share/debootstrap/scripts/sid)
    mkdir -m 755 "$tree"
    debootstrap --variant=minbase --force-check-gpg --keyring="$debian_keyring" --include="$packages" "$suite" "$tree" "$mirror" "${script[@]}" >"$tree.log" 2>&1 \
        || { tail -n 20 "$tree.log" "$tree/debootstrap/debootstrap.log" >&2 || true; fail "debootstrap of $suite failed."; }
}
