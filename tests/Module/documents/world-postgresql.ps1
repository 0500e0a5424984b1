# Two PostgreSQL servers on the same port: db.example.org with the documents' databases and roles, and an empty one that is all the
# other hosts. They end with the namespace of the shell.
$script:PostgreSqlBin = (Get-ChildItem /usr/lib/postgresql/*/bin/initdb -ErrorAction Ignore | Sort-Object { [int]($_.FullName -split '/')[4] } | Select-Object -Last 1).DirectoryName ??
    (Split-Path (Get-Command initdb).Source)

# As root a server does not start: it runs as the user that its package has made.
function Get-ServerUser([string[]] $Command) { if ((id -u) -eq '0') { 'setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--clear-groups', '--' } else { 'env' } }

function Start-Server([string] $Name, [string] $Address) {
    $folder = New-Folder "$env:DBBACKUP_TEST_WORLD/$Name"
    if ((id -u) -eq '0') { chown postgres $folder }
    $as = @(Get-ServerUser)
    & $as[0] @($as | Select-Object -Skip 1) sh -c @'
set -e
cd "$1"
"$2/initdb" -D data -U postgres -A scram-sha-256 --pwfile=/dev/fd/3 --encoding UTF8 --locale C --no-sync >initdb.log 2>&1 3<<END
secret
END
sed -i 's/^local .*/local all all trust/' data/pg_hba.conf
"$2/pg_ctl" -D data -w -s -l server.log -o "-p $3 -k $1 -c listen_addresses=$4 -c fsync=off -c max_connections=60" start
'@ sh $folder $PostgreSqlBin $env:PGPORT $Address
    if ($LASTEXITCODE) { throw "The PostgreSQL server does not start: $(Get-Content "$folder/*.log" | Out-String)" }
    $folder
}

function Add-World {
    foreach ($folder in $PostgreSqlBin) { $env:PATH = "${folder}:$env:PATH" }
    # The folders above belong to this user alone.
    for ($folder = $env:DBBACKUP_TEST_WORLD; $folder -ne '/'; $folder = [IO.Path]::GetDirectoryName($folder)) { chmod a+x $folder }
    $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Parse('127.71.0.1'), 0)
    $listener.Start()
    $env:PGPORT = "$($listener.LocalEndpoint.Port)"
    $listener.Stop()
    $env:PGUSER = 'postgres'
    $env:PGHOST = Start-Server server 127.71.0.1
    Start-Server other 127.71.0.2 | Out-Null
    '*:*:*:*:secret' | Set-Content /srv/home/.pgpass
    chmod 600 /srv/home/.pgpass
    # The password file is that of the user's home, for the programs as for the module.
    $env:PGPASSFILE = '/srv/home/.pgpass'
    $env:DATABASE_URL = 'postgresql://app@db.example.org/app'
    $env:STAGING_URL = 'postgresql://postgres@staging.example.org/postgres'
    @'
create role backup login password 'secret' in role pg_read_all_data;
create role app login createdb password 'secret' in role pg_signal_backend;
create role shop login password 'secret';
'@ | psql -X -q -v ON_ERROR_STOP=1 -d postgres
    # What the restore tests and the copy for staging need there.
    "create role tester login createdb password 'secret'; create role app login; create role shop login; create role backup login" | psql -X -q -v ON_ERROR_STOP=1 -h staging.example.org -d postgres
    Reset-Server
    Add-ServerBackups
}

function New-ServerDatabase([string] $Name, [string] $Owner) {
    "create database $Name owner $Owner template template0" | psql -X -q -v ON_ERROR_STOP=1 -d postgres
    @"
set role $Owner;
create table people (id serial primary key, name text not null);
create table orders (id serial primary key, person int references people, note text);
create table alembic_version (version_num varchar(32) primary key);
insert into people (name) select 'person ' || i from generate_series(1, 50) i;
insert into orders (person, note) select 1 + i % 50, 'order ' || i from generate_series(1, 200) i;
insert into alembic_version values ('041bd0560732');
"@ | psql -X -q -v ON_ERROR_STOP=1 -d $Name
    if ($LASTEXITCODE) { throw "The database $Name is not made." }
}

# Each session finds the databases as they were at the time of the backups.
function Reset-Server {
    foreach ($address in $env:PGHOST, 'staging.example.org') {
        $drop = psql -X -A -t -h $address -d postgres -c "select format('drop database %I with (force);', datname) from pg_database where datname <> 'postgres' and not datistemplate"
        $said = $drop | psql -X -q -v ON_ERROR_STOP=1 -h $address -d postgres 2>&1
        if ($LASTEXITCODE) { throw "The databases of the session before are not dropped: $said" }
    }
    foreach ($name in 'app', 'app_orders', 'app_users') { New-ServerDatabase $name app }
    foreach ($name in 'shop', 'wiki') { New-ServerDatabase $name shop }
    'create database app' | psql -X -q -h staging.example.org -d postgres
}

function Add-ServerBackups {
    New-DbBackup -HostName db.example.org -AllDatabases -Source db_cluster | Out-Null
    New-DbBackup -HostName db.example.org -AllDatabases -Source db_server | Out-Null
    New-DbBackup -HostName db.example.org -Database shop | Out-Null
    New-DbBackup -HostName db.example.org -Username app -Database app -Name before_upgrade | Out-Null
    New-DbBackup -HostName db.example.org -Username app -Database app -Verify | Out-Null
    pg_dump -Fc -d shop -f ./old/shop_20261101.dump
    sh -c 'pg_dumpall | gzip >./old/cluster.sql.gz'
}
