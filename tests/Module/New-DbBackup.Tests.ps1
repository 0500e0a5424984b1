Describe 'New-DbBackup' {
    BeforeAll { . $PSScriptRoot/common.ps1 }
    BeforeEach {
        $folder = Enter-NewFolder
        New-SampleDatabase ./pats.db -Revision 041bd0560732
    }
    AfterEach { Set-Location $RepositoryRoot; Remove-Item Env:DBBACKUP_REPOSITORY -ErrorAction Ignore }

    Context 'what it takes' {
        It 'makes a backup by path, with the properties that a person filters by' {
            $backup = New-DbBackup ./pats.db -Name first -Tag nightly, release-1
            $backup | Should -BeOfType ([DbBackup.Backup])
            $backup.Name | Should -Be first
            $backup.Source | Should -Be pats
            $backup.Engine | Should -Be Sqlite
            "$($backup.Reason)" | Should -Be Manual
            "$($backup.Status)" | Should -Be Written
            $backup.SchemaRevision | Should -Be 041bd0560732
            $backup.Tags | Should -Be nightly, release-1
            $backup.Size | Should -BeGreaterThan 0
            $backup.OriginalSize | Should -Be (Get-Item ./pats.db).Length
            $backup.LastTested | Should -BeNullOrEmpty
            $backup.Location | Should -Be (Join-Path $folder backups pats first)
            ($backup.Manifest.Payloads[0].Fingerprint.Tables | Where-Object Name -eq applications).Rows | Should -Be 50
            (Get-ChildItem $backup.Location).Name | Should -Contain RESTORE.txt
            $backup.Age -lt '1h' | Should -BeTrue
        }

        It 'takes several paths, wildcards, and passes over what is no database when a wildcard found it' {
            New-SampleDatabase ./other.db
            'text' | Set-Content ./notes.db
            (New-DbBackup ./pats.db, ./other.db).Source | Should -Be pats, other
            $records = @(New-DbBackup ./*.db -Verbose 4>&1)
            ($records | Where-Object { $_ -is [DbBackup.Backup] }).Source | Sort-Object | Should -Be other, pats
            "$($records | Where-Object { $_ -is [Management.Automation.VerboseRecord] })" | Should -Match "Skipped '.*notes\.db'"
        }

        It 'takes strings and files from the pipeline' {
            New-SampleDatabase ./other.db
            ('./pats.db', './other.db' | New-DbBackup).Source | Should -Be pats, other
            (Get-ChildItem *.db | New-DbBackup -Repository ./second).Source | Should -Be other, pats
            (Get-Item pats.db | New-DbBackup -Repository ./third).Source | Should -Be pats
        }

        It 'takes names with brackets, spaces, quotes and other letters' {
            $names = "it's [1].db", 'über žluťoučký.db', 'a b.db', 'x;y$z.db'
            foreach ($name in $names) {
                Copy-Item ./pats.db "./tmp.copy"
                [IO.File]::Move("$folder/tmp.copy", "$folder/$name")
                (New-DbBackup -LiteralPath "./$name" -Name a -Verify).Status | Should -Be Matched
            }
            (New-DbBackup "./it's [1].db" -Name b).Manifest.Source.Location | Should -Be "$folder/it's [1].db"
            (Get-ChildItem | Where-Object Name -Like '*`[1*' | New-DbBackup -Name c).Name | Should -Be c
        }

        It 'goes by the location of the shell, not by that of the process' {
            [Environment]::CurrentDirectory | Should -Not -Be $folder
            (New-DbBackup pats.db -AdditionalPath pats.db -Repository ./here -ErrorAction Ignore) | Out-Null
            (New-DbBackup pats.db -Repository ./here).Location | Should -BeLike "$folder/here/*"
        }

        It 'takes paths of a PSDrive' {
            New-PSDrive -Name Data -PSProvider FileSystem -Root $folder -Scope Script | Out-Null
            (New-DbBackup Data:/pats.db -Repository Data:/repo).Location | Should -BeLike "$folder/repo/*"
        }

        It 'takes included folders and files, by wildcard too' {
            New-Folder ./uploads/deep | Out-Null
            'one' | Set-Content './uploads/deep/žluť 1.txt'
            'conf' | Set-Content ./app.conf
            $backup = New-DbBackup ./pats.db -AdditionalPath ./up*, ./app.conf -Verify
            $backup.Manifest.Payloads.RestoreName | Should -Be pats.db, uploads, app.conf
            $backup.Status | Should -Be Matched
        }

        It 'keeps the git commit of the folder' {
            Require-Tool git
            git init -q .; git -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m one
            (New-DbBackup ./pats.db).GitCommit | Should -Be (git rev-parse HEAD)
        }
    }

    Context 'where it goes' {
        It 'is ./backups by default, then the environment variable, and -Repository before both' {
            (New-DbBackup ./pats.db).Repository | Should -Be "$folder/backups"
            $env:DBBACKUP_REPOSITORY = "$folder/named"
            (New-DbBackup ./pats.db).Repository | Should -Be "$folder/named"
            (New-DbBackup ./pats.db -Repository ./given).Repository | Should -Be "$folder/given"
        }

        It 'does not make a tree of folders for a mistyped repository' {
            $record = Get-ErrorOf { New-DbBackup ./pats.db -Repository ./no/such/place }
            Should-BeFailure $record RepositoryNotFound New ObjectNotFound
            Test-Path ./no | Should -BeFalse
        }
    }

    Context 'how it is made' {
        It 'compresses as <compression> into <ending>' -ForEach @(
            @{ Compression = 'Zstd'; Ending = '.zst' }, @{ Compression = 'Gzip'; Ending = '.gz' }, @{ Compression = 'None'; Ending = '.db' }) {
            $backup = New-DbBackup ./pats.db -Compression $Compression -Verify
            $backup.Manifest.Payloads[0].FileName | Should -BeLike "*$Ending"
            $backup.Status | Should -Be Matched
        }

        It 'proves the backup with -Verify' {
            $backup = New-DbBackup ./pats.db -Verify
            $backup.Status | Should -Be Matched
            $backup.LastTested | Should -Not -BeNullOrEmpty
            $backup.Manifest.Payloads[0].Fingerprint.Level | Should -Be Content
        }

        It 'stores SQL that gives the database back' {
            Require-Tool sqlite3 gunzip
            $backup = New-DbBackup ./pats.db -Format Sql -Compression Gzip
            $file = Join-Path $backup.Location $backup.Manifest.Payloads[0].FileName
            $file | Should -BeLike '*.sql.gz'
            gunzip -c $file | sqlite3 ./again.db
            Get-RowCount ./again.db | Should -Be 50
        }

        It 'makes automatic names that say the time and the type' {
            (New-DbBackup ./pats.db).Name | Should -Match '^\d{8}T\d{6}Z-full$'
            (New-DbBackup ./pats.db -Reason PreMigration).Name | Should -Match '^\d{8}T\d{6}Z-pre-?migration'
            1..3 | ForEach-Object { New-DbBackup ./pats.db } | Select-Object -ExpandProperty Name -Unique | Should -HaveCount 3
        }

        It 'gives out one object and ends with Select-Object -First 1' {
            New-SampleDatabase ./other.db
            (New-DbBackup ./pats.db, ./other.db | Select-Object -First 1).Source | Should -Be pats
            Get-ChildItem ./backups -Force -Recurse -Filter *.part | Should -BeNullOrEmpty
            (Get-DbBackup).Source | Should -Be pats
        }
    }

    Context 'what it says' {
        It 'prints the plan under -WhatIf and writes nothing, not even the repository' {
            $text = Get-WhatIfText { New-DbBackup ./pats.db -Name x -WhatIf }
            $text | Should -Match ([regex]::Escape("$folder/pats.db"))
            $text | Should -Match 'pats/x'
            Test-Path ./backups | Should -BeFalse
        }

        It 'says under -WhatIf what would fail, and writes nothing' {
            'a: b' | Set-Content ./settings.yaml
            New-DbBackup ./pats.db -Name taken | Out-Null
            foreach ($case in
                @{ Id = 'SourceNotFound'; Command = { New-DbBackup ./nothing.db -WhatIf } },
                @{ Id = 'SourceNotSqlite'; Command = { New-DbBackup ./settings.yaml -WhatIf } },
                @{ Id = 'SourceNotFound'; Command = { New-DbBackup ./pats.db -AdditionalPath ./nothing -WhatIf } },
                @{ Id = 'BackupExists'; Command = { New-DbBackup ./pats.db -Name taken -WhatIf } },
                @{ Id = 'RepositoryNotFound'; Command = { New-DbBackup ./pats.db -Repository ./not/there -WhatIf } },
                @{ Id = 'InvalidArgument'; Command = { New-DbBackup ./pats.db -Compression None -CompressionLevel 3 -WhatIf } }) {
                (Get-ErrorOf $case.Command).FullyQualifiedErrorId | Should -BeLike "$($case.Id),*"
            }
            (Get-DbBackup).Name | Should -Be taken
        }

        It 'says each step with -Verbose' {
            $text = New-DbBackup ./pats.db -Verbose 4>&1 | Where-Object { $_ -is [Management.Automation.VerboseRecord] } | Out-String
            $text | Should -Match "Published 'pats/"
        }

        It 'shows progress and takes the bar away' {
            New-LargeDatabase ./large.db 30
            $shell = [powershell]::Create().AddScript('param($m, $f) Set-Location $f; Import-Module $m; New-DbBackup ./large.db').AddArgument($ModulePath).AddArgument($folder)
            $shell.Invoke() | Should -HaveCount 1
            $records = @($shell.Streams.Progress | Where-Object Activity -Like 'Backing up large*')
            $records.Count | Should -BeGreaterThan 2
            $records[-1].RecordType | Should -Be Completed
            $records.StatusDescription -match 'MB of .*MB' | Should -Not -BeNullOrEmpty
            $records.PercentComplete | ForEach-Object { $_ | Should -BeIn (-1..100) }
            $shell.Dispose()
        }
    }

    Context 'what goes wrong' {
        It 'names a file that is not there, a wildcard that finds nothing, and goes on with the next' {
            $all = @(New-DbBackup ./none.db, './none*.db', ./pats.db -ErrorVariable records -ErrorAction SilentlyContinue)
            $all | Should -HaveCount 1
            $records | Should -HaveCount 2
            Should-BeFailure $records[0] SourceNotFound New ObjectNotFound '*none.db'
            Should-BeFailure $records[1] SourceNotFound New ObjectNotFound '*none*.db'
            Test-Path ./none.db | Should -BeFalse
        }

        It 'refuses the formats of files for a server, and names those of a server' {
            $record = Get-ErrorOf { New-DbBackup postgresql://postgres@localhost:1/app -Format Native }
            Should-BeFailure $record InvalidArgument New InvalidArgument
            $record.ErrorDetails.RecommendedAction | Should -BeLike '*Custom, Directory, Plain*'
        }

        It 'refuses what is no database' {
            'text that is long enough to be looked at' * 100 | Set-Content ./notes.db
            Should-BeFailure (Get-ErrorOf { New-DbBackup ./notes.db }) SourceNotSqlite New InvalidData '*notes.db'
        }

        It 'refuses a folder, with the next step' {
            New-Folder ./data | Out-Null
            Should-BeFailure (Get-ErrorOf { New-DbBackup ./data }) SourceNotSqlite New
        }

        It 'refuses an empty database, unless -AllowEmpty' {
            New-Item ./empty.db | Out-Null
            Should-BeFailure (Get-ErrorOf { New-DbBackup ./empty.db }) SourceEmpty New
            'pragma user_version = 3; vacuum;' | sqlite3 ./bare.db
            Should-BeFailure (Get-ErrorOf { New-DbBackup ./bare.db }) SourceEmpty New
            (New-DbBackup ./bare.db -AllowEmpty).Source | Should -Be bare
        }

        It 'refuses a damaged database' {
            New-SampleDatabase ./bad.db -Rows 2000
            $bytes = [IO.File]::ReadAllBytes("$folder/bad.db")
            for ($i = 8192; $i -lt 60000; $i++) { $bytes[$i] = 0x5a }
            [IO.File]::WriteAllBytes("$folder/bad.db", $bytes)
            Should-BeFailure (Get-ErrorOf { New-DbBackup ./bad.db }) SourceCorrupt New InvalidData
            Get-DbBackup -ErrorAction Ignore | Should -BeNullOrEmpty
        }

        It 'refuses a name that exists, and one that is none' {
            New-DbBackup ./pats.db -Name one | Out-Null
            Should-BeFailure (Get-ErrorOf { New-DbBackup ./pats.db -Name one }) BackupExists New ResourceExists
            foreach ($name in '../evil', 'a/b', '..', '.hidden', 'tab	name') {
                Should-BeFailure (Get-ErrorOf { New-DbBackup ./pats.db -Name $name }) InvalidName New InvalidArgument
            }
            Should-BeFailure (Get-ErrorOf { New-DbBackup ./pats.db -Source '../evil' }) InvalidName New InvalidArgument
            Test-Path ./evil | Should -BeFalse
        }

        It 'refuses one -Source or one -Name for two databases' {
            New-SampleDatabase ./other.db
            $records = Get-ErrorOf { New-DbBackup ./pats.db, ./other.db -Source mine }
            Should-BeFailure $records InvalidArgument New InvalidArgument
        }

        It 'refuses a source name that belongs to another database' {
            New-DbBackup ./pats.db | Out-Null
            New-Folder ./elsewhere | Out-Null
            New-SampleDatabase ./elsewhere/pats.db
            Should-BeFailure (Get-ErrorOf { New-DbBackup ./elsewhere/pats.db }) SourceNameTaken New
            (New-DbBackup ./elsewhere/pats.db -Source pats-elsewhere).Source | Should -Be pats-elsewhere
        }

        It 'names an included folder that is not there, and leaves nothing' {
            Should-BeFailure (Get-ErrorOf { New-DbBackup ./pats.db -AdditionalPath ./no-uploads }) SourceNotFound New ObjectNotFound '*no-uploads'
            Get-DbBackup -ErrorAction Ignore | Should -BeNullOrEmpty
            Should-BeFailure (Get-ErrorOf { New-DbBackup ./pats.db -AdditionalPath './no-up*' }) SourceNotFound New ObjectNotFound '*no-up*'
        }

        It 'refuses a level that the compression does not have: <compression> <level>' -ForEach @(
            @{ Compression = 'Zstd'; Level = 23 }, @{ Compression = 'Zstd'; Level = -200000 }, @{ Compression = 'Gzip'; Level = 0 }, @{ Compression = 'Gzip'; Level = 10 }, @{ Compression = 'None'; Level = 3 }) {
            Should-BeFailure (Get-ErrorOf { New-DbBackup ./pats.db -Compression $Compression -CompressionLevel $Level }) InvalidArgument New InvalidArgument
            Test-Path ./backups | Should -BeFalse
        }

        It 'refuses paths outside of the file system' {
            Should-BeFailure (Get-ErrorOf { New-DbBackup Env:PATH }) InvalidArgument New InvalidArgument
            Should-BeFailure (Get-ErrorOf { New-DbBackup ./pats.db -Repository Env:x }) InvalidArgument New InvalidArgument
            Should-BeFailure (Get-ErrorOf { New-DbBackup Nowhere:/pats.db }) SourceNotFound New ObjectNotFound
        }

        It 'says who to wait for when the database is locked' {
            Require-Tool python3
            $lock = Start-Process python3 -PassThru -ArgumentList @('-c', "`"import sqlite3,time; c=sqlite3.connect('$folder/pats.db', isolation_level=None); c.execute('begin exclusive'); open('$folder/locked','w'); time.sleep(60)`"")
            try {
                while (-not (Test-Path ./locked)) { Start-Sleep -Milliseconds 50 }
                Should-BeFailure (Get-ErrorOf { New-DbBackup ./pats.db -LockTimeout 1 }) SourceLocked New ResourceBusy
            }
            finally { Stop-Process -Id $lock.Id }
            Get-DbBackup -ErrorAction Ignore | Should -BeNullOrEmpty
        }

        It 'ends with -ErrorAction Stop' {
            { New-DbBackup ./none.db, ./pats.db -ErrorAction Stop } | Should -Throw -ErrorId 'SourceNotFound,*'
            Test-Path ./backups | Should -BeFalse
        }
    }

    Context 'Ctrl+C' {
        It 'ends within two seconds in the middle of <phase> and leaves nothing' -ForEach @(@{ Phase = 'storing' }, @{ Phase = 'copying' }) {
            $size = $Phase -eq 'storing' ? 60 : 200
            New-LargeDatabase ./large.db $size
            $shell = [powershell]::Create().AddScript('param($m, $f, $l) Set-Location $f; Import-Module $m; New-DbBackup ./large.db -CompressionLevel $l -Compression Zstd').AddArgument($ModulePath).AddArgument($folder).AddArgument(19)
            $running = $shell.BeginInvoke()
            $patience = [Diagnostics.Stopwatch]::StartNew()
            while (-not ($shell.Streams.Progress | Where-Object StatusDescription -Like "*$Phase*") -and $patience.Elapsed.TotalSeconds -lt 15 -and -not $running.IsCompleted) { Start-Sleep -Milliseconds 10 }
            $running.IsCompleted | Should -BeFalse
            $time = (Measure-Command { $shell.Stop() }).TotalSeconds
            $time | Should -BeLessThan 2
            "$($shell.InvocationStateInfo.State)" | Should -Be Stopped
            $shell.Streams.Error | Should -BeNullOrEmpty
            Get-DbBackup -ErrorAction Ignore | Should -BeNullOrEmpty
            Get-ChildItem ./backups -Recurse -File -Force | Where-Object Length -GT 4KB | Should -BeNullOrEmpty
            $shell.Dispose()
        }
    }
}
