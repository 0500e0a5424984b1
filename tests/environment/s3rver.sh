# shellcheck shell=bash
# The S3 server of the tests, from npm, in one version. Source common.sh first.

readonly s3rver_version=3.7.1

s3rver_folder() { echo "$DBBACKUP_TEST_CACHE/s3rver-$(recipe_key "$s3rver_version" make_s3rver)"; }

prepare_s3rver() {
    local folder
    folder=$(s3rver_folder)
    [ ! -e "$folder" ] || return 0
    say "installs s3rver $s3rver_version into $folder"
    cached "$folder" make_s3rver
    find "$DBBACKUP_TEST_CACHE" -maxdepth 1 -name 's3rver-*' ! -path "$folder*" -exec rm -rf {} +
}

# make_s3rver FOLDER WORK
make_s3rver() {
    command -v npm >/dev/null || fail 'npm is not installed.'
    mkdir -p "$1"
    npm install --prefix "$1" --no-audit --no-fund --ignore-scripts --cache "$2/cache" "s3rver@$s3rver_version" >&2
}
