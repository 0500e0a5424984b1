#!/usr/bin/env bash
# Prepares this machine for the whole test suite, as far as it lets itself be prepared: packages, PostgreSQL of other major
# versions, a Docker engine with the tests' images, compose in both versions. Run again it does only what is missing.
#
#   sudo tests/environment/prepare.sh >/dev/null      packages, dockerd and the images' trees need root
#   eval "$(tests/environment/prepare.sh)"            the rest, and the variables for "dotnet test" in this shell
#
# Standard output has the variables, as export statements, and nothing else. What is made is kept below $DBBACKUP_TEST_CACHE
# (default /var/cache/dbbackup-tests for root, ~/.cache/dbbackup-tests for everybody else); root needs the second line alone.
#
#   DBBACKUP_TEST_POSTGRESQL_17, _18   a folder whose bin has the programs of that major version
#   DBBACKUP_TEST_DOCKER=1             the engine and its images are there: a test that lacks them fails
#   DOCKER_CONFIG                      leads the docker command to compose 2; not set where it has it already
#   DBBACKUP_TEST_COMPOSE_1            the DOCKER_CONFIG with which compose is docker-compose 1
#   DBBACKUP_TEST_S3RVER               the folder in which the S3 server s3rver is installed
#   DBBACKUP_TEST_AZURITE              the program azurite-blob
#   DBBACKUP_TEST_COMPOSE=1 or 2       (to be set by hand) a test that meets the other version fails
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for part in common debian packages postgresql docker-engine compose s3rver azurite; do
    # shellcheck source=/dev/null
    . "$here/$part.sh"
done

variable() { printf 'export %s=%q\n' "$1" "$2"; }

main() {
    step packages prepare_packages
    [ "$step_status" = 0 ] || missing 'Some packages could not be installed.'
    step extensions prepare_extensions
    [ "$step_status" = 0 ] || missing 'Some extensions of PostgreSQL could not be installed.'

    local major
    for major in "${!postgresql_suites[@]}"; do
        step "PostgreSQL $major" prepare_postgresql "$major"
        if [ "$step_status" = 0 ]; then
            variable "DBBACKUP_TEST_POSTGRESQL_$major" "$(postgresql_folder "$major")"
        else
            missing "PostgreSQL $major could not be fetched."
        fi
    done

    step 'Docker engine' start_docker_engine
    [ "$step_status" != 0 ] || step 'Docker images' "$here/../docker/build-images.sh"
    [ "$step_status" != 0 ] || step 'Image of the schedulers' "$here/../docker/build-scheduler-image.sh"
    if [ "$step_status" = 0 ]; then
        variable DBBACKUP_TEST_DOCKER 1
    else
        missing 'There is no Docker engine, or its images could not be made.'
    fi

    # Who has compose 2 already keeps their own configuration of the docker command.
    if [[ $(compose_version "${DOCKER_CONFIG:-$HOME/.docker}") != 2.* ]]; then
        step 'compose 2' prepare_compose_2
        if [ "$step_status" = 0 ]; then
            variable DOCKER_CONFIG "$(compose_2_configuration)"
        else
            missing 'Compose 2 could not be fetched.'
        fi
    fi
    step 'compose 1' prepare_compose_1
    if [ "$step_status" = 0 ]; then
        variable DBBACKUP_TEST_COMPOSE_1 "$(compose_1_configuration)"
    else
        missing 'There is no compose 1.'
    fi

    step 's3rver' prepare_s3rver
    if [ "$step_status" = 0 ]; then
        variable DBBACKUP_TEST_S3RVER "$(s3rver_folder)"
    else
        missing 'The S3 server s3rver could not be installed (npm).'
    fi

    step azurite prepare_azurite
    if [ "$step_status" = 0 ]; then
        variable DBBACKUP_TEST_AZURITE "$(azurite_program)"
    else
        missing 'Azurite could not be installed.'
    fi
}

main
