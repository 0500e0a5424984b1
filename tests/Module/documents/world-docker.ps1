# On the engine of the tests: the compose project shop, the containers and volumes that the documents name, all with a label that says
# whose they are. What a user has under the same names is never touched: then nothing is run (Find-WorldObstacle).
$script:Label = 'dbbackup.documents'

function Add-World {
    Clear-Engine
    Add-Programs
    Add-Project
    Add-Containers
    Add-ContainerBackups
}

# compose where only its first version is installed, and an ssh that reaches this machine under every name.
function Add-Programs {
    $folder = New-Folder "$env:DBBACKUP_TEST_WORLD/bin"
    $docker = (Get-Command docker -CommandType Application)[0].Source
    @"
#!/bin/sh
if [ "`$1" = compose ] && ! $docker compose version >/dev/null 2>&1; then
    shift
    # The first version looks for the file where it is started.
    if [ "`$1" = --project-directory ]; then cd "`$2" && shift 2; fi
    exec docker-compose "`$@"
fi
exec $docker "`$@"
"@ | Set-Content "$folder/docker"
    @'
#!/bin/sh
while :; do
    case $1 in
        --) shift; break ;;
        -[bcDEeFIiJLlmOopQRSWw]) shift 2 ;;
        -*) shift ;;
        *) break ;;
    esac
done
shift
exec sh -c "$*"
'@ | Set-Content "$folder/ssh"
    chmod +x "$folder/docker" "$folder/ssh"
    $env:PATH = "${folder}:$env:PATH"
    docker context create production --docker host=unix:///var/run/docker.sock 2>&1 | Out-Null
}

