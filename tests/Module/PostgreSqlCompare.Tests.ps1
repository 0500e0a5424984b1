# Backups compared with each other and with a PostgreSQL server.
Describe 'Compare-DbBackup with PostgreSQL' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        function Show($Difference) { $Difference | ForEach-Object { "$($_.Kind) $($_.Name) $($_.Change) $($_.Before)>$($_.After)" } }
        if (-not $PostgreSqlServer) { return }
        $database = New-TestPostgreSqlDatabase vamsa
        Invoke-Psql $database.Name "create table people (id serial primary key, name text); insert into people (name) select 'person ' || i from generate_series(1, 100) i; create table notes (x text); create view named as select name from people"
    }
    BeforeEach {
        Enter-NewFolder | Out-Null
        $env:PGPASSWORD = $PostgreSqlServer.Password
        $PSDefaultParameterValues['New-DbBackup:ConnectionString'] = $database.Uri
        $PSDefaultParameterValues['New-DbBackup:Source'] = 'vamsa'
    }
    AfterEach {
        Set-Location $RepositoryRoot
        $env:PGPASSWORD = $null
        $PSDefaultParameterValues.Clear()
    }
    AfterAll { if ($PostgreSqlServer) { Remove-TestPostgreSqlDatabase $database } }

    It 'finds the backup from before a deletion in one line' {
        Require-PostgreSql
        New-DbBackup -Name monday | Out-Null
        Invoke-Psql $database.Name "insert into people (name) values ('a'), ('b')"
        New-DbBackup -Name tuesday | Out-Null
        Invoke-Psql $database.Name "delete from people where id between 10 and 40"
        New-DbBackup -Name wednesday | Out-Null
        Invoke-Psql $database.Name "insert into people (name) values ('c')"
        New-DbBackup -Name thursday | Out-Null

        $before = Get-DbBackup -Source vamsa | Compare-DbBackup -Table people | Where-Object { $_.Before -gt $_.After } | Select-Object -First 1
        $before.Backup | Should -BeExactly vamsa/tuesday
        $before.Before | Should -Be 102
        $before.After | Should -Be 72
        $line = Compare-DbBackup * -Source vamsa -Table people -IncludeEqual -WarningAction SilentlyContinue
        ($line | ForEach-Object { "$($_.Before) $($_.Change)" }) -join ', ' | Should -Be '72 SameCount, 71 Changed, 102 Changed, 100 Changed'
        Restore-DbBackup $before.Backup -Table people -Confirm:$false
        Invoke-Psql $database.Name 'select count(*) from people' | Should -Be 102
        Compare-DbBackup tuesday -Source vamsa -Table people -WarningAction SilentlyContinue | Should -BeNullOrEmpty
    }

    It 'tells definitions with the lines that differ' {
        Require-PostgreSql
        New-DbBackup -Name first -Fingerprint Content | Out-Null
        Compare-DbBackup first | Should -BeNullOrEmpty
        Invoke-Psql $database.Name "alter table people add column email text; create index people_name on people (name); create or replace view named as select upper(name) as name from people; create function one() returns int language sql as 'select 1'"
        New-DbBackup -Name second -Fingerprint Content | Out-Null
        foreach ($found in (Compare-DbBackup first second), (Compare-DbBackup first)) {
            ($found.Where{ $_.Kind -eq 'Schema' } | ForEach-Object { "$($_.Name) $($_.Change)" }) -join ', ' |
                Should -Be 'function public.one() Added, index public.people_name Added, table public.people Changed, view public.named Changed'
            $found.Where{ $_.Name -eq 'table public.people' }.After | Should -Be 'email text'
            # A new column makes other rows.
            Show $found.Where{ $_.Kind -ne 'Schema' } | Should -BeLike 'Table public.people Changed *'
        }
    }

    It 'compares with another database by name, and refuses another engine and a server that is not there' {
        Require-PostgreSql
        New-DbBackup -Name first | Out-Null
        $other = New-TestPostgreSqlDatabase other
        Invoke-Psql $other.Name 'create table only_here (x int)'
        (Compare-DbBackup first -Source vamsa -Database $other.Name).Name | Should -Contain public.only_here
        (Compare-DbBackup first -Source vamsa -ConnectionString $other.Uri).Name | Should -Contain public.only_here
        Remove-TestPostgreSqlDatabase $other
        Should-BeFailure (Get-ErrorOf { Compare-DbBackup first -Source vamsa -Database $other.Name }) SourceNotFound Compare ObjectNotFound
        Should-BeFailure (Get-ErrorOf { Compare-DbBackup first -Source vamsa -HostName localhost -Port 1 }) ServerUnreachable Compare ResourceBusy
        $PSDefaultParameterValues.Clear()
        New-SampleDatabase ./pats.db
        New-DbBackup ./pats.db -Name lite | Out-Null
        Should-BeFailure (Get-ErrorOf { Compare-DbBackup vamsa/first pats/lite }) InvalidArgument Compare InvalidArgument
        Should-BeFailure (Get-ErrorOf { Compare-DbBackup vamsa/first -Path ./pats.db }) InvalidArgument Compare InvalidArgument
    }
}
