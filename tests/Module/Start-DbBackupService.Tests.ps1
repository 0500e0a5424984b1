Describe 'Start-DbBackupService' {
    BeforeAll {
        . $PSScriptRoot/common.ps1

        function Get-FreePort {
            $listener = [Net.Sockets.TcpListener]::new([ipaddress]::Loopback, 0)
            $listener.Start()
            $listener.LocalEndpoint.Port
            $listener.Stop()
        }

        # A service in a shell of its own, on the plans of ./plans; gives its process and port.
        function Start-TestService {
            $port = Get-FreePort
            $start = [Diagnostics.ProcessStartInfo]::new()
            $start.FileName, [string[]] $before = Get-SameShell
            foreach ($argument in $before + @('-NoProfile', '-NonInteractive', '-Command', "Import-Module '$ModulePath'; Start-DbBackupService '$PWD/plans' -Port $port")) { $start.ArgumentList.Add($argument) }
            $start.RedirectStandardOutput = $true
            $process = [Diagnostics.Process]::Start($start)
            [pscustomobject]@{ Process = $process; Port = $port; Output = $process.StandardOutput.ReadToEndAsync() }
        }

        function Get-Health($Service) { Invoke-WebRequest "http://127.0.0.1:$($Service.Port)/health" -SkipHttpErrorCheck }

        # Waits for what a script says; the last answer of /health is $health in it.
        function Wait-Health($Service, [scriptblock] $Until, [int] $Seconds = 60) {
            $limit = [datetime]::UtcNow.AddSeconds($Seconds)
            do {
                Start-Sleep -Milliseconds 200
                try { $answer = Get-Health $Service } catch { continue }
                $health = $answer.Content | ConvertFrom-Json
                if (& $Until) { return $answer }
            } while ([datetime]::UtcNow -lt $limit)
            throw "The service did not come so far: $($answer.StatusCode) $($answer.Content)"
        }

        function Stop-TestService($Service) {
            if (-not $Service.Process.HasExited) { $Service.Process.Kill($true) }
            $Service.Process.WaitForExit()
        }

        function Write-Plan([string] $Name, [string] $Database, [string] $Schedule = '0 0 1 1 *', [string] $Extra = '') {
            # A time that was missed: the plan is two years old.
            Set-Content "./plans/$Name.json" "{ `"backup`": { `"Path`": `"$($Database.Replace('\', '/'))`" }, `"repository`": `"$("$PWD/backups".Replace('\', '/'))`", `"schedule`": `"$Schedule`" $Extra }"
            (Get-Item "./plans/$Name.json").LastWriteTimeUtc = [datetime]::UtcNow.AddYears(-2)
        }
    }
    BeforeEach {
        $folder = Enter-NewFolder
        New-Folder ./plans | Out-Null
        if (-not $IsWindows) { chmod 700 ./plans }
        New-SampleDatabase ./pats.db
        $service = $null
    }
    AfterEach {
        if ($service) { Stop-TestService $service }
        Set-Location $RepositoryRoot
    }

    It 'runs what was missed, answers /health and /metrics, turns with a failed run and back, and reads plans again' {
        Write-Plan nightly "$PWD/pats.db"
        $service = Start-TestService
        $answer = Wait-Health $service { $health.plans[0].lastState -eq 'Succeeded' }
        $answer.StatusCode | Should -Be 200
        (Get-DbBackup -Repository ./backups).Source | Should -Be pats
        Invoke-RestMethod "http://127.0.0.1:$($service.Port)/metrics" | Should -Match '(?m)^dbbackup_plan_last_run_success\{plan="nightly"\} 1$'

        Write-Plan broken "$PWD/missing.db"
        $answer = Wait-Health $service { $health.status -eq 'failing' -and @($health.plans | Where-Object name -eq broken).lastState -eq 'Failed' }
        $answer.StatusCode | Should -Be 503
        (($answer.Content | ConvertFrom-Json).plans | Where-Object name -eq broken).problem | Should -Match 'missing\.db'
        Invoke-RestMethod "http://127.0.0.1:$($service.Port)/metrics" | Should -Match '(?m)^dbbackup_plan_healthy\{plan="broken"\} 0$'

        Remove-Item ./plans/broken.json
        (Wait-Health $service { $health.status -eq 'ok' }).StatusCode | Should -Be 200

        Set-Content ./plans/other.json '{ "backup": '
        (Wait-Health $service { $health.status -eq 'failing' }).Content | Should -Match 'other'
    }

    It 'is not healthy with nothing to do, and answers what it is not asked for' {
        $service = Start-TestService
        (Wait-Health $service { $true }).StatusCode | Should -Be 503
        (Get-Health $service).Content | Should -Match 'no plan'
        (Invoke-WebRequest "http://127.0.0.1:$($service.Port)/else" -SkipHttpErrorCheck).StatusCode | Should -Be 404
        (Invoke-WebRequest "http://127.0.0.1:$($service.Port)/health" -Method Post -SkipHttpErrorCheck).StatusCode | Should -Be 405
        (Invoke-WebRequest "http://127.0.0.1:$($service.Port)/health" -Method Head -SkipHttpErrorCheck).StatusCode | Should -Be 503
    }

    It 'stops on SIGTERM, and the run that is at work with it, which leaves no half backup' {
        Skip-OnWindows
        $marker = "$PWD/begun"
        Write-Plan slow "$PWD/pats.db" -Extra ", `"beforeCommand`": `"touch '$marker'; sleep 100`""
        $service = Start-TestService
        $limit = [datetime]::UtcNow.AddSeconds(60)
        while (-not (Test-Path $marker) -and [datetime]::UtcNow -lt $limit) { Start-Sleep -Milliseconds 100 }
        Test-Path $marker | Should -BeTrue
        kill -TERM $service.Process.Id
        $service.Process.WaitForExit(30000) | Should -BeTrue
        $service.Process.ExitCode | Should -Be 0
        $service.Output.Result | Should -Match 'it stops slow and waits'
        $env:DBBACKUP_PLANS = "$PWD/plans"
        try { (Get-DbBackupRun slow).State | Should -Be Stopped } finally { Remove-Item Env:DBBACKUP_PLANS }
        Test-Path ./backups/pats/*/backup.json | Should -BeFalse
    }

    It 'outlives a run that is killed, and is not healthy' {
        Skip-OnWindows
        Write-Plan killed "$PWD/pats.db" -Extra ', "beforeCommand": "kill -KILL $PPID; sleep 100"'
        $service = Start-TestService
        $answer = Wait-Health $service { $health.plans[0].lastState -eq 'Interrupted' }
        $answer.StatusCode | Should -Be 503
        $service.Process.HasExited | Should -BeFalse
    }

    It 'says that a port is taken and a folder is missing' {
        $listener = [Net.Sockets.TcpListener]::new([ipaddress]::Loopback, 0)
        $listener.Start()
        try { (Get-ErrorOf { Start-DbBackupService ./plans -Port $listener.LocalEndpoint.Port }).FullyQualifiedErrorId | Should -BeLike 'InvalidArgument,*' }
        finally { $listener.Stop() }
        (Get-ErrorOf { Start-DbBackupService ./nowhere }).FullyQualifiedErrorId | Should -BeLike 'PlanNotFound,*'
    }
}
