Describe 'Test-DbBackupRepository' {
    BeforeAll { . $PSScriptRoot/common.ps1 }
    BeforeEach {
        $folder = Enter-NewFolder
        New-SampleDatabase ./pats.db
        foreach ($name in 'first', 'second') { New-DbBackup ./pats.db -Name $name | Out-Null }
    }
    AfterEach { Set-Location $RepositoryRoot }

    It 'finds nothing in a good repository, and changes nothing' {
        $before = Get-Snapshot ./backups
        Test-DbBackupRepository -ErrorAction Stop | Should -BeNullOrEmpty
        Test-DbBackupRepository ./backups -Deep -ErrorAction Stop | Should -BeNullOrEmpty
        Get-Snapshot ./backups | Should -Be $before
    }

    It 'finds <what>' -ForEach @(
        @{ What = 'a missing payload'; Kind = 'MissingFile'; Severity = 'Critical'; Change = { Remove-Item ./backups/pats/first/pats.db.* -Force } }
        @{ What = 'a cut payload'; Kind = 'MissingFile'; Severity = 'Critical'; Change = { $file = (Get-Item ./backups/pats/first/pats.db.*).FullName; Set-ItemProperty $file IsReadOnly $false; $bytes = [IO.File]::ReadAllBytes($file); [IO.File]::WriteAllBytes($file, $bytes[0..9]) } }
        @{ What = 'a missing RESTORE.txt'; Kind = 'MissingFile'; Severity = 'Critical'; Change = { Remove-Item ./backups/pats/first/RESTORE.txt -Force } }
        @{ What = 'a manifest that cannot be read'; Kind = 'Unreadable'; Severity = 'Critical'; Change = { Set-ItemProperty ./backups/pats/first/backup.json IsReadOnly $false; 'garbage' | Set-Content ./backups/pats/first/backup.json } }
        @{ What = 'a backup in the place of another'; Kind = 'Signature'; Severity = 'Critical'; Change = { Move-Item ./backups/pats/first ./backups/pats/third } }
        @{ What = 'a folder without a manifest'; Kind = 'Leftover'; Severity = 'Warning'; Change = { Remove-Item ./backups/pats/first/backup.json -Force } }
        @{ What = 'a foreign file'; Kind = 'UnknownFile'; Severity = 'Warning'; Change = { 'x' | Set-Content ./backups/pats/first/evil.sh } }
        @{ What = 'a foreign file above'; Kind = 'UnknownFile'; Severity = 'Warning'; Change = { 'x' | Set-Content ./backups/notes.txt } }
        @{ What = 'that the newest backup is gone'; Kind = 'NewestGone'; Severity = 'Warning'; Change = { Get-DbBackup | Out-Null; Remove-Item ./backups/pats/second -Recurse -Force } }) {
        & $Change
        $findings = Test-DbBackupRepository -ErrorAction SilentlyContinue -ErrorVariable records
        $found = $findings | Where-Object { "$($_.Kind)" -eq $Kind }
        $found | Should -HaveCount 1
        "$($found.Severity)" | Should -Be $Severity
        $found.Path | Should -Not -BeNullOrEmpty
        $found.Message | Should -Match '\.$'
        $found.Hint | Should -Match '\.$|\)$'
        $findings | Out-String | Should -Match $Severity
        if ($Severity -eq 'Critical') { Should-BeFailure $records[0] RepositoryTestFailed Test-DbBackupRepository InvalidData; { Test-DbBackupRepository -ErrorAction Stop } | Should -Throw }
        else { $records | Should -BeNullOrEmpty }
    }

    It 'reads payloads with -Deep alone' {
        Edit-Payload (Get-DbBackup first)
        Test-DbBackupRepository | Should -BeNullOrEmpty
        $findings = Test-DbBackupRepository -Deep -ErrorAction SilentlyContinue
        "$($findings.Kind)" | Should -Be Damaged
        $findings.Path | Should -BeLike '*first*pats.db*'
    }

    It 'tells of files and folders that others can read or write' {
        Skip-OnWindows
        chmod 755 ./backups ./backups/pats ./backups/pats/first
        chmod 644 (Get-Item ./backups/pats/first/pats.db.*).FullName
        $finding = Test-DbBackupRepository -ErrorAction SilentlyContinue
        "$($finding.Kind)" | Should -Be NotPrivate
        chmod 700 ./backups
        Test-DbBackupRepository | Should -BeNullOrEmpty
        chmod 777 ./backups
        (Test-DbBackupRepository -ErrorAction SilentlyContinue).Message | Should -Contain (@((Test-DbBackupRepository -ErrorAction SilentlyContinue).Message) -like '*can write*')[0]
    }

    It 'names a repository that is not there' {
        Should-BeFailure (Get-ErrorOf { Test-DbBackupRepository ./none }) RepositoryNotFound Test-DbBackupRepository ObjectNotFound
    }
}
