# Repositories off site, through the cmdlets: an OpenSSH server on the loopback, Azurite, and remotes of rclone.
Describe 'Repositories on <kind>' -ForEach @(
    @{ Kind = 'sftp' }
    @{ Kind = 'azblob' }
    @{ Kind = 'rclone' }
) {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        $script:servers = [Collections.Generic.List[Diagnostics.Process]]::new()
        function Get-FreePort {
            $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
            $listener.Start()
            $listener.LocalEndpoint.Port
            $listener.Stop()
        }
        function Start-Server([string] $Program, [string[]] $Arguments, [int] $Port) {
            $servers.Add((Start-Process $Program $Arguments -PassThru -RedirectStandardOutput (New-TemporaryFile) -RedirectStandardError (New-TemporaryFile)))
            $until = [datetime]::UtcNow.AddSeconds(60)
            while ($true) {
                try { [Net.Sockets.TcpClient]::new('127.0.0.1', $Port).Dispose(); return }
                catch { if ([datetime]::UtcNow -gt $until) { throw "$Program does not answer." } else { Start-Sleep -Milliseconds 100 } }
            }
        }

        # The location of a new repository; null where the machine lacks what it needs.
        function Start-Sftp {
            if (-not (Test-Path /usr/sbin/sshd)) { return }
            $port = Get-FreePort
            foreach ($key in 'host', 'user') { ssh-keygen -q -t ed25519 -N '' -f "$PWD/$key" }
            "[127.0.0.1]:$port $(Get-Content ./host.pub)" | Set-Content ./known_hosts
            @("Port $port", 'ListenAddress 127.0.0.1', "HostKey $PWD/host", "AuthorizedKeysFile $PWD/user.pub", 'PidFile none', 'StrictModes no', 'UsePAM no',
                'PasswordAuthentication no', 'PermitRootLogin yes', 'Subsystem sftp internal-sftp') | Set-Content ./sshd_config
            if ([Environment]::UserName -eq 'root') { New-Item -ItemType Directory -Force /run/sshd | Out-Null }
            Start-Server /usr/sbin/sshd '-D', '-e', '-f', "$PWD/sshd_config" $port
            "sftp://$([Environment]::UserName)@127.0.0.1:$port$PWD/store?key=$PWD/user&knownHosts=$PWD/known_hosts"
        }
        function Start-Azure {
            $program = $env:DBBACKUP_TEST_AZURITE ? $env:DBBACKUP_TEST_AZURITE : (Get-Command azurite-blob -ErrorAction Ignore).Source
            if (-not $program) { return }
            $port = Get-FreePort
            $env:AZURE_STORAGE_KEY = [Convert]::ToBase64String([Security.Cryptography.RandomNumberGenerator]::GetBytes(64))
            $env:AZURITE_ACCOUNTS = "fleet:$env:AZURE_STORAGE_KEY"
            Start-Server $program '--blobPort', $port, '--location', "$PWD/azurite", '--silent', '--disableTelemetry' $port
            # Containers are made by their owner, not by a backup.
            $date = [datetime]::UtcNow.ToString('R')
            $text = "PUT`n`n`n`n`n`n`n`n`n`n`n`nx-ms-date:$date`nx-ms-version:2021-08-06`n/fleet/fleet/backups`nrestype:container"
            $hash = [Security.Cryptography.HMACSHA256]::HashData([Convert]::FromBase64String($env:AZURE_STORAGE_KEY), [Text.Encoding]::UTF8.GetBytes($text))
            $headers = @{ 'x-ms-date' = $date; 'x-ms-version' = '2021-08-06'; Authorization = "SharedKey fleet:$([Convert]::ToBase64String($hash))" }
            Invoke-RestMethod "http://127.0.0.1:$port/fleet/backups?restype=container" -Method Put -Headers $headers | Out-Null
            "azblob://fleet/backups/prefix?endpoint=http://127.0.0.1:$port/fleet"
        }
        function Start-Rclone {
            if (-not (Get-Command rclone -CommandType Application -ErrorAction Ignore)) { return }
            New-Item -ItemType Directory ./data | Out-Null
            @('[store]', 'type = alias', "remote = $PWD/data", '[sealed]', 'type = crypt', 'remote = store:sealed', "password = $(rclone obscure 'a password')") | Set-Content ./rclone.conf
            $env:RCLONE_CONFIG = "$PWD/rclone.conf"
            # This user remembers what was at a place: each run has a place of its own.
            "rclone:sealed:backups-$(New-Guid)"
        }
        Enter-NewFolder | Out-Null
        $script:location = switch ($kind) { sftp { Start-Sftp } azblob { Start-Azure } rclone { Start-Rclone } }
        New-SampleDatabase ./app.db
    }
    AfterAll {
        Set-Location $RepositoryRoot
        foreach ($server in $servers) { $server.Kill($true) }
        Remove-Item Env:AZURE_STORAGE_KEY, Env:AZURITE_ACCOUNTS, Env:RCLONE_CONFIG -ErrorAction Ignore
    }

    It 'are made, listed, tested, restored from and removed from' {
        if (-not $location) {
            if ($env:CI -eq 'true') { throw "There is no server of $kind." }
            Set-ItResult -Skipped -Because "there is no server of $kind"
        }
        $backup = New-DbBackup ./app.db -Repository $location -Name first -Verify
        $backup.Status | Should -Be Matched
        $listed = Get-DbBackup -Repository $location
        $listed.Name | Should -Be first
        $listed.Location | Should -Match "^$($kind):.*app/first"
        (Test-DbBackup first -Repository $location -Level Restore).Status | Should -Be Matched

        $before = sqlite3 ./app.db .dump
        sqlite3 ./app.db 'delete from documents'
        Restore-DbBackup first -Repository $location -Confirm:$false | Out-Null
        sqlite3 ./app.db .dump | Should -Be $before
        # The safety backup is there too.
        @(Get-DbBackup -Repository $location).Count | Should -Be 2

        New-DbBackup ./app.db -Repository $location -Name second | Out-Null
        Remove-DbBackup first -Repository $location -Confirm:$false
        (Get-DbBackup -Repository $location).Name | Should -Not -Contain first
        Copy-DbBackup second -Repository $location -Destination ./local | Out-Null
        (Test-DbBackup second -Repository ./local -Level Restore).Status | Should -Be Matched
    }
}
