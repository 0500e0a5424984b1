Describe 'A repository in a bucket' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        $script:Server = $null
        if (-not $env:DBBACKUP_TEST_S3RVER) {
            if ($env:CI -eq 'true') { throw 'DBBACKUP_TEST_S3RVER does not name the folder of s3rver (tests/environment/prepare.sh).' }
            return
        }
        Enter-NewFolder | Out-Null
        $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $listener.Start(); $script:Port = $listener.LocalEndpoint.Port; $listener.Stop()
        $null = New-Item -ItemType Directory ./data/shop
        # It hides its continuation tokens by DES, which OpenSSL 3 has with its old ciphers alone: else each listing of several pages fails.
        $script:Server = Start-Process node -PassThru -RedirectStandardOutput ./server.out -RedirectStandardError ./server.err -ArgumentList @(
            '--openssl-legacy-provider', "$env:DBBACKUP_TEST_S3RVER/node_modules/s3rver/bin/s3rver.js", '-d', "$PWD/data", '-a', '127.0.0.1', '-p', $Port, '--silent')
        foreach ($try in 1..300) {
            try { [Net.Sockets.TcpClient]::new('127.0.0.1', $Port).Dispose(); break } catch { Start-Sleep -Milliseconds 100 }
        }
        $script:Credential = [pscredential]::new('S3RVER', (ConvertTo-SecureString 'S3RVER' -AsPlainText -Force))
    }
    BeforeEach {
        if (-not $Server) { Set-ItResult -Skipped -Because 's3rver is not installed' }
        Enter-NewFolder | Out-Null
        New-SampleDatabase ./pats.db
    }
    AfterEach { Set-Location $RepositoryRoot }
    AfterAll { if ($Server) { $Server.Kill() } }

    It 'says what may be done there, and gives the location to use' {
        $place = Connect-DbBackupRepository s3://shop/one -Endpoint "http://127.0.0.1:$Port" -Credential $Credential
        $place | Should -BeOfType DbBackup.RepositoryInfo
        $place.Kind | Should -Be s3
        $place.CanWrite | Should -BeTrue
        $place.CanDelete | Should -BeTrue
        $place.HasConditionalWrites | Should -BeFalse
        $place.Id | Should -BeNullOrEmpty
        $place.Repository | Should -BeLike 's3://shop/one?endpoint=*'
        $place.Repository | Should -Not -Match S3RVER
    }

    It 'makes, lists, tests, restores, copies, exports and removes backups there' {
        $bucket = (Connect-DbBackupRepository s3://shop/two -Endpoint "http://127.0.0.1:$Port" -Credential $Credential).Repository
        $backup = New-DbBackup ./pats.db -Name first -Repository $bucket
        $backup.Location | Should -Be 's3://shop/two/pats/first'
        $backup.PSPath | Should -BeNullOrEmpty
        (Get-DbBackup -Repository $bucket).Name | Should -Be first
        ($backup | Test-DbBackup -Level Restore).Passed | Should -BeTrue
        'delete from documents;' | sqlite3 ./pats.db
        $backup | Restore-DbBackup -Confirm:$false -Force | Out-Null
        'select count(*) from documents;' | sqlite3 ./pats.db | Should -Be 25
        (Get-DbBackup first -Repository $bucket | Copy-DbBackup -Destination ./local -Throttle 100MB -PassThru).Name | Should -Be first
        $null = New-DbBackup ./pats.db -Name second -Repository ./local
        (Get-DbBackup second -Repository ./local | Copy-DbBackup -Destination $bucket -PassThru).Location | Should -Be 's3://shop/two/pats/second'
        $null = New-Item -ItemType Directory out
        $backup | Export-DbBackup -Destination ./out
        Get-ChildItem ./out | Should -Not -BeNullOrEmpty
        Get-DbBackup first -Repository $bucket | Remove-DbBackup -Confirm:$false
        (Get-DbBackup -Repository $bucket).Name | Should -Not -Contain first
        (Get-DbBackupStatus -Repository $bucket).Source | Should -Be pats
        (TabExpansion2 "Get-DbBackup -Repository '$bucket' -Name sec").CompletionMatches.CompletionText | Should -Be second
    }

    It 'keeps the copies of a plan at each place by the policy of that place, and touches nothing else there' {
        $bucket = (Connect-DbBackupRepository s3://shop/copies -Endpoint "http://127.0.0.1:$Port" -Credential $Credential).Repository
        New-SampleDatabase ./crm.db
        # Of another user of the bucket, with more than the plan's policy keeps.
        foreach ($i in 1..4) { New-DbBackup ./crm.db -Repository $bucket -Reason Scheduled | Out-Null }
        $env:DBBACKUP_PLANS = "$PWD/plans"
        try {
            Register-DbBackupPlan nightly -Backup @{ Path = './pats.db'; Method = 'Full' } -Repository ./repo -Retention 'last=4' -CopyTo @{ Repository = './usb'; Retention = 'last=2' }, @{ repository = $bucket; retention = 'last=3' }, ./archive | Out-Null
            "$((Get-DbBackupPlan nightly).CopyTo.Retention)".Trim() | Should -Be 'last=2 last=3'
            $runs = foreach ($i in 1..5) { Invoke-DbBackupPlan nightly }
            $runs.State | Should -Be (, 'Succeeded' * 5)
            $runs[-1].Steps.Name | Should -Be Backup, Retention, Copy, Copy, Copy, Retention, Retention
            $made = @($runs.Backups.Name)
            (Get-DbBackup -Repository ./repo -Source pats).Name | Should -Be $made[4..1]
            (Get-DbBackup -Repository ./usb).Name | Should -Be $made[4..3]
            (Get-DbBackup -Repository $bucket -Source pats).Name | Should -Be $made[4..2]
            (Get-DbBackup -Repository ./archive).Name | Should -Be $made[4..0]
            Get-DbBackup -Repository $bucket -Source crm | Should -HaveCount 4
            $runs[-1].Removed | Should -HaveCount 1
            Get-DbBackup -Repository $bucket -Source pats -Latest | Test-DbBackup -Level Restore | ForEach-Object Passed | Should -BeTrue
        } finally { Remove-Item Env:DBBACKUP_PLANS }
    }

    It 'keeps at each place the full backup that the kept incremental backups need, and no other' {
        $bucket = (Connect-DbBackupRepository s3://shop/differences -Endpoint "http://127.0.0.1:$Port" -Credential $Credential).Repository
        $env:DBBACKUP_PLANS = "$PWD/plans-of-differences"
        try {
            Register-DbBackupPlan nightly -Backup @{ Path = './pats.db' } -Repository ./differences -Retention 'last=2' -CopyTo @{ Repository = $bucket; Retention = 'last=1' } | Out-Null
            $runs = foreach ($i in 1..4) { Invoke-DbBackupPlan nightly }
            $runs.State | Should -Be (, 'Succeeded' * 4)
            $made = @($runs.Backups.Name)
            (Get-DbBackup -Repository ./differences).Method | Should -Be Incremental, Incremental, Full
            (Get-DbBackup -Repository ./differences).Name | Should -Be $made[3], $made[2], $made[0]
            (Get-DbBackup -Repository $bucket).Name | Should -Be $made[3], $made[0]
            Get-DbBackup -Repository $bucket -Latest | Test-DbBackup -Level Restore | ForEach-Object Passed | Should -BeTrue
        } finally { Remove-Item Env:DBBACKUP_PLANS }
    }

    It 'refuses a wrong login without showing it' {
        $record = Get-ErrorOf { Connect-DbBackupRepository s3://shop/one -Endpoint "http://127.0.0.1:$Port" -Credential ([pscredential]::new('WRONG', (ConvertTo-SecureString 'wrong-secret' -AsPlainText -Force))) }
        $record.FullyQualifiedErrorId | Should -BeLike 'AuthenticationFailed*'
        "$record" | Should -Not -Match 'wrong-secret'
    }

    It 'refuses options for a folder, and a login in a location' {
        (Get-ErrorOf { Connect-DbBackupRepository ./x -Region eu }).FullyQualifiedErrorId | Should -BeLike 'InvalidArgument*'
        (Get-ErrorOf { Get-DbBackup -Repository s3://id:secretsecret@shop/one }).Exception.Message | Should -Not -Match secretsecret
    }
}
