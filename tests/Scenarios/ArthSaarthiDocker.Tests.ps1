# ArthSaarthi as it is deployed: a compose project of a database and a backend. A backup of the service before the upgrade,
# then "docker-compose down -v", and the disaster recovery that its guide does in five steps by hand.
Describe 'ArthSaarthi in containers is lost and comes back' {
    BeforeAll {
        . $PSScriptRoot/../Module/common.ps1
        if (-not $env:DBBACKUP_TEST_DOCKERPREFIX) { return }
        Set-Location (New-Folder (Join-Path $TestDrive arthsaarthi))
        Use-TestRepository backups
        $project = New-TestComposeProject @'
version: '2.4'
services:
  db:
    image: dbbackup-test/postgres:15
    environment: [POSTGRES_USER=postgres, POSTGRES_PASSWORD=secret, POSTGRES_DB=arthsaarthi_db, POSTGRES_INITDB_ARGS=--no-sync]
    command: ['-c', 'fsync=off']
    volumes: ['postgres_data:/var/lib/postgresql/data']
  backend:
    image: dbbackup-test/app:1
    environment: [PGHOST=db, PGUSER=postgres, PGPASSWORD=secret, PGDATABASE=arthsaarthi_db]
    depends_on: [db]
    # It holds a connection, as a pool does, and comes back when it loses it.
    command:
      - python3
      - -c
      - |
        import psycopg2, time
        while True:
            try:
                connection = psycopg2.connect('')
                connection.autocommit = True
                while True:
                    connection.cursor().execute('select count(*) from users')
                    time.sleep(0.2)
            except psycopg2.Error:
                time.sleep(0.2)
    stop_signal: SIGINT
volumes:
  postgres_data:
'@
        # What the backend sees: through its own driver, over the project's network.
        function Read-Backend([string] $Sql) {
            Invoke-Docker exec (Invoke-Compose $project ps -q backend) python3 -c 'import psycopg2, sys; c = psycopg2.connect("").cursor(); c.execute(sys.argv[1]); print("|".join(str(v) for v in c.fetchone()))' $Sql
        }
        $totals = 'select count(*), sum(amount), min(amount), max(amount) from transactions'
        Invoke-Compose $project up --detach | Out-Null
        $db = Invoke-Compose $project ps -q db
        Wait-TestPostgreSql $db
        Invoke-ContainerSql $db -Database arthsaarthi_db @'
create table users (id serial primary key, email text unique not null);
create table transactions (id serial primary key, user_id int not null references users, amount numeric(12, 2) not null, at timestamptz default now());
insert into users (email) select 'user' || i || '@example.org' from generate_series(1, 200) i;
insert into transactions (user_id, amount) select 1 + i % 200, i / 7.0 from generate_series(1, 5000) i;
create table alembic_version (version_num varchar(32) primary key);
insert into alembic_version values ('9c1b7a40d2e3');
'@
        $expected = Read-Backend $totals
    }
    AfterAll {
        Set-Location $RepositoryRoot
        Remove-Item Env:DBBACKUP_REPOSITORY -ErrorAction Ignore
    }

    It 'step 2: a full backup of the service, proved by a restore test in the container' {
        Require-Docker
        $expected | Should -BeLike '5000|*'
        $backup = New-DbBackup -ComposeProject $project -Service db -Source arthsaarthi -Name before_upgrade -Reason PreMigration -Verify
        $backup.Status | Should -Be Matched
        $backup.SchemaRevision | Should -Be 9c1b7a40d2e3
        # The restore test leaves nothing on the server.
        Invoke-ContainerSql $db 'select count(*) from pg_database where not datistemplate' | Should -Be 2
    }

    It 'down -v leaves nothing of the project' {
        Require-Docker
        Invoke-Compose $project down --volumes
        $name = Split-Path $project -Leaf
        Invoke-Docker ps --all --quiet --filter "name=$name" | Should -BeNullOrEmpty
        Invoke-Docker volume ls --quiet --filter "name=$name" | Should -BeNullOrEmpty
    }

    It 'shows what the recovery would do, and creates nothing for it' {
        Require-Docker
        Get-ErrorOf { Restore-DbBackup before_upgrade -Source arthsaarthi -ComposeProject $project -WhatIf } | Out-Null
        Invoke-Docker ps --all --quiet --filter "name=$(Split-Path $project -Leaf)" | Should -BeNullOrEmpty
    }

    It 'disaster recovery: one command creates the database, starts it and restores into it' {
        Require-Docker
        $result = Restore-DbBackup before_upgrade -Source arthsaarthi -ComposeProject $project -Force -PassThru
        $result.Status | Should -Be Matched
        $db = Invoke-Compose $project ps -q db
        Invoke-ContainerSql $db -Database arthsaarthi_db $totals | Should -Be $expected
        Invoke-ContainerSql $db -Database arthsaarthi_db 'select version_num from alembic_version' | Should -Be 9c1b7a40d2e3
    }

    It 'step 5: the application starts on it and reads it' {
        Require-Docker
        Invoke-Compose $project up --detach | Out-Null
        Wait-TestPostgreSql (Invoke-Compose $project ps -q db)
        Read-Backend $totals | Should -Be $expected
        # The next id is not one that is taken.
        Read-Backend "select nextval('transactions_id_seq')" | Should -Be 5001
    }

    It 'a failed upgrade is undone while the backend runs' {
        Require-Docker
        $db = Invoke-Compose $project ps -q db
        Invoke-ContainerSql $db -Database arthsaarthi_db "delete from transactions where id > 100; create table portfolios (id int); update alembic_version set version_num = 'ffffffffffff'"
        $result = Restore-DbBackup before_upgrade -Source arthsaarthi -Confirm:$false -PassThru -WarningVariable warnings -WarningAction SilentlyContinue
        $result.Status | Should -Be Matched
        Invoke-ContainerSql $db -Database arthsaarthi_db $totals | Should -Be $expected
        Invoke-ContainerSql $db -Database arthsaarthi_db "select to_regclass('portfolios') is null" | Should -Be t
        # The newer code would migrate the old data at its start: it stays off, and the module says so.
        $result.LeftStopped | Should -HaveCount 1
        "$warnings" | Should -BeLike '*left stopped*'
        Invoke-Docker inspect --format '{{.State.Running}}' (Invoke-Compose $project ps --all --quiet backend) | Should -Be false
    }
}
