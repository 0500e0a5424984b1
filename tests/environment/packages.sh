# shellcheck shell=bash
# What the tests need of this machine's own distribution. Source common.sh first.

# A program and the package that has it.
readonly needed_programs=(sqlite3:sqlite3 zstd:zstd gzip:gzip tar:tar git:git sha256sum:coreutils
    age:age strace:strace setpriv:util-linux flock:util-linux mount:mount python3:python3 alembic:alembic pgrep:procps gpgv:gpgv patchelf:patchelf
    crontab:cron systemd-analyze:systemd docker:docker.io dockerd:docker.io docker-compose:docker-compose debootstrap:debootstrap gcc:gcc restic:restic
    setfattr:attr setfacl:acl bsdtar:libarchive-tools sshd:openssh-server ssh:openssh-client /usr/sbin/pgbouncer:pgbouncer node:nodejs npm:npm rclone:rclone)

missing_packages() {
    local pair
    for pair in "${needed_programs[@]}"; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || echo "${pair##*:}"
    done
    # The distribution's own Python, which its alembic runs in; another may come before it on the path.
    /usr/bin/python3 -c 'import alembic' 2>/dev/null || echo python3-alembic
    /usr/bin/python3 -c 'import psycopg2' 2>/dev/null || echo python3-psycopg2
    # For the static program of the Docker tests' images.
    compgen -G '/usr/lib/*/libc.a' >/dev/null || echo libc6-dev
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || echo debian-archive-keyring
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || echo postgresql postgresql-contrib
}

prepare_packages() {
    local packages
    packages=$(missing_packages | sort -u | tr '\n' ' ')
    [ -n "${packages// /}" ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        missing 'Some programs are not installed, and only root can install them where apt is the package manager.' "Debian's names for them: $packages"
        return 0
    fi
    # The tests start servers of their own: the package need not make one, nor run it.
    if [ ! -e /etc/postgresql-common/createcluster.conf ] && [[ " $packages" == *' postgresql '* ]]; then
        mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    fi
    say "installs $packages"
    apt-get update -qq >&2
    # shellcheck disable=SC2086  # a list
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold $packages >&2
}

# Extensions of the distribution's PostgreSQL whose rows and behaviour the tests restore: known once the server's major version is.
readonly needed_extensions=(pg_partman:partman postgis:postgis-3 pg_cron:cron)

prepare_extensions() {
    local major pair packages=''
    major=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -n | tail -n 1)
    for pair in "${needed_extensions[@]}"; do
        [ -e "/usr/share/postgresql/$major/extension/${pair%%:*}.control" ] || packages+=" postgresql-$major-${pair##*:}"
    done
    [ -n "$packages" ] || return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        missing 'Some extensions of PostgreSQL are not installed, and only root can install them where apt is the package manager.' "Debian's names for them:$packages"
        return 0
    fi
    say "installs$packages"
    apt-get update -qq >&2
    # shellcheck disable=SC2086  # a list
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >&2
}
