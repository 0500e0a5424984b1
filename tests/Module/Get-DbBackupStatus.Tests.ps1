Describe 'Get-DbBackupStatus' {
    BeforeAll {
        . $PSScriptRoot/common.ps1

        # A plan's file as a person writes it.
        function New-PlanFile([string] $Name, [hashtable] $Plan) {
            $path = "$env:DBBACKUP_PLANS/$Name.json"
            ConvertTo-Json -Depth 5 $Plan | Set-Content -LiteralPath $path
            if (-not $IsWindows) { chmod 700 $env:DBBACKUP_PLANS; chmod 600 $path }
            $path
        }
    }
    BeforeEach {
        $folder = Enter-NewFolder
        $env:DBBACKUP_PLANS = New-Folder ./plans
        New-SampleDatabase ./pats.db
    }
    AfterEach {
        Set-Location $RepositoryRoot
        Remove-Item Env:DBBACKUP_PLANS
    }

    It 'shows a source of no plan, with its figures' {
        foreach ($days in 3, 2, 1) { Set-BackupDate (New-DbBackup ./pats.db -Name "b$days") ([datetimeoffset]::Now.AddDays(-$days)) }
        Test-DbBackup b1 -Level Restore | Out-Null
        $status = Get-DbBackupStatus
        $status | Should -HaveCount 1
        $status.Source | Should -Be pats
        "$($status.Health)" | Should -Be OK
        $status.Latest | Should -Be pats/b1
        $status.Age -gt '23h' | Should -BeTrue
        $status.Count | Should -Be 3
        $status.Size | Should -Be ((Get-DbBackup).Size | Measure-Object -Sum).Sum
        $status.LastRestoreTestPassed | Should -BeTrue
        ($status.Classes | Measure-Object Count -Sum).Sum | Should -Be 3
        $status.FreeSpace | Should -BeGreaterThan 0
    }

    It 'compares the newest good backup with -Rpo, and fails with -FailOnCritical after it has shown everything' {
        Set-BackupDate (New-DbBackup ./pats.db -Name old) ([datetimeoffset]::Now.AddHours(-27))
        "$((Get-DbBackupStatus -Rpo 28h).Health)" | Should -Be OK
        $status = Get-DbBackupStatus -Rpo 26h
        "$($status.Health)" | Should -Be Critical
        $status.Reasons.Code | Should -Be BackupTooOld
        $status.Reasons.Text | Should -BeLike "The newest good backup, 'old', is 27 h old*"
        $shown = [Collections.Generic.List[object]]::new()
        $record = try { Get-DbBackupStatus -Rpo 26h -FailOnCritical | ForEach-Object { $shown.Add($_) } } catch { $_ }
        $shown | Should -HaveCount 1
        $record.FullyQualifiedErrorId | Should -Be 'StatusCritical,DbBackup.PowerShell.Commands.GetDbBackupStatusCommand'
        $record.ErrorDetails.RecommendedAction | Should -Match '^\S.*\.$'
        Get-DbBackupStatus -Rpo 28h -FailOnCritical | Should -HaveCount 1
        { Get-DbBackupStatus -Rpo 26 } | Should -Throw '*26 of what?*'
    }

    It 'tells by the exit code of pwsh -Command' {
        Set-BackupDate (New-DbBackup ./pats.db -Name old) ([datetimeoffset]::Now.AddHours(-27))
        foreach ($case in @('28h', 0), @('26h', 1)) {
            Invoke-SameShell -NoProfile -NonInteractive -Command "Import-Module '$ModulePath'; Set-Location '$folder'; Get-DbBackupStatus -Rpo $($case[0]) -FailOnCritical" *> $null
            $LASTEXITCODE | Should -Be $case[1]
        }
    }

    It 'lists what a plan names and has no backup: pending at first, critical when its time is over' {
        $path = New-PlanFile nightly @{ backup = @{ Path = "$folder/pats.db"; Source = 'pats' }; repository = "$folder/backups"; rpo = '2d' }
        $status = Get-DbBackupStatus
        $status | Should -HaveCount 1
        $status.Plan | Should -Be nightly
        "$($status.Health) $($status.Reasons.Code)" | Should -Be 'OK FirstRunPending'
        (Get-Item $path).LastWriteTime = (Get-Date).AddDays(-3)
        $status = Get-DbBackupStatus -Plan night*
        "$($status.Health) $($status.Reasons.Code)" | Should -Be 'Critical NoBackup'
        New-DbBackup ./pats.db -Source pats | Out-Null
        "$((Get-DbBackupStatus -Plan nightly).Health)" | Should -Be OK
    }

    It 'shows the plan''s sources only with -Plan, the others too without, and those of another repository with that' {
        New-PlanFile nightly @{ backup = @{ Path = "$folder/pats.db"; Source = 'pats' }; repository = "$folder/backups" } | Out-Null
        New-SampleDatabase ./wiki.db
        New-DbBackup ./pats.db -Source pats | Out-Null
        New-DbBackup ./wiki.db | Out-Null
        (Get-DbBackupStatus).Source | Should -Be pats, wiki
        (Get-DbBackupStatus -Plan nightly).Source | Should -Be pats
        (Get-DbBackupStatus w*).Source | Should -Be wiki
        New-DbBackup ./wiki.db -Repository ./elsewhere | Out-Null
        (Get-DbBackupStatus -Repository ./elsewhere).Source | Should -Be wiki
        (Get-DbBackupStatus -Repository ./elsewhere).Repository | Should -Be "$folder$([IO.Path]::DirectorySeparatorChar)elsewhere"
    }

    It 'says which plan cannot be read, and shows the others' {
        New-DbBackup ./pats.db | Out-Null
        New-PlanFile broken @{ backup = @(); colour = 'red' } | Out-Null
        $status = Get-DbBackupStatus
        $status.Source | Should -Be broken, pats
        "$($status[0].Health) $($status[0].Reasons.Code)" | Should -Be 'Critical PlanUnreadable'
    }

    It 'names what is not there' {
        Should-BeFailureOf (Get-ErrorOf { Get-DbBackupStatus -Repository ./none }) RepositoryNotFound
        Should-BeFailureOf (Get-ErrorOf { Get-DbBackupStatus -Repository ./none -FailOnCritical }) RepositoryNotFound
        Should-BeFailureOf (Get-ErrorOf { Get-DbBackupStatus -Plan none }) PlanNotFound
        New-DbBackup ./pats.db | Out-Null
        Should-BeFailureOf (Get-ErrorOf { Get-DbBackupStatus nothing }) BackupNotFound
        Should-BeFailureOf (Get-ErrorOf { Get-DbBackupStatus -Rpo '0h' }) InvalidArgument
        Should-BeFailureOf (Get-ErrorOf { Get-DbBackupStatus -MetricsPath ./none/a.prom }) WriteFailed
    }

    It 'names a damaged backup with the command that goes on' {
        New-DbBackup ./pats.db -Name first | Out-Null
        Edit-Payload (New-DbBackup ./pats.db -Name second)
        Test-DbBackup second -ErrorAction Ignore | Out-Null
        $status = Get-DbBackupStatus
        $status.Latest | Should -Be pats/first
        "$($status.Health) $($status.Reasons.Code)" | Should -Be 'Critical BackupDamaged'
        $next = [regex]::Match($status.Reasons.NextStep, 'Get-DbBackup .*Remove-DbBackup').Value
        Invoke-Expression "$next -Confirm:`$false"
        "$((Get-DbBackupStatus).Health)" | Should -Be OK
    }

    It 'writes metrics and JSON that programs read' {
        New-DbBackup ./pats.db | Out-Null
        Get-DbBackupStatus -MetricsPath ./a.prom -HealthPath ./a.json | Should -HaveCount 1
        $metrics = Get-Content ./a.prom
        $metrics -match '^dbbackup_health\{source="pats"' | Should -Match ' 0$'
        $health = Get-Content ./a.json -Raw | ConvertFrom-Json
        $health.health | Should -Be OK
        $health.sources.source | Should -Be pats
        $promtool = Get-Command promtool -CommandType Application -ErrorAction Ignore
        if ($promtool) {
            Get-Content ./a.prom -Raw | promtool check metrics
            $LASTEXITCODE | Should -Be 0
        }
    }

    It 'has its files written by the runs of plans, which may share them' {
        New-SampleDatabase ./wiki.db
        $files = @{ repository = "$folder/backups"; metricsPath = "$folder/all.prom"; healthPath = "$folder/all.json" }
        New-PlanFile pats ($files + @{ backup = @{ Path = "$folder/pats.db"; Source = 'pats' } }) | Out-Null
        New-PlanFile wiki ($files + @{ backup = @{ Path = "$folder/wiki.db"; Source = 'wiki' } }) | Out-Null
        "$((Invoke-DbBackupPlan pats).State)" | Should -Be Succeeded
        (Get-Content ./all.prom) -match '^dbbackup_last_run_failed\{source="pats"' | Should -Match ' 0$'
        "$((Invoke-DbBackupPlan wiki).State)" | Should -Be Succeeded
        (Get-Content ./all.json -Raw | ConvertFrom-Json).sources.source | Should -Be pats, wiki
        Remove-Item ./wiki.db
        $run = Invoke-DbBackupPlan wiki -ErrorAction Ignore
        "$($run.State)" | Should -Be Failed
        (Get-Content ./all.prom) -match '^dbbackup_last_run_failed\{source="wiki"' | Should -Match ' 1$'
        (Get-Content ./all.prom) -match '^dbbackup_health\{source="pats"' | Should -Match ' 0$'
        (Get-Content ./all.json -Raw | ConvertFrom-Json).health | Should -Be Critical
        $status = Get-DbBackupStatus -Plan wiki
        "$($status.Health) $($status.Reasons.Code)" | Should -Be 'Critical RunFailed'
        $status.LastRunError | Should -Be $run.Failure
    }

    It 'shows reasons in its table and next steps in its list, and stays what it is out of a file' {
        Set-BackupDate (New-DbBackup ./pats.db -Name old) ([datetimeoffset]::Now.AddHours(-27))
        $status = Get-DbBackupStatus -Rpo 26h
        $table = $status | Out-String -Width 200
        $table | Should -Match "Critical\s+pats\s+27 h\s+26 h\s+1\s+\S+ KB\s+The newest good backup, 'old', is 27 h old"
        $status | Format-List | Out-String -Width 200 | Should -Match 'Make a new one with New-DbBackup'
        $status | Export-Clixml ./status.xml
        $read = Import-Clixml ./status.xml
        $read.Health -eq [DbBackup.BackupHealth]::Critical | Should -BeTrue
        $read.Age -gt '26h' | Should -BeTrue
        ($status | ConvertTo-Json | ConvertFrom-Json).Age | Should -BeGreaterThan 1.1
    }
}
