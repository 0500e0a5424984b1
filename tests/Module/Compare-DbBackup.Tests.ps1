Describe 'Compare-DbBackup' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        function Show($Difference) { $Difference | ForEach-Object { "$($_.Kind) $($_.Name) $($_.Change) $($_.Before)>$($_.After)" } }
    }
    BeforeEach { $folder = Enter-NewFolder }
    AfterEach { Set-Location $RepositoryRoot }

    Context 'a SQLite database with files' {
        BeforeEach {
            New-SampleDatabase ./pats.db -Revision one
            New-Folder ./uploads/sub | Out-Null
            'kept' | Set-Content ./uploads/kept.txt
            'gone' | Set-Content ./uploads/gone.txt
            'before' | Set-Content ./uploads/sub/changed.txt
            New-DbBackup ./pats.db -AdditionalPath ./uploads -Name first -Fingerprint Content | Out-Null
        }

        It 'finds nothing between equal ones, in whatever form they are, and warns of nothing' {
            New-DbBackup ./pats.db -AdditionalPath ./uploads -Name second -Format Sql -Compression Gzip -Fingerprint Content | Out-Null
            Compare-DbBackup pats/first pats/second -WarningVariable warnings | Should -BeNullOrEmpty
            Compare-DbBackup first -WarningVariable +warnings | Should -BeNullOrEmpty
            $warnings | Should -BeNullOrEmpty
        }

        It 'tells rows, definitions, revision, settings and files of two backups, and of a backup and the live data' {
            'delete from applications where id > 40; update documents set path = ''x'' where id = 1; alter table applications add column email text; create table added (x); drop index documents_application; update alembic_version set version_num = ''two''; pragma user_version = 7' | sqlite3 ./pats.db
            Remove-Item ./uploads/gone.txt
            'after' | Set-Content ./uploads/sub/changed.txt
            'new' | Set-Content './uploads/n e w.txt'
            (Get-Item ./uploads/kept.txt).LastWriteTime = Get-Date '2020-01-01'
            New-DbBackup ./pats.db -AdditionalPath ./uploads -Name second -Fingerprint Content | Out-Null
            foreach ($found in (Compare-DbBackup pats/first second), (Get-DbBackup first | Compare-DbBackup -Difference (Get-DbBackup second)), (Compare-DbBackup first)) {
                $shown = Show $found
                $shown | Should -Contain 'Revision alembic_version Changed one>two'
                $shown | Should -Contain 'Table applications Changed 50>40'
                $shown | Should -Contain 'Table documents Changed 25>25'
                $shown | Should -Contain 'Table added Added >0'
                $shown | Should -Contain 'Setting user_version Changed 0>7'
                $schema = $found.Where{ $_.Kind -eq 'Schema' }
                ($schema | Sort-Object Name | ForEach-Object { "$($_.Name) $($_.Change)" }) -join ', ' | Should -Be 'index documents_application Removed, table added Added, table applications Changed'
                $schema.Where{ $_.Change -eq 'Changed' }.After | Should -BeLike '*email text*'
                $files = $found.Where{ $_.Kind -eq 'File' }
                ($files | Sort-Object Name | ForEach-Object { "$($_.Name) $($_.Change)" }) -join ', ' | Should -Be 'uploads/gone.txt Removed, uploads/n e w.txt Added, uploads/sub/changed.txt Changed'
                $found.Where{ $_.Kind -eq 'Table' }[1].Before | Should -BeOfType ([long])
                $found.Backup | Select-Object -Unique | Should -BeExactly pats/first
            }

            (Compare-DbBackup first)[0].ComparedWith | Should -BeLike "*$($folder)*pats.db*uploads*"
            Show (Compare-DbBackup first second -Content Files) | ForEach-Object { $_ | Should -BeLike 'File*' }
            Show (Compare-DbBackup first second -Table 'docu*') | Should -Be 'Table documents Changed 25>25'
            Compare-DbBackup first second | Out-String | Should -Match 'applications\s+Changed\s+50\s+40'
        }

        It 'compares with another file or folder' {
            Copy-Item ./pats.db ./other.db
            'insert into applications (company) values (''x'')' | sqlite3 ./other.db
            Show (Compare-DbBackup first -Path ./other.db -WarningAction SilentlyContinue) | Should -Be 'Table applications Changed 50>51'
            Copy-Item -Recurse ./uploads ./copy
            Compare-DbBackup first -Path ./copy -WarningAction SilentlyContinue | Should -BeNullOrEmpty
            'x' | Set-Content ./copy/x.txt
            $found = Compare-DbBackup first -Path ./copy -WarningVariable warnings -WarningAction SilentlyContinue
            $found | ForEach-Object { "$($_.Name) $($_.Change)" } | Should -Be 'uploads/x.txt Added'
            $found = Compare-DbBackup first -Content Files -Path ./copy -WarningVariable none
            @($found).Count | Should -Be 1
            $none | Should -BeNullOrEmpty
        }

        It 'never takes for equal what it did not look at' {
            New-DbBackup ./pats.db -Name counted -Fingerprint Rows | Out-Null
            New-DbBackup ./pats.db -Name blind -Fingerprint None | Out-Null
            'update documents set path = ''x'' where id = 1' | sqlite3 ./pats.db
            Compare-DbBackup counted -WarningVariable warnings -WarningAction SilentlyContinue | Should -BeNullOrEmpty
            "$warnings" | Should -Match 'rows were only counted'
            Compare-DbBackup counted -Table nothing* -ErrorVariable failure -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            Should-BeFailure $failure[0] InvalidArgument Compare InvalidArgument '*nothing*'
            Compare-DbBackup blind counted -WarningVariable warnings -WarningAction SilentlyContinue | Should -BeNullOrEmpty
            "$warnings" | Should -Match 'no fingerprint'
            Show (Compare-DbBackup counted first -IncludeEqual -Table documents) | Should -Be 'Table documents SameCount 25>25'
            Show (Compare-DbBackup first -IncludeEqual -Table documents, applications) | Should -Be 'Table applications Equal 50>50', 'Table documents Changed 25>25'
        }

        It 'leaves aside what the backup left out' {
            'cache' | Set-Content ./uploads/a.tmp
            New-DbBackup ./pats.db -AdditionalPath ./uploads -Exclude *.tmp -Name without -Fingerprint Content | Out-Null
            Compare-DbBackup without -WarningVariable warnings | Should -BeNullOrEmpty
            $warnings | Should -BeNullOrEmpty
            (Compare-DbBackup first).Name | Should -Be uploads/a.tmp
        }

        It 'finds a database in a folder by the place that it has there' {
            Copy-Item ./pats.db ./uploads/inner.db
            New-DbBackup ./pats.db -AdditionalPath ./uploads -Name inner -Fingerprint Content | Out-Null
            'delete from documents where id = 1' | sqlite3 ./uploads/inner.db
            $found = Compare-DbBackup inner
            Show $found | Should -Be 'Table documents Changed 25>24'
            $found.Database | Should -BeExactly uploads/inner.db
        }

        It 'leaves nothing behind, also when the pipeline is stopped' {
            'delete from applications where id > 40' | sqlite3 ./pats.db
            1..3 | ForEach-Object { New-DbBackup ./pats.db -Fingerprint Content -Name "more$_" | Out-Null }
            $before = Get-Snapshot .
            Get-DbBackup | Compare-DbBackup -Table applications | Where-Object { $_.Before -gt $_.After } | Select-Object -First 1 -ExpandProperty Backup | Should -BeExactly pats/first
            Compare-DbBackup * -Source pats | Out-Null
            Get-Snapshot . | Should -Be $before
        }

        It 'refuses with one clear error what cannot be compared' {
            New-Folder ./pictures | Out-Null
            'x' | Set-Content ./pictures/x.txt
            New-DbBackup ./pats.db -Name second | Out-Null
            Should-BeFailure (Get-ErrorOf { Compare-DbBackup nothere first }) BackupNotFound Compare ObjectNotFound
            Should-BeFailure (Get-ErrorOf { Compare-DbBackup first nothere }) BackupNotFound Compare ObjectNotFound
            Should-BeFailure (Get-ErrorOf { Compare-DbBackup first pats/* }) BackupAmbiguous Compare InvalidArgument
            Should-BeFailure (Get-ErrorOf { Compare-DbBackup first first -Path ./pats.db }) InvalidArgument Compare InvalidArgument
            Should-BeFailure (Get-ErrorOf { Compare-DbBackup first -HostName localhost }) InvalidArgument Compare InvalidArgument
            Should-BeFailure (Get-ErrorOf { Compare-DbBackup first -Content Globals }) InvalidArgument Compare InvalidArgument
            Should-BeFailure (Get-ErrorOf { Compare-DbBackup first 3 }) BackupNotFound Compare ObjectNotFound
            Should-BeFailure (Get-ErrorOf { Compare-DbBackup first (Get-Date) }) InvalidArgument Compare InvalidArgument
            Should-BeFailure (Get-ErrorOf { Compare-DbBackup first -Path ./nothere.db }) SourceNotFound Compare ObjectNotFound
            Remove-Item ./pats.db
            Should-BeFailure (Get-ErrorOf { Compare-DbBackup first }) SourceNotFound Compare ObjectNotFound
        }

        It 'works with objects that came back from a file' {
            New-DbBackup ./pats.db -AdditionalPath ./uploads -Name second -Fingerprint Content | Out-Null
            Get-DbBackup | Export-Clixml ./list.xml
            $first, $second = Import-Clixml ./list.xml | Sort-Object Name
            $first | Compare-DbBackup -Difference $second | Should -BeNullOrEmpty
            $first | Select-Object Name, Source, Repository | Compare-DbBackup -Difference second | Should -BeNullOrEmpty
        }
    }
}
