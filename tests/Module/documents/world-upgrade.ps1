# What the documents about upgrades have on top: the project shop in a work tree with the tags v1 and v2, PartsHub in a container that
# migrates when it starts, an upgrade of pats that has succeeded, and one of wiki whose shell was killed in the middle.
. $PSScriptRoot/world-docker.ps1

function Add-World {
    Clear-Engine
    Add-Programs
    Add-Tree
    Add-Upgrades
    docker tag dbbackup-test/shop:1 ghcr.io/madeinoz67/partshub:latest
    docker tag dbbackup-test/shop:2 ghcr.io/madeinoz67/partshub:v2
    docker tag dbbackup-test/postgres:18 postgres:18
}

function Add-PartsHub {
    $label = '--label', "$Label=1"
    docker rm --force --volumes partshub 2>&1 | Out-Null
    docker volume rm --force partshub_data 2>&1 | Out-Null
    Invoke-Docker volume create @label partshub_data | Out-Null
    Invoke-Docker run --detach @label --name partshub --volume partshub_data:/app/data --env AUTO_MIGRATE=1 --env DATABASE_URL=sqlite:////app/data/partshub.db ghcr.io/madeinoz67/partshub:latest | Out-Null
}

function Add-Tree {
    New-Folder ./shop | Out-Null
    @"
version: '2.4'
services:
  db:
    image: dbbackup-test/postgres:15
    environment: [POSTGRES_USER=shop, POSTGRES_PASSWORD=secret, POSTGRES_DB=shop, POSTGRES_INITDB_ARGS=--no-sync]
    command: ['-c', 'fsync=off']
    volumes: ['db_data:/var/lib/postgresql/data']
    labels: ['$Label=1']
  backend:
    build: .
    environment: [DATABASE_URL=postgresql://shop:secret@db/shop]
    depends_on: [db]
    ports: ['127.0.0.1:8000:8000']
    labels: ['$Label=1']
volumes:
  db_data:
    labels: ['$Label=1']
"@ | Set-Content ./shop/docker-compose.yml
    $git = 'git', '-C', './shop', '-c', 'user.name=test', '-c', 'user.email=test@example.org'
    git init --quiet ./shop
    'backups/' | Set-Content ./shop/.gitignore
    foreach ($version in 1, 2) {
        "FROM dbbackup-test/shop:$version" | Set-Content ./shop/Dockerfile
        & $git[0] @($git[1..6]) add --all
        & $git[0] @($git[1..6]) commit --quiet --message "Version $version"
        & $git[0] @($git[1..6]) tag "v$version"
    }
    & $git[0] @($git[1..6]) checkout --quiet v1
}

# Each of them is a real one; only its id is what the documents call it.
function Add-Upgrades {
    $pats = @{ Path = './data/pats.db'; Migrate = 'alembic upgrade head'; MigrationPath = './backend'; DatabaseVariable = 'DATABASE_URL'; Confirm = $false }
    Rename-Upgrade (Invoke-DbUpgrade @pats).Id 20261121T101500Z-pats
    Add-Migration e07c2b1f5a66 9c1b7a40d2e3 "op.execute('ALTER TABLE documents ADD COLUMN pages INTEGER')"
    "#!/bin/sh`nexec sqlite3 ./data/pats.db 'create table if not exists notes (id integer primary key)'" | Set-Content ./migrate.sh
    "#!/bin/sh`nexec sqlite3 ./data/pats.db 'select count(*) from notes'" | Set-Content ./selftest.sh
    chmod +x ./migrate.sh ./selftest.sh
    Copy-Item ./data/pats.db ./data/wiki.db
    # The first time it kills the shell that upgrades.
    @'
[ -e /srv/home/killed ] && exit 0
: >/srv/home/killed
shell=$PPID
until grep -q Invoke-DbUpgrade "/proc/$shell/cmdline"; do read -r _ _ _ shell _ <"/proc/$shell/stat"; done
kill -9 "$shell"
'@ | Set-Content ./kill.sh
    $script = "Set-Location /srv/pats; Import-Module DbBackup; Invoke-DbUpgrade ./data/wiki.db -Migrate 'sh /srv/pats/kill.sh' -Confirm:`$false"
    Invoke-SameShell -NoProfile -NonInteractive -Command $script 2>&1 | Out-Null
    $cut = Get-DbUpgrade | Where-Object State -EQ Interrupted
    if (-not $cut) { throw "No upgrade was cut off: $(Get-DbUpgrade | Out-String)" }
    Rename-Upgrade $cut.Id 20261121T111500Z-wiki
}

function Rename-Upgrade([string] $From, [string] $To) {
    $folder = '/srv/home/.local/share/DbBackup/upgrades'
    (Get-Content -LiteralPath "$folder/$From.json" -Raw).Replace($From, $To) | Set-Content -NoNewline -LiteralPath "$folder/$To.json"
    Remove-Item -LiteralPath "$folder/$From.json"
}

# On the engine only what a session upgrades is made, at version 1.
function Reset-Server([object[]] $Commands) {
    if ($Commands.Text -match '-Container partshub') { Add-PartsHub }
    if (-not ($Commands.Text -match '-ComposeProject|docker compose')) { return }
    Set-Location /srv/pats
    docker compose --project-directory ./shop down --volumes 2>&1 | Out-Null
    docker volume rm --force shop_db_data-18 2>&1 | Out-Null
    $built = docker compose --project-directory ./shop up --build -d 2>&1
    if ($LASTEXITCODE) { throw "The project does not start: $built" }
    Wait-TestPostgreSql (Get-ServiceContainer db)
    Invoke-Docker exec (Get-ServiceContainer backend) alembic upgrade head | Out-Null
    Invoke-ContainerSql (Get-ServiceContainer db) -User shop -Database shop "insert into orders (note) select 'order ' || i from generate_series(1, 200) i" | Out-Null
}
