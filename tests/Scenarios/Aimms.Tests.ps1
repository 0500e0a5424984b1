# AIMMS: a nightly pg_dumpall of the whole server into .sql.gz, seven days of them, one database out of it when it is needed.
Describe 'AIMMS backs up its whole server' {
    BeforeAll {
        . $PSScriptRoot/../Module/common.ps1
        if (-not $PostgreSqlServer) { return }
        Set-Location (New-Folder (Join-Path $TestDrive aimms))
        $web = New-TestPostgreSqlDatabase aimms_web
        $reports = New-TestPostgreSqlDatabase aimms_web_reports
        $role = "aimms_user_$([guid]::NewGuid().ToString('n').Substring(0, 8))"
        Invoke-Psql postgres "create role $role login password 'x'"
        Invoke-Psql $web.Name "create table jobs (id serial primary key, name text); insert into jobs (name) select 'job ' || i from generate_series(1, 300) i; alter table jobs owner to $role"
        Invoke-Psql $reports.Name "create table pages (id serial primary key); insert into pages select from generate_series(1, 40)"
        $server = @{ HostName = $PostgreSqlServer.Host; Port = $PostgreSqlServer.Port; Credential = [pscredential]::new($PostgreSqlServer.User, (ConvertTo-SecureString $PostgreSqlServer.Password -AsPlainText)) }
    }
    AfterAll {
        if ($PostgreSqlServer) {
            Remove-TestPostgreSqlDatabase $web
            Remove-TestPostgreSqlDatabase $reports
            Invoke-Psql postgres "drop role $role"
        }
        Set-Location $RepositoryRoot
    }

    It 'backs up all databases and the roles as one backup' {
        Require-PostgreSql
        $backup = New-DbBackup @server -AllDatabases -Source aimms
        $backup.Manifest.Payloads.Database.Name | Should -Contain $web.Name
        $backup.Manifest.Payloads.Database.Name | Should -Contain $reports.Name
        $backup.Manifest.Payloads.Kind | Should -Contain Globals
        ($backup | Test-DbBackup).Passed | Should -BeTrue
    }

    It 'restores one database out of it, and touches no other' {
        Require-PostgreSql
        Invoke-Psql $web.Name 'truncate jobs'
        Invoke-Psql $reports.Name 'insert into pages select from generate_series(1, 2)'
        $result = Get-DbBackup -Source aimms -Latest | Restore-DbBackup @server -Database $web.Name -Force -PassThru
        $result.Status | Should -Be Matched
        Invoke-Psql $web.Name 'select count(*) from jobs' | Should -Be 300
        Invoke-Psql $reports.Name 'select count(*) from pages' | Should -Be 42
    }

    It 'starts from scratch: the database and its role are gone, both come back' {
        Require-PostgreSql
        Get-DbBackup -Source aimms -Reason Safety | Remove-DbBackup -Credential $server.Credential -Confirm:$false
        Invoke-Psql postgres "drop database $(ConvertTo-SqlName $web.Name) with (force)"
        Invoke-Psql postgres "drop role $role"
        Get-DbBackup -Source aimms -Latest | Restore-DbBackup @server -Database $web.Name -Force
        Invoke-Psql $web.Name "select tableowner, (select count(*) from jobs) from pg_tables where tablename = 'jobs'" | Should -Be "$role|300"
    }

    It 'gives the role its restored database under a new name too' {
        Require-PostgreSql
        $copy = "$($web.Name)_copy"
        Get-DbBackup -Source aimms -Latest | Restore-DbBackup @server -Database $web.Name -NewName $copy -Force
        Invoke-Psql $copy 'select count(*) from jobs' | Should -Be 300
        Invoke-Psql postgres "drop database $(ConvertTo-SqlName $copy)"
    }
}