function Add-Project {
    New-Folder ./shop | Out-Null
    $labels = "labels: ['$Label=1']"
    @"
version: '2.4'
services:
  db:
    image: dbbackup-test/postgres:15
    environment: [POSTGRES_USER=shop, POSTGRES_PASSWORD=secret, POSTGRES_DB=shop, POSTGRES_INITDB_ARGS=--no-sync]
    command: ['-c', 'fsync=off']
    volumes: ['db_data:/var/lib/postgresql/data']
    $labels
  backend:
    image: dbbackup-test/shop:1
    container_name: shop-backend-1
    environment: [DATABASE_URL=postgresql://shop:secret@db/shop]
    depends_on: [db]
    $labels
  web:
    image: dbbackup-test/app:1
    depends_on: [db]
    volumes: ['uploads:/app/uploads']
    $labels
  pats:
    image: dbbackup-test/app:1
    volumes: ['pats_data:/app/data']
    $labels
  cache:
    image: dbbackup-test/app:1
    volumes: ['cache:/data']
    $labels
volumes:
$('db_data', 'uploads', 'pats_data', 'cache' | ForEach-Object { "  ${_}:`n    $labels" } | Join-String -Separator "`n")
"@ | Set-Content ./shop/docker-compose.yml
    Invoke-Docker compose --project-directory ./shop up -d | Out-Null
    Wait-TestPostgreSql (Get-ServiceContainer db)
    Invoke-Docker exec shop-backend-1 alembic upgrade head | Out-Null
    Invoke-ContainerSql (Get-ServiceContainer db) -User shop -Database shop "insert into orders (note) select 'order ' || i from generate_series(1, 200) i" | Out-Null
    Invoke-ContainerSql (Get-ServiceContainer db) -User shop -Database shop 'create database app_wiki' | Out-Null
    Invoke-ContainerSql (Get-ServiceContainer db) -User shop -Database app_wiki 'create table pages (id int)' | Out-Null
    docker exec (Get-ServiceContainer web) sh -c 'for i in 1 2 3; do echo "photo $i" >/app/uploads/$i.jpg; done'
    Add-Files (Get-ServiceContainer pats)
    docker exec (Get-ServiceContainer cache) sh -c 'echo warm >/data/dump'
    # PATS itself, whose service has the folders of this one; the documents stop it and start it.
    $real = "$env:DBBACKUP_TEST_WORLD/srv/pats"
    @"
version: '2.4'
services:
  backend:
    image: dbbackup-test/shop:1
    command: ['sleep', 'infinity']
    init: true
    working_dir: /srv/backend
    environment: ['DATABASE_URL=sqlite:////srv/data/pats.db']
    volumes: ['$real/data:/srv/data', '$real/backend:/srv/backend']
    $labels
"@ | Set-Content ./docker-compose.yml
    Invoke-Docker compose up --no-start 2>&1 | Out-Null
}

function Get-ServiceContainer([string] $Service) { Invoke-Docker ps --all --quiet --filter label=com.docker.compose.project=shop --filter "label=com.docker.compose.service=$Service" --filter label=com.docker.compose.oneoff=False }

function Add-Files([string] $Container) {
    docker exec $Container sh -c "sqlite3 /app/data/pats.db 'create table applications (id integer primary key, company text); insert into applications (company) values (''one''), (''two'')'; mkdir -p /app/data/uploads; echo letter >/app/data/uploads/1.txt"
}

function Add-Containers {
    $label = '--label', "$Label=1"
    foreach ($volume in 'wiki_data', 'staging_data', 'partshub_data') { Invoke-Docker volume create @label $volume | Out-Null }
    Invoke-Docker run --detach @label --name wiki --volume wiki_data:/app/data dbbackup-test/app:1 | Out-Null
    Add-Files wiki
    Invoke-Docker run --detach @label --name pats-staging --volume staging_data:/app/data dbbackup-test/app:1 | Out-Null
    # The name of PartsHub's image, for one that is here.
    Invoke-Docker tag dbbackup-test/app:1 ghcr.io/madeinoz67/partshub:latest
    Invoke-Docker run --detach @label --name partshub --volume partshub_data:/app/data ghcr.io/madeinoz67/partshub:latest | Out-Null
    docker exec partshub sh -c "sqlite3 /app/data/partshub.db 'create table parts (id integer primary key, name text); insert into parts (name) values (''resistor''), (''diode'')'; mkdir /app/data/attachments; echo pinout >/app/data/attachments/pinout.txt"
    foreach ($name in 'staging-db', 'test-db') {
        Invoke-Docker run --detach @label --name $name --env POSTGRES_PASSWORD=secret --env POSTGRES_INITDB_ARGS=--no-sync dbbackup-test/postgres:15 -c fsync=off | Out-Null
    }
    foreach ($name in 'staging-db', 'test-db') { Wait-TestPostgreSql $name }
    Invoke-ContainerSql staging-db 'create role shop login' | Out-Null
}

# In both repositories that documents about containers use.
function Add-ContainerBackups {
    $shop = @{ ComposeProject = 'shop'; Service = 'db'; Database = 'shop'; ContainerPath = 'web:/app/uploads'; Source = 'shop' }
    $parts = @{ Path = '/var/lib/docker/volumes/partshub_data/_data/partshub.db'; AdditionalPath = '/var/lib/docker/volumes/partshub_data/_data/attachments' }
    foreach ($repository in './backups', '/mnt/nas/backups') {
        Set-BackupDate (New-DbBackup @shop -Name last_month -Repository $repository) ([datetimeoffset]::Now.AddDays(-40))
        New-DbBackup @shop -Name before_upgrade -Repository $repository | Out-Null
        New-DbBackup -ComposeProject shop -Service pats -ContainerPath /app/data -Repository $repository | Out-Null
        New-DbBackup -ComposeProject shop -Service web -Volume uploads -Repository $repository | Out-Null
    }
    foreach ($old in @(40, 'daily'), @(40, 'weekly'), @(5, 'daily')) {
        Set-BackupDate (New-DbBackup @parts -Repository /srv/backups -Tag $old[1] -Name "$($old[1])_$($old[0])") ([datetimeoffset]::Now.AddDays(-$old[0]))
    }
    New-DbBackup @parts -Repository /srv/backups -Name before_v2 | Out-Null
}

# What the documents have made is known by its name where it has no label.
function Clear-Engine {
    $containers = @(docker ps --all --quiet --filter "label=$Label") + @(docker ps --all --quiet --filter 'name=^partshub(_old)?$') | Where-Object { $_ } | Select-Object -Unique
    if ($containers) { docker rm --force --volumes @containers 2>&1 | Out-Null }
    foreach ($project in 'shop', 'pats') { docker network ls --quiet --filter "label=com.docker.compose.project=$project" | ForEach-Object { docker network rm $_ 2>&1 | Out-Null } }
    $volumes = @(docker volume ls --quiet --filter "label=$Label") + 'uploads_check'
    docker volume rm --force @volumes 2>&1 | Out-Null
    $images = docker images --format '{{.Repository}}:{{.Tag}}' | Where-Object { $_ -match '^(ghcr\.io/madeinoz67/partshub:(latest|v2)|shop[_-]backend:latest|dbbackup-kept:.*\b(shop\.backend|partshub)\b.*)$' }
    if ($images) { docker rmi @images 2>&1 | Out-Null }
}
