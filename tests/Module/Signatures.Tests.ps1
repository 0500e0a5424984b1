Describe 'Signatures of backups' {
    BeforeAll {
        . $PSScriptRoot/common.ps1

        # Does something as another user, who has a key and a memory of their own.
        function Invoke-AsOther([scriptblock] $Script) {
            $before = $env:XDG_DATA_HOME
            Invoke-FreshShell "`$env:XDG_DATA_HOME = '$folder/other'; Import-Module '$RepositoryRoot/DbBackup.psd1'; Set-Location '$folder'; $Script"
            $env:XDG_DATA_HOME = $before
        }
    }
    BeforeEach {
        if ($IsWindows) { Set-ItResult -Skipped -Because 'Windows has no XDG_DATA_HOME'; return }
        $folder = Enter-NewFolder
        New-SampleDatabase ./pats.db
        New-DbBackup ./pats.db -Name one | Out-Null
        Get-DbBackup | Out-Null
    }
    AfterEach { Set-Location $RepositoryRoot }

    It 'are valid for the user who made them, and name the signer' {
        $backup = Get-DbBackup one
        "$($backup.Signature)" | Should -Be Valid
        $backup.Signer | Should -BeLike "$([Environment]::MachineName) (*)"
        $backup.IsSuspect | Should -BeFalse
        $backup | Out-String | Should -Not -Match signature
        $backup | Format-List | Out-String | Should -Match 'Signature +: Valid'
        $signer = Get-DbBackupSigner
        $signer.Trust | Should -Be Own
        $signer.Sources | Should -Be pats
        $backup.Signer | Should -BeLike "*($($signer.Fingerprint.Substring(0, 16)))"
    }

    It 'of another user are refused until that user is approved' {
        Invoke-AsOther { New-DbBackup ./pats.db -Name foreign | Out-Null } | Out-Null
        $foreign = Get-DbBackup foreign
        "$($foreign.Signature)" | Should -Be UnknownSigner
        $foreign | Out-String | Should -Match 'signature UnknownSigner'
        (Get-DbBackup -Latest).Name | Should -Be one
        $before = (Get-FileHash ./pats.db).Hash
        $record = Get-ErrorOf { Restore-DbBackup foreign -Confirm:$false }
        Should-BeFailure $record SignatureNotValid Restore OperationStopped '*foreign*'
        $record.ErrorDetails.RecommendedAction | Should -BeLike '*Approve-DbBackupSigner*'
        (Get-FileHash ./pats.db).Hash | Should -Be $before

        $unknown = Get-DbBackupSigner | Where-Object Trust -EQ Unknown
        Should-BeFailure (Get-ErrorOf { Approve-DbBackupSigner 1234 }) InvalidArgument Approve-DbBackupSigner InvalidArgument
        Should-BeFailure (Get-ErrorOf { Approve-DbBackupSigner ('0' * 64) }) SignerNotFound Approve-DbBackupSigner ObjectNotFound
        Get-WhatIfText { Approve-DbBackupSigner $unknown.Fingerprint -WhatIf } | Should -Match 'What if: .*Approve'
        "$((Get-DbBackup foreign).Signature)" | Should -Be UnknownSigner
        $unknown | Approve-DbBackupSigner | Should -BeNullOrEmpty
        "$((Get-DbBackup foreign).Signature)" | Should -Be Valid
        (Approve-DbBackupSigner $unknown.Fingerprint.Substring(0, 16) -PassThru).Trust | Should -Be Approved
        Restore-DbBackup foreign -Confirm:$false
    }

    It 'of a signer who was removed are refused again, in sources that are new too' {
        Invoke-AsOther { New-DbBackup ./pats.db -Name foreign | Out-Null } | Out-Null
        $other = Get-DbBackupSigner | Where-Object Trust -EQ Unknown
        $other | Approve-DbBackupSigner
        "$((Get-DbBackup foreign).Signature)" | Should -Be Valid
        Get-WhatIfText { Remove-DbBackupSigner $other.Fingerprint -WhatIf } | Should -Match 'What if: .*Stop trusting'
        "$((Get-DbBackup foreign).Signature)" | Should -Be Valid
        (TabExpansion2 'Remove-DbBackupSigner ' 22).CompletionMatches.CompletionText | Should -Be $other.Fingerprint
        (Remove-DbBackupSigner $other.Fingerprint -PassThru).Trust | Should -Be Unknown
        Should-BeFailure (Get-ErrorOf { Restore-DbBackup foreign -Confirm:$false }) SignatureNotValid Restore OperationStopped '*foreign*'
        Invoke-AsOther { Copy-Item ./pats.db ./more.db; New-DbBackup ./more.db | Out-Null } | Out-Null
        "$((Get-DbBackup -Source more).Signature)" | Should -Be UnknownSigner
        (Get-DbBackupSigner | Where-Object Trust -EQ Unknown).Fingerprint | Should -Be $other.Fingerprint
        Should-BeFailure (Get-ErrorOf { Remove-DbBackupSigner (Get-DbBackupSigner | Where-Object Trust -EQ Own).Fingerprint }) InvalidArgument Remove-DbBackupSigner OperationStopped
        Should-BeFailure (Get-ErrorOf { Remove-DbBackupSigner ('0' * 64) }) SignerNotFound Remove-DbBackupSigner ObjectNotFound
        Approve-DbBackupSigner $other.Fingerprint
        "$((Get-DbBackup -Source more).Signature)" | Should -Be Valid
    }

    It 'tell a changed manifest, which only -Force restores' {
        $file = Join-Path (Get-DbBackup one).Location backup.json
        Set-ItemProperty $file IsReadOnly $false
        $body = (Get-Content $file -Raw) -replace '"host": "', '"host": "x' -replace '(?s)  "sha256".*', ''
        $hash = [Convert]::ToHexString([Security.Cryptography.SHA256]::HashData([Text.Encoding]::UTF8.GetBytes($body))).ToLowerInvariant()
        [IO.File]::WriteAllText($file, "$body  `"sha256`": `"$hash`"`n}`n")
        "$((Get-DbBackup one).Signature)" | Should -Be Changed
        Should-BeFailure (Get-ErrorOf { Restore-DbBackup one -Confirm:$false }) SignatureNotValid Restore OperationStopped
        (Test-DbBackup one -ErrorAction SilentlyContinue).Passed | Should -BeFalse
        Restore-DbBackup one -Destination ./forced.db -Force
        './forced.db' | Should -Exist
    }

    It 'are checked with stock tools, as the documents say' {
        Require-Tool openssl
        $file = Join-Path (Get-DbBackup one).Location backup.json
        bash -c "head -n -3 '$file' > body && sed -n 's/^  \`"signature\`": \`"\(.*\)\`",`$/\1/p' '$file' | base64 -d > signature && (echo '-----BEGIN PUBLIC KEY-----'; sed -n 's/^  \`"signer\`": \`"\(.*\)\`",`$/\1/p' '$file'; echo '-----END PUBLIC KEY-----') > signer.pem"
        openssl pkeyutl -verify -pubin -inkey signer.pem -rawin -in body -sigfile signature | Should -BeLike '*Verified Successfully*'
        $fingerprint = bash -c "sed -n 's/^  \`"signer\`": \`"\(.*\)\`",`$/\1/p' '$file' | base64 -d | sha256sum"
        $fingerprint | Should -BeLike "$((Get-DbBackupSigner).Fingerprint) *"
        (Get-Item body).Length | Should -BeGreaterThan 500
        Add-Content body x
        bash -c 'openssl pkeyutl -verify -pubin -inkey signer.pem -rawin -in body -sigfile signature 2>&1' | Should -Not -BeLike '*Successfully*'
    }

    It 'survive Copy-DbBackup, and an export and import' {
        Copy-DbBackup one -Destination ./second
        "$((Get-DbBackup one -Repository ./second).Signature)" | Should -Be Valid
        Export-DbBackup one -Format Tar -Destination ./one.tar | Out-Null
        Import-DbBackup ./one.tar -Repository ./third -Source pats | Out-Null
        "$((Get-DbBackup one -Repository ./third).Signature)" | Should -Be Valid
        Test-DbBackupRepository -Repository ./third | Should -BeNullOrEmpty
    }
}
