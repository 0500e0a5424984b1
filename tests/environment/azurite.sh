# shellcheck shell=bash
# Azurite, the emulator of Azure's blob service, from npm. Source common.sh first.

readonly azurite_version=3.37.0

# The program that serves blobs; it need not be there yet.
azurite_program() { echo "$DBBACKUP_TEST_CACHE/azurite-$azurite_version-$(recipe_key "$azurite_version" make_azurite)/node_modules/.bin/azurite-blob"; }

prepare_azurite() {
    local folder
    folder=$(dirname "$(dirname "$(dirname "$(azurite_program)")")")
    command -v npm >/dev/null || fail 'npm is not installed.'
    [ -e "$folder" ] || say "installs azurite $azurite_version into $folder"
    cached "$folder" make_azurite
    node --version >/dev/null && [ -x "$(azurite_program)" ] || fail "$(azurite_program) is not there."
}

# make_azurite FOLDER WORK
make_azurite() {
    local folder=$1
    mkdir -p "$folder"
    # Its links are relative: the folder can be renamed.
    npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts --loglevel=error "azurite@$azurite_version" >&2
    chmod -R a+rX "$folder"
}
