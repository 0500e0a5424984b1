Describe 'Export-DbBackup' {
    BeforeAll { . $PSScriptRoot/common.ps1 }
    BeforeEach {
        $folder = Enter-NewFolder
        New-SampleDatabase ./pats.db
        New-Folder ./uploads/deep | Out-Null
        'one' | Set-Content './uploads/deep/žluť.txt'
        $backup = New-DbBackup ./pats.db -AdditionalPath ./uploads -Name one
    }
    AfterEach { Set-Location $RepositoryRoot }

    It 'writes the plain database to a file' {
        $file = $backup | Export-DbBackup -Destination ./out.db -Content Database
        $file | Should -BeOfType ([IO.FileInfo])
        $file.FullName | Should -Be "$folder/out.db"
        Get-RowCount ./out.db | Should -Be 50
        (Get-FileHash ./out.db).Hash.ToLowerInvariant() | Should -Be $backup.Manifest.Payloads[0].OriginalSha256
    }

    It 'writes SQL text, compressed where the ending says so' {
        Require-Tool sqlite3 gunzip
        Export-DbBackup one ./out.sql -Content Database -Format Sql | Out-Null
        Get-Content ./out.sql -Raw | sqlite3 ./again.db
        Get-RowCount ./again.db | Should -Be 50
        Export-DbBackup one ./out.sql.gz -Content Database -Format Sql | Out-Null
        gunzip -c ./out.sql.gz | sqlite3 ./zipped.db
        Get-RowCount ./zipped.db | Should -Be 50
    }

    It 'writes everything into a folder' {
        $out = Export-DbBackup -Source pats -Latest -Destination ./out
        $out.FullName | Sort-Object | Should -Be "$folder/out/pats.db", "$folder/out/uploads"
        $out[1] | Should -BeOfType ([IO.DirectoryInfo])
        Get-Content './out/uploads/deep/žluť.txt' | Should -Be one
        Export-DbBackup one ./files -Content Files | Out-Null
        Get-ChildItem ./files -Recurse -File | Should -HaveCount 1
        Test-Path ./files/pats.db | Should -BeFalse
    }

    It 'gives what was stored as SQL back as a database' {
        Require-Tool sqlite3
        New-DbBackup ./pats.db -Name text -Format Sql | Out-Null
        Export-DbBackup text ./text.db | Out-Null
        Get-RowCount ./text.db | Should -Be 50
    }

    It 'writes nothing under -WhatIf, and says what it would' {
        $text = Get-WhatIfText { $backup | Export-DbBackup -Destination ./out -WhatIf }
        $text | Should -Match ([regex]::Escape("$folder/out/pats.db"))
        Test-Path ./out | Should -BeFalse
    }

    It 'does not overwrite without -Force' {
        'mine' | Set-Content ./out.db
        Should-BeFailure (Get-ErrorOf { $backup | Export-DbBackup -Destination ./out.db -Content Database }) DestinationExists Export ResourceExists '*out.db'
        Get-Content ./out.db | Should -Be mine
        $backup | Export-DbBackup -Destination ./out.db -Content Database -Force | Out-Null
        Get-RowCount ./out.db | Should -Be 50
    }

    It 'refuses a damaged backup and leaves nothing' {
        Edit-Payload $backup
        Should-BeFailure (Get-ErrorOf { $backup | Export-DbBackup -Destination ./out.db -Content Database }) BackupDamaged Export InvalidData
        Get-ChildItem . -Filter out* | Should -BeNullOrEmpty
    }

    It 'names what is not there or ambiguous' {
        New-SampleDatabase ./other.db
        New-DbBackup ./other.db -Name one | Out-Null
        Should-BeFailure (Get-ErrorOf { Export-DbBackup none ./x }) BackupNotFound Export ObjectNotFound
        Should-BeFailure (Get-ErrorOf { Export-DbBackup one ./x }) BackupAmbiguous Export InvalidArgument
        Should-BeFailure (Get-ErrorOf { Export-DbBackup one ./x -Source other -Content Files }) InvalidArgument Export InvalidArgument
        Should-BeFailure (Get-ErrorOf { Export-DbBackup one ./x -Source pats -Repository ./none }) RepositoryNotFound Export ObjectNotFound
    }

    It 'takes objects from a file' {
        $backup | Export-Clixml ./one.xml
        (Import-Clixml ./one.xml | Export-DbBackup -Destination ./out.db -Content Database).Name | Should -Be out.db
    }

    It 'writes the whole backup into one tar, which Import-DbBackup takes back as the same backup' {
        Require-Tool tar sha256sum
        $backup | Test-DbBackup -Level Restore | Out-Null
        $file = Export-DbBackup one ./whole.tar -Format Tar
        $file | Should -BeOfType ([IO.FileInfo])
        $listed = tar -tf ./whole.tar
        $listed[0] | Should -Be pats/one/backup.json
        foreach ($name in $backup.Manifest.Payloads.FileName + 'RESTORE.txt') { $listed | Should -Contain "pats/one/$name" }
        $listed -like 'pats/one/tests/*.json' | Should -HaveCount 1

        $again = Import-DbBackup ./whole.tar -Repository ./second
        "$again" | Should -Be pats/one
        $again.Status | Should -Be Matched
        $again.Manifest.Id | Should -Be $backup.Manifest.Id
        (Get-FileHash ./second/pats/one/backup.json).Hash | Should -Be (Get-FileHash ./backups/pats/one/backup.json).Hash
        $again | Restore-DbBackup -Destination ./restored -Confirm:$false
        Get-RowCount ./restored/pats.db | Should -Be 50
        # Stock tar makes the same of it.
        New-Folder ./third | Out-Null
        tar -xf ./whole.tar -C ./third
        (Get-FileHash ./third/pats/one/backup.json).Hash | Should -Be (Get-FileHash ./backups/pats/one/backup.json).Hash

        Import-DbBackup ./whole.tar -Repository ./second -WarningVariable skipped -WarningAction SilentlyContinue | Should -BeNullOrEmpty
        "$skipped" | Should -Match "has this backup already: 'pats/one'"
        (Get-WhatIfText { Import-DbBackup ./whole.tar -Repository ./fourth -WhatIf }) | Should -Match "an exported backup of this module"
        Should-BeFailure (Get-ErrorOf { Import-DbBackup ./whole.tar -Repository ./fourth -Name other }) InvalidArgument Import InvalidArgument
        Should-BeFailure (Get-ErrorOf { Export-DbBackup one ./whole.tar -Format Tar }) DestinationExists Export ResourceExists
        Should-BeFailure (Get-ErrorOf { Export-DbBackup one ./part.tar -Format Tar -Content Files }) InvalidArgument Export InvalidArgument
        Should-BeFailure (Get-ErrorOf { Export-DbBackup one ./part.tar.gz -Format Tar }) InvalidArgument Export InvalidArgument
        (Get-WhatIfText { Export-DbBackup one ./other.tar -Format Tar -WhatIf }) | Should -Match ([regex]::Escape("'pats/one' to '$folder/other.tar'"))
        Test-Path ./other.tar | Should -BeFalse
    }

    It 'takes no tar back that is cut off, changed, or of another database' {
        Export-DbBackup one ./whole.tar -Format Tar | Out-Null
        $bytes = [IO.File]::ReadAllBytes("$folder/whole.tar")
        foreach ($length in 5000, ($bytes.Length / 2), ($bytes.Length - 2000)) {
            [IO.File]::WriteAllBytes("$folder/cut.tar", $bytes[0..($length - 1)])
            Get-ErrorOf { Import-DbBackup ./cut.tar -Repository ./second } | ForEach-Object FullyQualifiedErrorId | Should -BeLike 'BackupDamaged,*'
        }
        $changed = $bytes.Clone()
        $payload = [IO.File]::ReadAllBytes((Get-ChildItem ./backups/pats/one -Filter pats.db*).FullName)
        $place = [Text.Encoding]::Latin1.GetString($bytes).IndexOf([Text.Encoding]::Latin1.GetString($payload, 0, 100), [StringComparison]::Ordinal)
        $place | Should -BeGreaterThan 0
        $changed[$place + 200] = $changed[$place + 200] -bxor 1
        [IO.File]::WriteAllBytes("$folder/changed.tar", $changed)
        Get-ErrorOf { Import-DbBackup ./changed.tar -Repository ./second } | ForEach-Object FullyQualifiedErrorId | Should -BeLike 'BackupDamaged,*'
        Get-DbBackup -Repository ./second -ErrorAction Ignore | Should -BeNullOrEmpty

        New-Folder ./elsewhere | Out-Null
        New-SampleDatabase ./elsewhere/pats.db
        New-DbBackup ./elsewhere/pats.db -Repository ./second | Out-Null
        Should-BeFailure (Get-ErrorOf { Import-DbBackup ./whole.tar -Repository ./second }) SourceNameTaken Import ResourceExists
        (Import-DbBackup ./whole.tar -Repository ./second -Source pats).Name | Should -Be one
    }

    It 'writes exact bytes to the standard output of a shell of its own: <_>' -ForEach 'Native', 'Sql', 'Tar' {
        Require-Tool bash cmp
        $content = $_ -eq 'Tar' ? '' : '-Content Database'
        Invoke-Expression "Export-DbBackup one ./expected $content -Format $_" | Out-Null
        "Import-Module '$ModulePath'; Set-Location '$folder'; Export-DbBackup one -Destination - $content -Format $_ -Verbose" | Set-Content ./out.ps1
        $words = (Get-SameShell) + '-NoProfile', '-File', './out.ps1' | ForEach-Object { "'$_'" }
        bash -c "set -o pipefail; $words 2> ./errors | cat > ./out.bin"
        $LASTEXITCODE | Should -Be 0 -Because (Get-Content ./errors -Raw)
        bash -c 'cmp ./expected ./out.bin'
        $LASTEXITCODE | Should -Be 0
        (Get-Item ./out.bin).Length | Should -BeGreaterThan 1000
    }

    It 'writes nothing to a standard output that cannot take it' {
        Require-Tool bash
        Should-BeFailure (Get-ErrorOf { Export-DbBackup one -Destination - }) InvalidArgument Export InvalidArgument
        "Import-Module '$ModulePath'; Set-Location '$folder'; Export-DbBackup one -Destination -" | Set-Content ./out.ps1
        $words = (Get-SameShell) + '-NoProfile', '-File', './out.ps1' | ForEach-Object { "'$_'" }
        bash -c "$words 2> ./errors > ./out.bin"
        (Get-Item ./out.bin).Length | Should -Be 0
        Get-Content ./errors -Raw | Should -Match 'has 2 parts'
        # A damaged backup gives no byte.
        $payload = Get-ChildItem ./backups/pats/one -Filter pats.db*
        [IO.File]::WriteAllBytes($payload.FullName, [byte[]] (1..100))
        "Import-Module '$ModulePath'; Set-Location '$folder'; Export-DbBackup one -Destination - -Content Database; exit ([int] -not `$?)" | Set-Content ./out.ps1
        bash -c "$words 2> ./errors > ./out.bin"
        $LASTEXITCODE | Should -Be 1
        (Get-Item ./out.bin).Length | Should -Be 0
        Get-ChildItem ./backups/.dbbackup -Recurse -File | Should -BeNullOrEmpty
    }
}
