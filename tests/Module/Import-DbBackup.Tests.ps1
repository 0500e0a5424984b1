Describe 'Import-DbBackup' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        . $PSScriptRoot/scripted-host.ps1
        # A folder as the backup script of PATS leaves it.
        function New-PatsFolder([string] $Path) {
            New-Folder (Join-Path $Path uploads) | Out-Null
            New-SampleDatabase (Join-Path $Path pats.db) -Revision 041bd0560732
            'one' | Set-Content (Join-Path $Path uploads/1.txt)
            @{ backup_name = Split-Path $Path -Leaf; timestamp = '20241201_120000'; created_at = '2024-12-01T12:00:00.000000'; alembic_revision = '041bd0560732'; database_file = 'pats.db'; uploads_included = $true; backup_version = '1.0' } |
                ConvertTo-Json | Set-Content (Join-Path $Path backup_metadata.json)
        }
    }
    BeforeEach {
        $folder = Enter-NewFolder
        New-SampleDatabase ./pats.db
    }
    AfterEach { Set-Location $RepositoryRoot }

    It 'imports a SQLite file, with its own age, and leaves it' {
        (Get-Item ./pats.db).LastWriteTime = (Get-Date).AddDays(-8)
        $backup = Import-DbBackup ./pats.db -Source pats -Name old -Tag moved -Verify -Created (Get-Item ./pats.db).LastWriteTime
        $backup | Should -BeOfType ([DbBackup.Backup])
        $backup.Status | Should -Be Matched
        $backup.Tags | Should -Be moved
        $backup.Manifest.ImportedFrom | Should -Be "$folder/pats.db"
        (Get-DbBackup | Where Age -gt 7d).Name | Should -Be old
        (Get-DbBackup | Where Age -gt 9d) | Should -BeNullOrEmpty
        Get-RowCount ./pats.db | Should -Be 50
    }

    It 'begins a new repository in the place of one that is gone only with -AllowNewRepository' {
        Import-DbBackup ./pats.db -Created 2026-01-01 -Repository ./seed | Out-Null
        Remove-Item -Recurse ./seed
        Should-BeFailure (Get-ErrorOf { Import-DbBackup ./pats.db -Created 2026-01-01 -Repository ./seed }) RepositoryGone Import
        (Import-DbBackup ./pats.db -Created 2026-01-01 -Repository ./seed -AllowNewRepository).Source | Should -Be pats
    }

    It 'never takes the time of a copy for the backup''s own' {
        $live = New-DbBackup ./pats.db
        Copy-Item ./pats.db ./pats_20260101_020000.db
        (Get-Item ./pats_20260101_020000.db).LastWriteTime = (Get-Date).AddMinutes(1)
        $old = Import-DbBackup ./pats_20260101_020000.db
        $old.Source | Should -Be pats
        $old.Created.LocalDateTime | Should -Be ([datetime] '2026-01-01 02:00')
        (Get-DbBackup -Source pats -Latest).Name | Should -Be $live.Name
    }

    It 'asks when it was made, if nothing tells and a user can answer' {
        $own = (Get-Item ./pats.db).LastWriteTime = [datetime] '2026-02-03 04:05:06'
        $asked = Invoke-AtPrompt 'Import-DbBackup ./pats.db -Name typed' -Lines 'yesterdayish', '01-02-2026', '2026-01-31 10:00'
        $asked.Errors | Should -BeNullOrEmpty
        $asked.Text | Should -Match 'When was .*pats\.db'' made\?'
        (Get-DbBackup typed).Created.LocalDateTime | Should -Be ([datetime] '2026-01-31 10:00')
        $asked = Invoke-AtPrompt 'Import-DbBackup ./pats.db -Name own' -Lines ''
        $asked.Text | Should -Match '2026-02-03 04:05:06'
        (Get-DbBackup own).Created.LocalDateTime | Should -Be $own
        (Invoke-AtPrompt 'Import-DbBackup ./pats.db -Name none' -Lines 'a', 'b', 'c').Errors.FullyQualifiedErrorId | Should -BeLike 'ImportDateUnknown,*'
        # What was asked for by a plan alone is not asked.
        New-SampleDatabase ./other.db -Rows 7
        (Invoke-AtPrompt 'Import-DbBackup ./other.db -WhatIf').Errors.FullyQualifiedErrorId | Should -BeLike 'ImportDateUnknown,*'
    }

    It 'says how to give the date where nobody can answer' {
        $problem = Get-ErrorOf { Import-DbBackup ./pats.db }
        Should-BeFailure $problem ImportDateUnknown Import InvalidArgument
        $hint = $problem.ErrorDetails.RecommendedAction
        $hint -match '-Created \(Get-Item .*?LastWriteTime' | Should -BeTrue
        $Matches[0] | Should -Be "-Created (Get-Item '$folder/pats.db').LastWriteTime"
        Invoke-Expression "Import-DbBackup ./pats.db $($Matches[0])" | Should -Not -BeNullOrEmpty
        Get-ChildItem ./pats.db | Import-DbBackup -Name piped -Created { $_.LastWriteTime } | Should -Not -BeNullOrEmpty
        Should-BeFailure (Get-ErrorOf { Import-DbBackup ./pats.db -Created (Get-Date).AddDays(1) }) InvalidArgument Import InvalidArgument
    }

    It 'imports a SQL dump, plain or compressed: <_>' -ForEach 'dump.sql', 'dump.sql.gz' {
        Require-Tool sqlite3 gzip
        sqlite3 ./pats.db .dump | Set-Content ./dump.sql
        if ($_ -like '*.gz') { gzip ./dump.sql }
        $backup = Import-DbBackup "./$_" -Source pats -Verify -Created 1d
        $backup.Status | Should -Be Matched
        $backup | Restore-DbBackup -Destination ./again.db -Confirm:$false
        Get-RowCount ./again.db | Should -Be 50
    }

    It 'refuses a dump that is cut off' {
        Require-Tool sqlite3
        $lines = sqlite3 ./pats.db .dump
        $lines[0..20] | Set-Content ./dump.sql
        Should-BeFailure (Get-ErrorOf { Import-DbBackup ./dump.sql -Source pats -Created 1d }) DumpIncomplete Import
        Get-DbBackup -ErrorAction Ignore | Should -BeNullOrEmpty
    }

    It 'imports a tar of a data folder: <_>' -ForEach 'data.tar', 'data.tar.gz' {
        Require-Tool tar
        New-Folder ./data/attachments | Out-Null
        Copy-Item ./pats.db ./data/partshub.db
        'a' | Set-Content ./data/attachments/a.pdf
        tar ($_ -like '*.gz' ? '-czf' : '-cf') $_ data
        $backup = Import-DbBackup "./$_" -Source partshub -Verify -Created 1d
        $backup.Status | Should -Be Matched
        Restore-DbBackup $backup.Name -Source partshub -Destination ./restored -Confirm:$false
        (Get-ChildItem ./restored -Recurse -Filter partshub.db) | Should -HaveCount 1
        (Get-ChildItem ./restored -Recurse -Filter a.pdf) | Should -HaveCount 1
    }

    It 'refuses a tar that is cut off' {
        Require-Tool tar
        New-Folder ./data | Out-Null
        Copy-Item ./pats.db ./data/
        tar -czf data.tar.gz data
        $bytes = [IO.File]::ReadAllBytes("$folder/data.tar.gz")
        [IO.File]::WriteAllBytes("$folder/cut.tar.gz", $bytes[0..($bytes.Length / 2)])
        Should-BeFailure (Get-ErrorOf { Import-DbBackup ./cut.tar.gz }) BackupDamaged Import InvalidData
    }

    It 'carries over the fields of PATS folders, from the pipeline' {
        New-PatsFolder ./old/backup_20241201_120000
        New-PatsFolder ./old/pre_migration_v2
        $backups = Get-ChildItem ./old -Directory | Import-DbBackup -Source pats
        $backups.Name | Should -Be backup_20241201_120000, pre_migration_v2
        $backups[0].SchemaRevision | Should -Be 041bd0560732
        $backups[0].Created.Year | Should -Be 2024
        $backups[0].Age.TotalDays | Should -BeGreaterThan 365
        $backups[0].Manifest.Payloads.RestoreName | Should -Be pats.db, uploads
        Test-DbBackup backup_20241201_120000 -Level Restore | ForEach-Object Passed | Should -BeTrue
    }

    It 'says what it would import under -WhatIf and writes nothing' {
        $text = Get-WhatIfText { Import-DbBackup ./*.db -Source pats -Created 2026-01-31 -WhatIf }
        $text | Should -Match ([regex]::Escape("$folder/pats.db' (a SQLite database of 2026-01-31 00:00 as given; source pats; Manual) into"))
        'a: b' | Set-Content ./settings.yaml
        (Get-ErrorOf { Import-DbBackup ./settings.yaml -WhatIf }).FullyQualifiedErrorId | Should -BeLike 'ImportNotRecognized,*'
        (Get-ErrorOf { Import-DbBackup ./nothing.sql -WhatIf }).FullyQualifiedErrorId | Should -BeLike 'SourceNotFound,*'
        Test-Path ./backups | Should -BeFalse
    }

    It 'makes a round trip with Export, as <form>' -ForEach @(@{ Form = 'Native'; File = 'x.db' }, @{ Form = 'Sql'; File = 'x.sql' }, @{ Form = 'Sql'; File = 'x.sql.gz' }) {
        Require-Tool sqlite3
        New-DbBackup ./pats.db -Name one -Fingerprint Content | Out-Null
        Export-DbBackup one "./$File" -Format $Form | Out-Null
        $again = Import-DbBackup "./$File" -Source copy -Verify -Created 1d
        $expected = (Get-DbBackup one).Manifest.Payloads[0].Fingerprint
        ($again.Manifest.Payloads[0].Fingerprint.Tables | ForEach-Object { "$($_.Name) $($_.Rows) $($_.ContentSha256)" }) |
            Should -Be ($expected.Tables | ForEach-Object { "$($_.Name) $($_.Rows) $($_.ContentSha256)" })
    }

    It 'refuses what it does not recognize, is not there, or exists' {
        'PGDMP and more' | Set-Content ./pg.dump
        'hello' * 200 | Set-Content ./text.txt
        Should-BeFailure (Get-ErrorOf { Import-DbBackup ./pg.dump }) ImportNotRecognized Import NotImplemented '*pg.dump'
        Should-BeFailure (Get-ErrorOf { Import-DbBackup ./text.txt }) ImportNotRecognized Import NotImplemented
        Should-BeFailure (Get-ErrorOf { Import-DbBackup ./none.db }) SourceNotFound Import ObjectNotFound
        Should-BeFailure (Get-ErrorOf { Import-DbBackup ./none*.db }) SourceNotFound Import ObjectNotFound
        Import-DbBackup ./pats.db -Name a -Created 1d | Out-Null
        Should-BeFailure (Get-ErrorOf { Import-DbBackup ./pats.db -Name a -Created 1d }) BackupExists Import ResourceExists
        Should-BeFailure (Get-ErrorOf { Import-DbBackup ./pats.db -Name ../a -Created 1d }) InvalidName Import InvalidArgument
        Test-Path ./a | Should -BeFalse
    }

    It 'takes names with brackets literally' {
        Copy-Item ./pats.db ./copy; [IO.File]::Move("$folder/copy", "$folder/old [1].db")
        (Import-DbBackup -LiteralPath './old [1].db' -Source pats -Created 1d).Source | Should -Be pats
    }

    Context 'a folder that scripts have filled' {
        BeforeEach {
            foreach ($name in 'old/daily', 'old/weekly', 'old/uploads') { New-Folder $name | Out-Null }
            Copy-Item ./pats.db ./old/daily/pats-20260131.db
            Copy-Item ./pats.db ./old/weekly/pats-202605.db
            New-SampleDatabase ./old/pats_pre_migration_20260202.db -Rows 7
            'done' | Set-Content ./old/backup.log
            [IO.File]::WriteAllBytes("$folder/old/daily/pats-20260201.sql.gz", @())
            New-PatsFolder ./old/backup_20241201_120000
        }

        It 'imports each backup once, skips the rest with a reason, and reports broken ones' {
            $backups = Import-DbBackup ./old -Recurse -WarningVariable skipped -ErrorVariable broken -WarningAction SilentlyContinue -ErrorAction SilentlyContinue
            @($broken).FullyQualifiedErrorId | Should -BeLike 'DumpIncomplete,*'
            "$broken" | Should -Match 'pats-20260201'
            $skipped | Should -HaveCount 1
            "$skipped" | Should -Match 'backup\.log'
            $backups.Source | Should -Be pats, pats, pats
            ($backups | ForEach-Object { "$($_.Created.LocalDateTime.ToString('yyyy-MM-dd')) $($_.Reason) $($_.Tags)".Trim() } | Sort-Object) |
                Should -Be '2024-12-01 Manual', '2026-01-31 Scheduled daily weekly', '2026-02-02 PreMigration'
            $backups | Test-DbBackup -Level Restore | ForEach-Object Passed | Should -Be $true, $true, $true

            # Nothing is imported twice, also with the repository in the same folder.
            Import-DbBackup ./old -Recurse -WarningAction SilentlyContinue -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            Import-DbBackup . -Recurse -WarningAction SilentlyContinue -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            Import-DbBackup ./old/weekly/pats-202605.db -WarningVariable skipped -WarningAction SilentlyContinue | Should -BeNullOrEmpty
            "$skipped" | Should -Match 'imported before, as .pats/20260131'
            Get-DbBackup | Should -HaveCount 3
            # Another source, or a name of its own, is another backup.
            (Import-DbBackup ./old/daily/pats-20260131.db -Source archive).Source | Should -Be archive
            (Import-DbBackup ./old/daily/pats-20260131.db -Name again).Name | Should -Be again
        }

        It 'shows with -WhatIf source, date, type and why, a line for each file' {
            $text = Get-WhatIfText { Import-DbBackup ./old -Recurse -WhatIf -ErrorAction SilentlyContinue }
            $text | Should -Match 'pats-20260131\.db.{0,3} \(a SQLite database of 2026-01-31 00:00 by its name; source pats; Scheduled by the folder .daily.\)'
            $text | Should -Match 'pats_pre_migration_20260202\.db.{0,3} \(a SQLite database of 2026-02-02 00:00 by its name; source pats; PreMigration by its name\)'
            $text | Should -Match 'backup_20241201_120000.{0,3} \(a backup of PATS of 2024-12-01 12:00 by its content; source pats; Manual\)'
            $text | Should -Match 'Skipped .*backup\.log'
            Test-Path ./backups | Should -BeFalse
        }

        It 'takes -Reason and -Source for all of them, and no -Name' {
            $backups = Import-DbBackup ./old -Recurse -Reason Manual -Source app -WarningAction SilentlyContinue -ErrorAction SilentlyContinue
            $backups.Reason | Should -Be Manual, Manual, Manual
            $backups.Source | Should -Be app, app, app
            Should-BeFailure (Get-ErrorOf { Import-DbBackup ./old -Recurse -Name one }) InvalidArgument Import InvalidArgument
        }

        It 'asks once for a source that nothing tells, and names the parameter where it cannot ask' {
            New-Folder ./nameless | Out-Null
            Copy-Item ./pats.db ./nameless/backup_20260131.db
            New-SampleDatabase ./nameless/backup_20260201.db -Rows 7
            $problem = Get-ErrorOf { Import-DbBackup ./nameless/backup_20260131.db }
            Should-BeFailure $problem ImportSourceUnknown Import InvalidArgument
            $problem.ErrorDetails.RecommendedAction | Should -Match '-Source'
            $asked = Invoke-AtPrompt 'Import-DbBackup ./nameless -Recurse' -Lines '', 'a/b', 'pats'
            $asked.Errors | Should -BeNullOrEmpty
            $asked.Text | Should -Match 'Of what is .*backup_20260131\.db'
            (Get-DbBackup -Source pats) | Should -HaveCount 2
        }

        It 'takes a folder of dumps for no backup' {
            New-Folder ./dumps | Out-Null
            "--`n-- PostgreSQL database dump`n--`n" | Set-Content ./dumps/shop.sql
            $problem = Get-ErrorOf { Import-DbBackup ./dumps -Source x -Created 1d }
            Should-BeFailure $problem ImportNotRecognized Import
            $problem.ErrorDetails.RecommendedAction | Should -Match '-Recurse'
        }
    }
}
