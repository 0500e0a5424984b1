# The commands on a PostgreSQL server, as people type them.
Describe 'PostgreSQL at the prompt' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        if (-not $PostgreSqlServer) { return }
        Set-Location (New-Folder (Join-Path $TestDrive shell))
        $database = New-TestPostgreSqlDatabase shop
        $other = New-TestPostgreSqlDatabase shop_test
        foreach ($one in $database, $other) {
            Invoke-Psql $one.Name "create table items (id serial primary key, name text); insert into items (name) select 'item ' || i from generate_series(1, 100) i; create table alembic_version (version_num varchar(32)); insert into alembic_version values ('rev1')"
        }
        $login = [pscredential]::new($PostgreSqlServer.User, (ConvertTo-SecureString $PostgreSqlServer.Password -AsPlainText))
        $server = @{ HostName = $PostgreSqlServer.Host; Port = $PostgreSqlServer.Port; Credential = $login }
    }
    AfterAll {
        if ($PostgreSqlServer) { $database, $other | ForEach-Object { Remove-TestPostgreSqlDatabase $_ } }
        Set-Location $RepositoryRoot
    }

    Context 'New-DbBackup' {
        It 'takes a URI, an Npgsql string, or the parts' {
            Require-PostgreSql
            $repository = Join-Path $TestDrive forms
            $string = 'Host={0};Port={1};Username={2};Password="{3}";Database={4}' -f $PostgreSqlServer.Host, $PostgreSqlServer.Port, $PostgreSqlServer.User, $PostgreSqlServer.Password.Replace('"', '""'), $database.Name
            $all = (New-DbBackup -ConnectionString $database.Uri -Repository $repository), (New-DbBackup -ConnectionString $string -Repository $repository), (New-DbBackup @server -Database $database.Name -Repository $repository)
            $all.Source | Select-Object -Unique | Should -BeExactly $database.Name
            $all.Manifest.Payloads.Fingerprint.TotalRows | Select-Object -Unique | Should -Be 101
            $all.Manifest.Source.Location | Select-Object -Unique | Should -BeExactly "postgresql://$($PostgreSqlServer.Host):$($PostgreSqlServer.Port)/$($database.Name)"
        }

        It 'takes a URL by position, and shows its password nowhere' {
            Require-PostgreSql
            $repository = Join-Path $TestDrive position
            $backup = New-DbBackup $database.Uri -Repository $repository -Verbose 4>&1
            $backup.Where{ $_ -is [DbBackup.Backup] }.Source | Should -BeExactly $database.Name
            "$backup" | Should -Not -Match ([regex]::Escape($PostgreSqlServer.Password))
            $wrong = "postgresql://nobody:s3cret%40word@$($PostgreSqlServer.Host):$($PostgreSqlServer.Port)/$($database.Name)"
            (New-DbBackup $database.Uri -Table items -Repository $repository).Scope | Should -Be Partial
            $string = 'Host={0};Port={1};Username={2};Password="{3}";Database={4}' -f $PostgreSqlServer.Host, $PostgreSqlServer.Port, $PostgreSqlServer.User, $PostgreSqlServer.Password.Replace('"', '""'), $database.Name
            (New-DbBackup $string -Repository $repository).Source | Should -BeExactly $database.Name
            $mysql = 'mysql://root:s3cret@db/shop?password=s3cret'
            $web = 'https://user:s3cret@host/x.dump'
            foreach ($problem in (Get-ErrorOf { New-DbBackup $wrong -Repository $repository }), (Get-ErrorOf { New-DbBackup $mysql }), (Get-ErrorOf { Import-DbBackup $web })) {
                "$($problem | Out-String) $($problem.Exception) $($problem.TargetObject) $($problem.ErrorDetails)" | Should -Not -Match s3cret
            }
            Should-BeFailure (Get-ErrorOf { New-DbBackup $mysql }) SourceNotFound New InvalidArgument
            # Put where something else belongs, it is as secret.
            foreach ($misplaced in
                { Test-DbBackup $wrong }, { Restore-DbBackup $wrong -Confirm:$false }, { Get-DbBackup $wrong }, { Find-DbBackupSource $wrong }, { Remove-DbBackup $wrong -Confirm:$false },
                { New-DbBackup $database.Uri -Repository $wrong }, { New-DbBackup $database.Uri -Source $wrong }, { New-DbBackup $database.Uri -Name $wrong -Repository $repository },
                { New-DbBackup $database.Uri -AdditionalPath $wrong -Repository $repository }, { New-DbBackup $database.Uri -StagingPath $wrong -Repository $repository },
                { New-DbBackup -Database $wrong @server }, { Get-DbSchemaRevision $mysql }, { Invoke-DbUpgrade $mysql -Migrate true -WhatIf }, { New-DbBackup 'host=nowhere password=s3cret' -WhatIf }) {
                $problem = Get-ErrorOf $misplaced
                "$($problem | Out-String) $($problem.Exception) $($problem.TargetObject) $($problem.ErrorDetails)" | Should -Not -Match s3cret
                $problem.Exception | Should -BeOfType ([DbBackup.BackupException])
            }
        }

        It 'honours the environment of libpq' {
            Require-PostgreSql
            $env:PGHOST = $PostgreSqlServer.SocketFolder; $env:PGPORT = $PostgreSqlServer.Port; $env:PGUSER = $PostgreSqlServer.User; $env:PGPASSWORD = $PostgreSqlServer.Password
            try { (New-DbBackup -Database $database.Name -Repository (Join-Path $TestDrive environment)).Manifest.Payloads[0].Fingerprint.TotalRows | Should -Be 101 }
            finally { Remove-Item Env:PGHOST, Env:PGPORT, Env:PGUSER, Env:PGPASSWORD }
        }

        It 'takes wildcards, one backup for each database, and none for a wildcard that matches nothing' {
            Require-PostgreSql
            (New-DbBackup @server -Database "$($database.Name)", "shop_test_*" -Repository (Join-Path $TestDrive wild)).Source | Sort-Object | Should -Be @($database.Name, $other.Name | Sort-Object)
            Should-BeFailure (Get-ErrorOf { New-DbBackup @server -Database 'nothing_*' }) SourceNotFound New ObjectNotFound
        }

        It 'knows Custom, Directory and Plain, and refuses the formats of others' {
            Require-PostgreSql
            foreach ($format in 'Custom', 'Directory', 'Plain') {
                $backup = New-DbBackup @server -Database $database.Name -Format $format -Verify -Repository (Join-Path $TestDrive formats)
                $backup.Status | Should -Be Matched
                $backup.Manifest.Payloads.Format | Should -Be "PostgreSql$format"
            }
            Should-BeFailure (Get-ErrorOf { New-DbBackup @server -Database $database.Name -Format Native }) InvalidArgument New InvalidArgument
        }

        It 'takes some tables only, and says so' {
            Require-PostgreSql
            $backup = New-DbBackup @server -Database $database.Name -Table items -Repository (Join-Path $TestDrive part)
            $backup.Manifest.Payloads[0].Fingerprint.Tables.Name | Should -Be 'public.items'
            $backup.Manifest.Payloads[0].Database.IsPartial | Should -BeTrue
            $without = New-DbBackup @server -Database $database.Name -ExcludeTableData items -Repository (Join-Path $TestDrive part) -Verify
            $without.Status | Should -Be Matched
            ($without.Manifest.Payloads[0].Fingerprint.Tables | Where-Object Name -eq 'public.items').Rows | Should -Be 0
            Should-BeFailure (Get-ErrorOf { New-DbBackup @server -Database $database.Name -Table missing -Repository (Join-Path $TestDrive part) }) SourceNotFound New ObjectNotFound
        }

        It 'says under -WhatIf what would fail' {
            Require-PostgreSql
            foreach ($case in
                @{ Id = 'SourceNotFound'; Command = { New-DbBackup @server -Database nowhere_to_be_found -WhatIf } },
                @{ Id = 'ServerUnreachable'; Command = { New-DbBackup postgresql://u@localhost:1/shop -WhatIf } },
                @{ Id = 'AuthenticationFailed'; Command = { New-DbBackup "postgresql://nobody:wrong@$($PostgreSqlServer.Host):$($PostgreSqlServer.Port)/$($database.Name)" -WhatIf } }) {
                (Get-ErrorOf $case.Command).FullyQualifiedErrorId | Should -BeLike "$($case.Id),*"
            }
        }

        It 'only says what it would do under -WhatIf' {
            Require-PostgreSql
            Get-WhatIfText { New-DbBackup @server -Database $database.Name -Repository (Join-Path $TestDrive whatif) -WhatIf } | Should -BeLike "*postgresql://*$($database.Name)*"
            Join-Path $TestDrive whatif | Should -Not -Exist
        }

        It 'keeps the password out of verbose output, errors, the manifest and RESTORE.txt' {
            Require-PostgreSql
            $text = New-DbBackup -ConnectionString $database.Uri -Repository (Join-Path $TestDrive secret) -Verbose 4>&1 | Out-String
            $text += Get-ErrorOf { New-DbBackup -ConnectionString "$($database.Uri)?sslmode=bogus" } | Format-List * -Force | Out-String | ForEach-Object { $_ -replace 'InvocationInfo.*' }
            $text += Get-ChildItem (Join-Path $TestDrive secret) -Recurse -Include backup.json, RESTORE.txt | Get-Content -Raw
            $text | Should -Not -BeNullOrEmpty
            $text.Contains($PostgreSqlServer.Password) | Should -BeFalse
            $text.Contains([uri]::EscapeDataString($PostgreSqlServer.Password)) | Should -BeFalse
        }

        It 'says what to do without a database, with a wrong port, and with a wrong database' {
            Require-PostgreSql
            Should-BeFailure (Get-ErrorOf { New-DbBackup @server -Database no_such_database }) SourceNotFound New ObjectNotFound
            Should-BeFailure (Get-ErrorOf { New-DbBackup -HostName 127.0.0.1 -Port 1 -Username x -Database y }) ServerUnreachable New ResourceBusy
        }
    }

    Context 'completion' {
        It 'completes databases of the server that was named' {
            Require-PostgreSql
            $line = "New-DbBackup -ConnectionString '$($database.Uri)' -Database shop_t"
            (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText | Should -Contain $other.Name
        }
    }

    Context 'Restore-DbBackup' {
        BeforeAll {
            if (-not $PostgreSqlServer) { return }
            $env:DBBACKUP_REPOSITORY = Join-Path $TestDrive restore
            New-DbBackup @server -Database $database.Name -Source shop -Name good | Out-Null
        }
        AfterAll { Remove-Item Env:DBBACKUP_REPOSITORY -ErrorAction Ignore }

        It 'emits the plan under -WhatIf -PassThru' {
            Require-PostgreSql
            $plan = Restore-DbBackup good -Source shop @server -WhatIf -PassThru
            $plan | Should -BeOfType ([DbBackup.RestorePlan])
            $plan.Targets.Action | Should -Be Replace
        }

        It 'ends a session that is there, and never touches a database whose name begins alike' {
            Require-PostgreSql
            Invoke-Psql $database.Name 'delete from items where id > 10'
            Invoke-Psql $other.Name 'delete from items where id > 20'
            (Restore-DbBackup good -Source shop @server -Force -PassThru).Status | Should -Be Matched
            Invoke-Psql $database.Name 'select count(*) from items' | Should -Be 100
            Invoke-Psql $other.Name 'select count(*) from items' | Should -Be 20
        }

        It 'restores one table in place' {
            Require-PostgreSql
            Invoke-Psql $database.Name "update alembic_version set version_num = 'rev2'; delete from items"
            Restore-DbBackup good -Source shop @server -Table items -Force
            Invoke-Psql $database.Name 'select count(*), (select version_num from alembic_version) from items' | Should -Be '100|rev2'
        }

        It 'restores in place, in one transaction, with a safety backup' {
            Require-PostgreSql
            Invoke-Psql $database.Name 'create table newer (x int); delete from items'
            $result = Restore-DbBackup good -Source shop @server -InPlace -Force -PassThru -WarningAction SilentlyContinue
            $result.Status | Should -Be Matched
            $result.SafetyBackup.Manifest.Payloads[0].Fingerprint.Tables.Name | Should -Contain 'public.newer'
            Invoke-Psql $database.Name "select count(*), to_regclass('newer') is null from items" | Should -Be '100|t'
        }

        It 'refuses to ask in a session that cannot' {
            Require-PostgreSql
            $text = Invoke-FreshShell "Import-Module '$RepositoryRoot/DbBackup.psd1'; `$env:PGPASSWORD = '$($PostgreSqlServer.Password.Replace("'", "''"))'; Restore-DbBackup good -Source shop -Repository '$env:DBBACKUP_REPOSITORY'"
            $text | Should -BeLike '*needs a confirmation*'
        }
    }

    Context 'Get-DbSchemaRevision' {
        It 'tells the revision of a live database, and of a backup through the pipeline' {
            Require-PostgreSql
            (Get-DbSchemaRevision @server -Database $other.Name).Revision | Should -Be rev1
            (New-DbBackup @server -Database $other.Name -Repository (Join-Path $TestDrive revision) | Get-DbSchemaRevision).Heads | Should -Be rev1
        }

        It 'tells it of a SQLite file' {
            New-SampleDatabase ./revision.db -Rows 3
            "create table alembic_version (version_num varchar(32)); insert into alembic_version values ('a1')" | sqlite3 ./revision.db
            (Get-DbSchemaRevision ./revision.db).Revision | Should -Be a1
            (Get-Item ./revision.db | Get-DbSchemaRevision).Revision | Should -Be a1
        }
    }
}
