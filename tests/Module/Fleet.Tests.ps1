# Several hosts in one repository: names of their own, one machine that can only read, and the same through PowerShell over ssh.
Describe 'A fleet' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        $script:servers = [Collections.Generic.List[Diagnostics.Process]]::new()
        $script:folder = Enter-NewFolder
        $script:isPossible = $IsLinux -and (Test-Path /usr/sbin/sshd) -and -not ('ssh-keygen', 'ssh', 'unshare' | Where-Object { -not (Get-Command $_ -CommandType Application -ErrorAction Ignore) })

        function Start-Sshd([string] $Name, [string[]] $Subsystems) {
            $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
            $listener.Start()
            $port = $listener.LocalEndpoint.Port
            $listener.Stop()
            "[127.0.0.1]:$port $(Get-Content ./host.pub)" | Add-Content ./known_hosts
            @("Port $port", 'ListenAddress 127.0.0.1', "HostKey $folder/host", "AuthorizedKeysFile $folder/user.pub", 'PidFile none', 'StrictModes no', 'UsePAM no',
                'PasswordAuthentication no', 'PermitRootLogin yes', "SetEnv XDG_DATA_HOME=$folder/remote XDG_CACHE_HOME=$folder/remote") + $Subsystems | Set-Content "./$Name"
            $servers.Add((Start-Process /usr/sbin/sshd '-D', '-e', '-f', "$folder/$Name" -PassThru -RedirectStandardOutput (New-TemporaryFile) -RedirectStandardError (New-TemporaryFile)))
            $until = [datetime]::UtcNow.AddSeconds(60)
            while ($true) {
                try { [Net.Sockets.TcpClient]::new('127.0.0.1', $port).Dispose(); break }
                catch { if ([datetime]::UtcNow -gt $until) { throw 'sshd does not answer.' } else { Start-Sleep -Milliseconds 100 } }
            }
            $port
        }

        # Runs a script in a shell of its own on a host of that name, with the data of a user there; gives its objects.
        function Invoke-AsHost([string] $Name, [string] $Script) {
            $file = Join-Path $folder "$([guid]::NewGuid().ToString('n')).ps1"
            Set-Content -LiteralPath $file @"
`$env:XDG_DATA_HOME = `$env:XDG_CACHE_HOME = '$folder/of-$Name'
`$PSStyle.OutputRendering = 'PlainText'
Import-Module '$ModulePath'
Set-Location '$folder/$Name'
try { & { $Script } 3>`$null | ConvertTo-Json -Depth 3 -WarningAction Ignore } catch { @{ Failed = `$_.FullyQualifiedErrorId; Message = "`$_" } | ConvertTo-Json }
"@
            $shell = @(Get-SameShell) + '-NoProfile', '-NonInteractive', '-File', $file
            $user = (id -u) -eq '0' ? @() : @('--map-root-user')
            $output = unshare @user --uts sh -c 'hostname $1 && shift && exec "$@"' sh $Name @shell 2>&1
            if ($LASTEXITCODE -ne 0) { throw "$Name`: $output" }
            $output | Out-String | ConvertFrom-Json
        }

        if ($isPossible) {
            if ([Environment]::UserName -eq 'root') { New-Item -ItemType Directory -Force /run/sshd | Out-Null }
            foreach ($key in 'host', 'user') { ssh-keygen -q -t ed25519 -N '' -f "$folder/$key" }
            $remote = "Subsystem powershell $((@(Get-SameShell) + '-sshs', '-NoLogo', '-NoProfile') -join ' ')"
            $script:port = Start-Sshd sshd_config 'Subsystem sftp internal-sftp', $remote
            $readOnly = Start-Sshd sshd_config.readonly 'Subsystem sftp internal-sftp -R'
            function Get-Location-Of([int] $Port) { "sftp://$([Environment]::UserName)@127.0.0.1:$Port$folder/store?key=$folder/user&knownHosts=$folder/known_hosts" }
            $script:shared = Get-Location-Of $port
            $script:sharedToRead = Get-Location-Of $readOnly
            foreach ($name in 'web-1', 'web-2', 'desk') {
                New-Folder ./$name | Out-Null
                New-SampleDatabase ./$name/app.db
            }
        }
    }
    BeforeEach {
        if (-not $isPossible) {
            if ($env:CI -eq 'true' -and $IsLinux) { throw 'sshd, ssh and unshare are not all installed.' }
            Set-ItResult -Skipped -Because 'there is no sshd, ssh or unshare'
        }
        Set-Location $folder
    }
    AfterAll {
        Set-Location $RepositoryRoot
        foreach ($server in $servers) { $server.Kill($true) }
    }

    It 'keeps equally named sources of its hosts apart, and is seen whole by a machine that can only read' {
        (Invoke-AsHost web-1 "New-DbBackup ./app.db -Repository '$shared'").Source | Should -Be app
        # The same path on another host is another database.
        $refused = Invoke-AsHost web-2 "New-DbBackup $folder/web-1/app.db -Repository '$shared' -ErrorAction Stop"
        $refused.Failed | Should -BeLike 'SourceNameTaken,*'
        $refused.Message | Should -Match 'on web-1'
        $refused.Message | Should -Match 'on web-2'
        (Invoke-AsHost web-2 "New-DbBackup ./app.db -Source app-2 -Repository '$shared'").Source | Should -Be app-2

        $fleet = Invoke-AsHost desk "Get-DbBackup -Latest -Repository '$sharedToRead'"
        ($fleet | Sort-Object Source).Source | Should -Be app, app-2
        ($fleet | Sort-Object Source).Signer | ForEach-Object { $_.Split(' ')[0] } | Should -Be web-1, web-2
        $fleet.IsGood | Should -Be $true, $true
        $status = Invoke-AsHost desk "Get-DbBackupStatus -Repository '$sharedToRead' -Rpo 26h | Select-Object Source, @{ n = 'Health'; e = { [string] `$_.Health } }"
        ($status | Sort-Object Source).Source | Should -Be app, app-2
        $status.Health | Should -Be OK, OK
        ((Invoke-AsHost desk "Get-DbBackupStatus -Repository '$sharedToRead' -Rpo ([timespan]::FromSeconds(1)) | Select-Object @{ n = 'Health'; e = { [string] `$_.Health } }").Health) | Should -Not -Contain OK
        (Invoke-AsHost desk "Get-DbBackupSigner -Repository '$sharedToRead'").Host | Sort-Object | Should -Be web-1, web-2
        (Invoke-AsHost desk "Get-DbBackup -Source app-2 -Repository '$sharedToRead' | Test-DbBackup -Level Restore").Passed | Should -BeTrue
        (Invoke-AsHost desk "New-DbBackup ./app.db -Source desk -Repository '$sharedToRead' -ErrorAction Stop").Failed | Should -BeLike 'RepositoryNotWritable,*'
        (Get-ChildItem ./store -Directory).Name | Should -Be app, app-2

        # A host's policy decides about its own source.
        1..2 | ForEach-Object { Invoke-AsHost web-2 "New-DbBackup ./app.db -Source app-2 -Repository '$shared'" | Out-Null }
        $kept = Invoke-AsHost web-2 "Invoke-DbBackupRetention -KeepLast 1 -Source app-2 -Repository '$shared' -Confirm:`$false | Select-Object Source, Name, @{ n = 'Action'; e = { [string] `$_.Action } }"
        $kept.Source | Select-Object -Unique | Should -Be app-2
        @($kept | Where-Object Action -EQ Remove) | Should -HaveCount 2
        (Invoke-AsHost desk "Get-DbBackup -Repository '$sharedToRead'").Source | Sort-Object | Should -Be app, app-2
    }

    It 'is asked through PowerShell remoting over ssh, and what comes back prints and compares as it does there' {
        $options = @{ StrictHostKeyChecking = 'yes'; UserKnownHostsFile = "$folder/known_hosts" }
        $session = New-PSSession -HostName 127.0.0.1 -Port $port -UserName ([Environment]::UserName) -KeyFilePath "$folder/user" -Options $options
        try {
            Invoke-Command -Session $session {
                Import-Module $using:ModulePath
                Set-Location $using:folder/web-1
                $PSStyle.OutputRendering = 'PlainText'
                New-DbBackup ./app.db -Repository ./backups -Name one -Verify | Out-Null
                New-DbBackup ./app.db -Repository ./backups -Name two | Out-Null
            }
            $there = Invoke-Command -Session $session { Get-DbBackup -Repository ./backups | Out-String }
            $backups = Invoke-Command -Session $session { Get-DbBackup -Repository ./backups }
            $backups.Name | Sort-Object | Should -Be one, two
            $backups[0].PSObject.TypeNames[0] | Should -Be Deserialized.DbBackup.Backup
            $backups.PSComputerName | Select-Object -Unique | Should -Be 127.0.0.1
            foreach ($name in 'one', 'two') { $there | Should -Match "(?m)^$name +app +Manual"; $backups | Out-String | Should -Match "(?m)^$name +app +Manual" }
            ($backups | Where-Object Status -GE Matched).Name | Should -Be one
            "$($backups.Status | Sort-Object)" | Should -Be 'Written Matched'
            "$($backups.Signature)" | Should -Be 'Valid Valid'
            $backups | Out-String | Should -Match '(?m)^one .* Matched +127'
            # An age is compared there, or says that it cannot be here.
            (Invoke-Command -Session $session { Get-DbBackup -Repository ./backups | Where-Object Age -LT 7d }) | Should -HaveCount 2
            $backups | Where-Object Age -GT 7d -ErrorVariable records -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
            $records | Should -HaveCount 2
            ($backups | Measure-Object Size -Sum).Sum | Should -BeGreaterThan 0
            # They name a place that this machine happens to have, so they can go on through the pipeline.
            ($backups | Where-Object Name -EQ one | Test-DbBackup -Level Restore).Passed | Should -BeTrue

            $status = Invoke-Command -Session $session { Get-DbBackupStatus -Repository ./backups -Rpo 26h }
            $status.PSObject.TypeNames[0] | Should -Be Deserialized.DbBackup.SourceStatus
            "$($status.Health)" | Should -Be OK
            $status | Out-String | Should -Match '(?m)^OK +app'
            $late = Invoke-Command -Session $session { Get-DbBackupStatus -Repository ./backups -Rpo ([timespan]::FromSeconds(1)) }
            "$($late.Health)" | Should -Be Critical
            $late | Out-String | Should -Match '(?m)^Critical +app'
            $late | Where-Object Health -GE Warning | Should -Not -BeNullOrEmpty
            "$($late.Reasons)" | Should -Match '\S'

            $failure = Get-ErrorOf { Invoke-Command -Session $session { Get-DbBackup none -Repository ./backups } }
            $failure.FullyQualifiedErrorId | Should -Be 'BackupNotFound,DbBackup.PowerShell.Commands.GetDbBackupCommand'
            "$failure" | Should -Match none
        }
        finally { Remove-PSSession $session }
    }
}
