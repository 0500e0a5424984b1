# shellcheck shell=bash
# Compose in both its versions: 1 is a program of its own, docker-compose, and 2 a plugin of the docker command, which finds it
# in the folder that DOCKER_CONFIG names. Source common.sh and debian.sh first.

readonly compose_suite=forky
# Compose 2 builds images with buildx.
readonly compose_packages=(docker-compose docker-buildx)

# A configuration of the docker command that has compose 2; it need not be there yet.
compose_2_configuration() { echo "$DBBACKUP_TEST_CACHE/docker-config-compose-2-$(recipe_key "$compose_suite ${compose_packages[*]}" make_compose_2)"; }

# One that has no plugin: with it, compose is docker-compose.
compose_1_configuration() { echo "$DBBACKUP_TEST_CACHE/docker-config-compose-1"; }

# The version that answers under a configuration, as in 2.40.3; nothing where none does.
compose_version() {
    local word
    word=$(DOCKER_CONFIG=$1 docker compose version --short 2>/dev/null) || word=$(docker-compose version --short 2>/dev/null) || return 0
    echo "${word#v}"
}

prepare_compose_2() {
    local folder
    folder=$(compose_2_configuration)
    [ -e "$folder" ] || say "unpacks ${compose_packages[*]} of Debian $compose_suite into $folder"
    cached "$folder" make_compose_2
    [[ $(compose_version "$folder") == 2.* ]] || fail "the docker command does not take the plugin of $folder."
}

prepare_compose_1() {
    local folder
    folder=$(compose_1_configuration)
    mkdir -p "$folder"
    # It is in Debian up to 12; a plugin that is installed for all users comes before it.
    [[ $(compose_version "$folder") == 1.* ]] || fail 'docker-compose 1 is not installed, or a plugin of the docker command comes before it.'
}

# make_compose_2 FOLDER WORK
make_compose_2() {
    local folder=$1 work=$2 package
    mkdir -p "$work/packages" "$work/tree" "$folder/cli-plugins"
    (cd "$work/packages" && debian_apt "$work/apt" "$compose_suite" download "${compose_packages[@]}" >&2)
    for package in "$work"/packages/*.deb; do
        dpkg-deb --extract "$package" "$work/tree"
    done
    cp "$work"/tree/usr/libexec/docker/cli-plugins/* "$folder/cli-plugins/"
    chmod -R a+rX "$folder"
}
