# Dumps that were made by hand come in, and backups go out as dumps that the stock tools read.
Describe 'PostgreSQL dumps at the prompt' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        if (-not $PostgreSqlServer) { return }
        Set-Location (New-Folder (Join-Path $TestDrive dumps))
        $database = New-TestPostgreSqlDatabase shop
        Invoke-Psql $database.Name @'
create table customers (id serial primary key, name text);
create table orders (id serial primary key, customer int not null references customers, total numeric);
insert into customers (name) select 'customer ' || i from generate_series(1, 50) i;
insert into orders (customer, total) select 1 + i % 50, i from generate_series(1, 400) i;
'@
        $pgDump = Join-Path $PostgreSqlServer.BinFolder pg_dump
        $login = [pscredential]::new($PostgreSqlServer.User, (ConvertTo-SecureString $PostgreSqlServer.Password -AsPlainText))
        $server = @{ HostName = $PostgreSqlServer.Host; Port = $PostgreSqlServer.Port; Credential = $login }
        $testServer = @{ TestServer = $database.Uri }
    }
    AfterAll {
        if ($PostgreSqlServer) { Remove-TestPostgreSqlDatabase $database }
        Set-Location $RepositoryRoot
    }

    It 'dumps rows alone, which a restore refuses with the command that loads them' {
        Require-PostgreSql
        $rows = New-DbBackup -ConnectionString $database.Uri -Source rows -DataOnly -Repository ./backups
        $rows.Scope | Should -Be Partial
        $rows.Manifest.Payloads[0].Fingerprint.TotalRows | Should -Be 450
        ($rows | Test-DbBackup -WarningAction SilentlyContinue).Passed | Should -BeTrue
        $problem = Get-ErrorOf { $rows | Restore-DbBackup @server -Confirm:$false }
        $problem.FullyQualifiedErrorId | Should -BeLike 'PartialBackup,*'
        $problem.ErrorDetails.RecommendedAction | Should -Match 'pg_restore --data-only'
        Get-Content (Join-Path $rows.Location RESTORE.txt) -Raw | Should -Match 'pg_restore --data-only --single-transaction'
    }

    It 'imports a dump in the form <form>, proves it by a restore test, and restores it' -ForEach @(
        @{ form = 'custom'; arguments = '-Fc'; name = 'shop.dump' }
        @{ form = 'tar'; arguments = '-Ft'; name = 'shop.tar' }
        @{ form = 'directory'; arguments = '-Fd'; name = 'shop.d' }
        @{ form = 'plain'; arguments = '-Fp'; name = 'shop.sql' }
    ) {
        Require-PostgreSql
        & $pgDump $arguments -f $name $database.Uri
        $LASTEXITCODE | Should -Be 0
        # An archive says itself when it was made, whatever a copy did to its time.
        (Get-Item "./$name").LastWriteTime = [datetime] '2020-01-01'
        $made = $form -eq 'plain' ? @{ Created = '1m' } : @{}
        $backup = Import-DbBackup "./$name" -Source "imported_$form" @made @testServer -Verify -Repository ./backups
        $backup.Created | Should -BeGreaterThan ([datetimeoffset]::Now.AddMinutes(-15))
        $backup.Status | Should -Be Matched
        $backup.Manifest.Payloads[0].Fingerprint.TotalRows | Should -Be 450
        "./$name" | Should -Exist
        $copy = "$($database.Name)_$form"
        (Restore-DbBackup -Source "imported_$form" -Latest @server -Database $copy -Force -PassThru -Repository ./backups).Status | Should -Be Matched
        Invoke-Psql $copy 'select count(*) from orders' | Should -Be 400
        Invoke-Psql postgres "drop database $(ConvertTo-SqlName $copy)"
    }

    It 'imports a dump of one table, whose foreign key leads elsewhere' {
        Require-PostgreSql
        & $pgDump -Fc -t orders -f part.dump $database.Uri
        (Import-DbBackup ./part.dump -Source part @testServer -Verify -Repository ./backups).Status | Should -Be Matched
        (New-DbBackup @server -Database $database.Name -Source chosen -Table orders -Verify -Repository ./backups).Status | Should -Be Matched
        (New-DbBackup @server -Database $database.Name -Source without -ExcludeTable customers -Verify -Repository ./backups).Status | Should -Be Matched
    }

    It 'refuses a dump that was cut off' {
        Require-PostgreSql
        & $pgDump -Fp -f whole.sql $database.Uri
        $text = [IO.File]::ReadAllText((Join-Path $PWD whole.sql))
        [IO.File]::WriteAllText((Join-Path $PWD cut.sql), $text.Substring(0, $text.IndexOf("`n200`t") + 1))
        Should-BeFailure (Get-ErrorOf { Import-DbBackup ./cut.sql -Created 1d -Repository ./backups }) DumpIncomplete Import InvalidData
        # The stock way: exit code 0, and a part of the rows.
        $copy = New-TestPostgreSqlDatabase cut
        & (Join-Path $PostgreSqlServer.BinFolder psql) -X -q -1 -v ON_ERROR_STOP=1 -o (Join-Path $TestDrive out) -f cut.sql $copy.Uri
        $LASTEXITCODE | Should -Be 0
        [int](Invoke-Psql $copy.Name 'select count(*) from orders') | Should -BeLessThan 400
        Remove-TestPostgreSqlDatabase $copy
    }

    It 'gives a backup back as an archive for pg_restore, and as SQL text' {
        Require-PostgreSql
        New-DbBackup @server -Database $database.Name -Source out -Repository ./backups | Out-Null
        (Get-DbBackup -Source out -Latest -Repository ./backups | Export-DbBackup -Destination ./out.dump).Name | Should -Be out.dump
        & (Join-Path $PostgreSqlServer.BinFolder pg_restore) -l ./out.dump | Should -Contain ((& (Join-Path $PostgreSqlServer.BinFolder pg_restore) -l ./out.dump) -match 'TABLE DATA public orders')[0]
        Get-DbBackup -Source out -Latest -Repository ./backups | Export-DbBackup -Destination ./out.sql.gz -Format Sql | Out-Null
        $copy = New-TestPostgreSqlDatabase out
        gzip -dc ./out.sql.gz > ./out.sql
        & (Join-Path $PostgreSqlServer.BinFolder psql) -X -q -v ON_ERROR_STOP=1 -o (Join-Path $TestDrive out) -f ./out.sql $copy.Uri
        $LASTEXITCODE | Should -Be 0
        Invoke-Psql $copy.Name 'select count(*) from orders' | Should -Be 400
        Remove-TestPostgreSqlDatabase $copy
    }
}
