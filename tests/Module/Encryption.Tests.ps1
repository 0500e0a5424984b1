Describe 'Encrypted backups' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        function ConvertTo-Secret([string] $Text) { ConvertTo-SecureString $Text -AsPlainText -Force }
    }
    BeforeEach {
        Enter-NewFolder | Out-Null
        New-SampleDatabase ./pats.db
        Remove-Item Env:DBBACKUP_IDENTITY -ErrorAction Ignore
        $key = New-DbBackupKey ./my.key
    }
    AfterEach {
        Remove-Item Env:DBBACKUP_IDENTITY -ErrorAction Ignore
        Set-Location $RepositoryRoot
    }

    It 'makes a key, and never overwrites one' {
        $key.Recipient | Should -BeLike 'age1*'
        "$key" | Should -Be $key.Recipient
        Get-Content ./my.key -Raw | Should -BeLike "*$($key.Recipient)*AGE-SECRET-KEY-1*"
        $before = (Get-FileHash ./my.key).Hash
        Should-BeFailure (Get-ErrorOf { New-DbBackupKey ./my.key }) DestinationExists New-DbBackupKey ResourceExists
        (Get-FileHash ./my.key).Hash | Should -Be $before
        New-DbBackupKey ./other.key -WhatIf
        './other.key' | Should -Not -Exist
    }

    It 'backs up with the public key alone, and lists, tests checksums, copies and removes without another' {
        $backup = New-DbBackup ./pats.db -Name first -Recipient $key -Verify
        $backup.Status | Should -Be Matched
        $backup.IsEncrypted | Should -BeTrue
        Get-DbBackup first | Out-String | Should -Match 'Matched, encrypted'
        (Get-DbBackup first).Manifest.IsSealed | Should -BeTrue
        (Test-DbBackup first -Level Checksum).Passed | Should -BeTrue
        (Copy-DbBackup first -Destination ./copies -PassThru).IsEncrypted | Should -BeTrue
        Export-DbBackup first ./first.tar -Format Tar
        (Import-DbBackup ./first.tar -Repository ./third).IsEncrypted | Should -BeTrue
        New-DbBackup ./pats.db -Name second -Recipient $key | Out-Null
        Remove-DbBackup first -Confirm:$false
        (Get-DbBackup).Name | Should -Be second
    }

    It 'says who can open it where a key is missing or wrong, and changes nothing' {
        New-DbBackup ./pats.db -Name first -Recipient $key | Out-Null
        $before = (Get-FileHash ./pats.db).Hash
        $record = Get-ErrorOf { Restore-DbBackup first -Confirm:$false }
        Should-BeFailure $record BackupEncrypted Restore PermissionDenied
        "$record" | Should -BeLike "*$($key.Recipient)*"
        $record.ErrorDetails.RecommendedAction | Should -BeLike '*-Identity*'
        New-DbBackupKey ./other.key | Out-Null
        Should-BeFailure (Get-ErrorOf { Restore-DbBackup first -Identity ./other.key -Confirm:$false }) KeyMismatch Restore PermissionDenied
        Should-BeFailure (Get-ErrorOf { Test-DbBackup first -Level Restore }) BackupEncrypted Test PermissionDenied
        Should-BeFailure (Get-ErrorOf { Export-DbBackup first ./out.db }) BackupEncrypted Export PermissionDenied
        Should-BeFailure (Get-ErrorOf { Compare-DbBackup first }) BackupEncrypted Compare PermissionDenied
        Should-BeFailure (Get-ErrorOf { Restore-DbBackup first -Identity ./nowhere.key -Confirm:$false }) KeyInvalid Restore ReadError
        './out.db' | Should -Not -Exist
        (Get-FileHash ./pats.db).Hash | Should -Be $before
    }

    It 'opens with a file, a text, a secret, and the variable' {
        New-DbBackup ./pats.db -Name first -Recipient $key | Out-Null
        (Test-DbBackup first -Level Restore -Identity ./my.key).Status | Should -Be Matched
        (Test-DbBackup first -Level Restore -Identity $key).Status | Should -Be Matched
        $text = (Get-Content ./my.key)[-1]
        (Test-DbBackup first -Level Restore -Identity (ConvertTo-Secret $text)).Status | Should -Be Matched
        (Get-DbBackup first -Identity ./my.key).Manifest.Payloads[0].Fingerprint.Tables.Name | Should -Contain documents
        $env:DBBACKUP_IDENTITY = (Resolve-Path ./my.key).Path
        (Test-DbBackup first -Level Restore).Status | Should -Be Matched
        Export-DbBackup first ./out.db
        (Compare-DbBackup first -IncludeEqual).Change | Select-Object -Unique | Should -Not -Contain Added
        Restore-DbBackup first -Confirm:$false
        Undo-DbRestore -Source pats -Confirm:$false
        (Get-DbBackup -Reason Safety).IsEncrypted | Should -Not -Contain $false
    }

    It 'takes a passphrase in place of keys, and says when it is wrong' {
        New-DbBackup ./pats.db -Name first -Passphrase (ConvertTo-Secret 'correct horse') | Out-Null
        (Test-DbBackup first -Level Restore -Passphrase (ConvertTo-Secret 'correct horse')).Status | Should -Be Matched
        $record = Get-ErrorOf { Test-DbBackup first -Level Restore -Passphrase (ConvertTo-Secret 'wrong') }
        Should-BeFailure $record KeyMismatch Test PermissionDenied
        "$record" | Should -BeLike '*passphrase does not open*'
        Should-BeFailure (Get-ErrorOf { New-DbBackup ./pats.db -Recipient $key -Passphrase (ConvertTo-Secret 'x') }) InvalidArgument New InvalidArgument
    }

    It 'changes recipients, and no payload' {
        New-DbBackup ./pats.db -Name first -Recipient $key | Out-Null
        $payload = (Get-FileHash ./backups/pats/first/pats.db.*).Hash
        $other = New-DbBackupKey ./other.key
        Should-BeFailure (Get-ErrorOf { Set-DbBackupRecipient first -Recipient $other }) BackupEncrypted Set-DbBackupRecipient PermissionDenied
        (Set-DbBackupRecipient first -Recipient $other -Identity ./my.key -PassThru).Name | Should -Be first
        (Test-DbBackup first -Level Restore -Identity ./other.key).Status | Should -Be Matched
        Should-BeFailure (Get-ErrorOf { Test-DbBackup first -Level Restore -Identity ./my.key }) KeyMismatch Test PermissionDenied
        Set-DbBackupRecipient first -NewPassphrase (ConvertTo-Secret 'correct horse') -Identity ./other.key
        (Test-DbBackup first -Level Restore -Passphrase (ConvertTo-Secret 'correct horse')).Status | Should -Be Matched
        (Get-FileHash ./backups/pats/first/pats.db.*).Hash | Should -Be $payload
        New-DbBackup ./pats.db -Name plain | Out-Null
        Should-BeFailure (Get-ErrorOf { Set-DbBackupRecipient plain -Recipient $other -Identity ./my.key }) InvalidArgument Set-DbBackupRecipient InvalidArgument
    }

    It 'refuses what is no recipient, and repeats no secret key' {
        $secret = (Get-Content ./my.key)[-1]
        $record = Get-ErrorOf { New-DbBackup ./pats.db -Recipient $secret }
        Should-BeFailure $record KeyInvalid New InvalidArgument
        "$record $($record.ErrorDetails.RecommendedAction)" | Should -Not -BeLike "*$($secret.Substring(20, 20))*"
        Get-DbBackup -ErrorAction Ignore | Should -BeNullOrEmpty
    }

    It 'stands in a plan, with a reference in place of the passphrase' {
        $env:DBBACKUP_TEST_PASSPHRASE = 'correct horse'
        $env:DBBACKUP_PLANS = (New-Item ./plans -ItemType Directory).FullName
        try {
            Register-DbBackupPlan nightly -Backup @{ Path = './pats.db'; Passphrase = 'env:DBBACKUP_TEST_PASSPHRASE' } -Repository ./backups | Out-Null
            Get-Content ./plans/nightly.json -Raw | Should -Not -BeLike '*correct horse*'
            Invoke-DbBackupPlan nightly | Out-Null
            (Get-DbBackup).IsEncrypted | Should -BeTrue
            (Get-DbBackup | Test-DbBackup -Level Restore -Passphrase (ConvertTo-Secret 'correct horse')).Status | Should -Be Matched
            Should-BeFailure (Get-ErrorOf { Register-DbBackupPlan other -Backup @{ Path = './pats.db'; Passphrase = 'correct horse' } -Repository ./backups }) SecretInPlan Register-DbBackupPlan InvalidArgument
        }
        finally {
            Remove-Item Env:DBBACKUP_TEST_PASSPHRASE, Env:DBBACKUP_PLANS -ErrorAction Ignore
        }
    }
}
