# ArthSaarthi: one PostgreSQL database, pg_dump -Fc before an upgrade, alembic upgrade head, and pg_restore after a failed one.
# The database here is on a server that is reached over TCP.
Describe 'ArthSaarthi is upgraded, fails, and comes back' {
    BeforeAll {
        . $PSScriptRoot/../Module/common.ps1
        if (-not $PostgreSqlServer) { return }
        Set-Location (New-Folder (Join-Path $TestDrive arthsaarthi))
        $database = New-TestPostgreSqlDatabase arthsaarthi_db
        $env:DATABASE_URL = $database.Uri
        Invoke-Psql $database.Name @'
create table users (id serial primary key, email text unique not null);
create table transactions (id serial primary key, user_id int not null references users, amount numeric(12, 2) not null, at timestamptz default now());
insert into users (email) select 'user' || i || '@example.org' from generate_series(1, 200) i;
insert into transactions (user_id, amount) select 1 + i % 200, i / 7.0 from generate_series(1, 5000) i;
create table alembic_version (version_num varchar(32) primary key);
insert into alembic_version values ('9c1b7a40d2e3');
'@
    }
    AfterAll {
        if ($PostgreSqlServer) { Remove-TestPostgreSqlDatabase $database; Remove-Item Env:DATABASE_URL }
        Set-Location $RepositoryRoot
    }

    It 'step 2: a full backup before the upgrade, proved by a restore test' {
        Require-PostgreSql
        $backup = New-DbBackup -ConnectionString $env:DATABASE_URL -Source arthsaarthi -Name before_upgrade -Reason PreMigration -Verify
        $backup.Status | Should -Be Matched
        $backup.SchemaRevision | Should -Be 9c1b7a40d2e3
        Get-DbSchemaRevision -ConnectionString $env:DATABASE_URL | ForEach-Object Revision | Should -Be 9c1b7a40d2e3
    }

    It 'step 4: the migration leaves a newer schema, and fails half-way' {
        Require-PostgreSql
        Invoke-Psql $database.Name @'
create table portfolios (id serial primary key, user_id int references users);
alter table transactions add portfolio_id int references portfolios;
delete from transactions where id > 100;
update alembic_version set version_num = 'ffffffffffff';
'@
        (Get-DbSchemaRevision -ConnectionString $env:DATABASE_URL).Revision | Should -Be ffffffffffff
    }

    It 'disaster recovery: the state before is back, without what the migration added' {
        Require-PostgreSql
        $result = Restore-DbBackup before_upgrade -Source arthsaarthi -ConnectionString $env:DATABASE_URL -Force -PassThru -WarningVariable warnings -WarningAction SilentlyContinue
        $result.Status | Should -Be Matched
        Invoke-Psql $database.Name 'select count(*) from transactions' | Should -Be 5000
        Invoke-Psql $database.Name "select to_regclass('portfolios') is null" | Should -Be t
        # The newer code would migrate forward again: the module says how.
        $result.NextCommands | Should -Be 'alembic stamp 9c1b7a40d2e3', 'alembic upgrade head'
        "$warnings" | Should -BeLike '*alembic upgrade head*'
    }

    It 'the failed state is kept until it is not needed any more' {
        Require-PostgreSql
        $kept = Get-DbBackup -Source arthsaarthi -Reason Safety
        $kept.KeptOnServer | Should -BeLike '*_before_*'
        Undo-DbRestore -Source arthsaarthi -ConnectionString $env:DATABASE_URL -Force -WarningAction SilentlyContinue
        Invoke-Psql $database.Name "select version_num from alembic_version" | Should -Be ffffffffffff
        Undo-DbRestore -Source arthsaarthi -ConnectionString $env:DATABASE_URL -Force -WarningAction SilentlyContinue
        Invoke-Psql $database.Name "select version_num from alembic_version" | Should -Be 9c1b7a40d2e3
        $login = [pscredential]::new($PostgreSqlServer.User, (ConvertTo-SecureString $PostgreSqlServer.Password -AsPlainText))
        Get-DbBackup -Source arthsaarthi -Reason Safety | Remove-DbBackup -Credential $login -Confirm:$false
        Invoke-Psql postgres "select count(*) from pg_database where datname like '$($database.Name)%'" | Should -Be 1
    }
}
