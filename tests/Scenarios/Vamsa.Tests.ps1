# Vamsa: daily, pre-migration and safety backups of a DATABASE_URL as .sql.gz, a list, a dry run, restores with a question, a restore
# to staging each quarter.
Describe 'Vamsa''s family tree is irreplaceable' {
    BeforeAll {
        . $PSScriptRoot/../Module/common.ps1
        if (-not $PostgreSqlServer) { return }
        Set-Location (New-Folder (Join-Path $TestDrive vamsa))
        $database = New-TestPostgreSqlDatabase vamsa
        $env:DATABASE_URL = $database.Uri
        Invoke-Psql $database.Name @'
create table people (id serial primary key, name text not null, mother int references people, father int references people);
insert into people (name) select 'Person ' || i from generate_series(1, 500) i;
update people set mother = 1 + id % 100 where id > 100;
'@
    }
    AfterAll {
        if ($PostgreSqlServer) { Remove-TestPostgreSqlDatabase $database; Remove-Item Env:DATABASE_URL }
        Set-Location $RepositoryRoot
    }

    It 'creates a full backup and verifies it' {
        Require-PostgreSql
        (New-DbBackup -ConnectionString $env:DATABASE_URL -Source vamsa -Format Plain -Compression Gzip -Verify).Status | Should -Be Matched
        (Get-DbBackup -Source vamsa -Latest).Manifest.Payloads.FileName | Should -BeLike "*.sql.gz$SealedEnding"
    }

    It 'creates a pre-migration backup' {
        Require-PostgreSql
        New-DbBackup -ConnectionString $env:DATABASE_URL -Source vamsa -Reason PreMigration | ForEach-Object Reason | Should -Be PreMigration
        Get-DbBackup -Source vamsa -Reason PreMigration | Should -HaveCount 1
    }

    It 'shows the status: the latest backup, how many, how large' {
        Require-PostgreSql
        (Get-DbBackup -Source vamsa -Latest).Age.TotalHours | Should -BeLessThan 1
        (Get-DbBackup | Measure-Object Size -Sum).Sum | Should -BeGreaterThan 1000
    }

    It 'previews a restore without changing anything' {
        Require-PostgreSql
        Invoke-Psql $database.Name 'delete from people where id > 400'
        $text = Get-WhatIfText { Restore-DbBackup -Source vamsa -Latest -ConnectionString $env:DATABASE_URL -WhatIf }
        $text | Should -BeLike "*replace the database*stays on the server as*"
        Invoke-Psql $database.Name 'select count(*) from people' | Should -Be 400
        Invoke-Psql postgres "select count(*) from pg_database where datname like '$($database.Name)%'" | Should -Be 1
    }

    It 'scenario 1: accidental deletion; the state before is kept' {
        Require-PostgreSql
        $result = Restore-DbBackup -Source vamsa -Latest -ConnectionString $env:DATABASE_URL -Force -PassThru
        $result.Status | Should -Be Matched
        $result.SafetyBackup.KeptOnServer | Should -Not -BeNullOrEmpty
        Invoke-Psql $database.Name 'select count(*) from people' | Should -Be 500
    }

    It 'scenario 3: the server is gone; the backup makes the database anew' {
        Require-PostgreSql
        Invoke-Psql postgres "drop database $(ConvertTo-SqlName $database.Name) with (force)"
        (Restore-DbBackup -Source vamsa -Latest -ConnectionString $env:DATABASE_URL -Force -PassThru).Status | Should -Be Matched
        Invoke-Psql $database.Name 'select count(*) from people' | Should -Be 500
    }

    It 'quarterly: a restore to staging, with spot checks' {
        Require-PostgreSql
        $test = Get-DbBackup -Source vamsa -Latest | Test-DbBackup -Level Restore -TestServer $env:DATABASE_URL -Assert @(
            'select count(*) = 500 from people', 'select not exists (select 1 from people p where mother is not null and not exists (select 1 from people m where m.id = p.mother))')
        $test.Passed | Should -BeTrue
        $test.Status | Should -Be Matched
    }

    It 'clones production to staging under another name' {
        Require-PostgreSql
        $staging = "$($database.Name)_staging"
        Get-DbBackup -Source vamsa -Latest | Restore-DbBackup -ConnectionString $env:DATABASE_URL -Database $staging -Force
        Invoke-Psql $staging 'select count(*) from people' | Should -Be 500
        Invoke-Psql postgres "drop database $(ConvertTo-SqlName $staging)"
    }

    It 'rotates' {
        Require-PostgreSql
        $newer = New-DbBackup -ConnectionString $env:DATABASE_URL -Source vamsa
        Get-DbBackup -Source vamsa | Where-Object { $_.Name -ne $newer.Name -and -not $_.KeptOnServer } | ForEach-Object { Set-BackupDate $_ ([datetimeoffset]::Now.AddDays(-31)) }
        Get-DbBackup -Source vamsa -Reason Manual | Where-Object Age -gt 30d | Remove-DbBackup -Confirm:$false
        (Get-DbBackup -Source vamsa -Reason Manual).Name | Should -Be $newer.Name
        Get-DbBackup -Source vamsa -Reason PreMigration | Should -HaveCount 1
    }

    It 'a wrong password is one clear error, and leaves the good backups alone' {
        Require-PostgreSql
        $before = Get-RepositorySnapshot
        $failure = Get-ErrorOf { New-DbBackup -ConnectionString ($env:DATABASE_URL -replace ":[^:@/]+@", ":wrong@") -Source vamsa }
        Should-BeFailure $failure AuthenticationFailed New PermissionDenied
        "$($failure)$($failure.Exception)" | Should -Not -BeLike "*$($PostgreSqlServer.Password)*"
        Get-RepositorySnapshot | Should -Be $before
    }
}
