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
}
