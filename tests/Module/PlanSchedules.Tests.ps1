Describe 'Schedules of plans' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        # A plan of this folder alone; the run's own environment is what Enable-DbBackupPlan wrote.
        function New-TestPlan([string] $Name = 'nightly', [string[]] $Schedule = '* * * * *', [hashtable] $More = @{}) {
            if (-not (Test-Path ./pats.db)) { New-SampleDatabase ./pats.db }
            Register-DbBackupPlan $Name -Backup @{ Path = "$PWD/pats.db" } -Repository "$PWD/backups" -Schedule $Schedule @More
        }
    }
    BeforeEach {
        $folder = Enter-NewFolder
        $env:DBBACKUP_PLANS = New-Folder ./plans
        if (-not $IsWindows) { chmod 700 ./plans }
    }
    AfterEach {
        Get-DbBackupPlan -Scope User -ErrorAction Ignore | Disable-DbBackupPlan -ErrorAction Ignore | Out-Null
        Remove-Item Env:DBBACKUP_PLANS
        Set-Location $RepositoryRoot
    }

    Context 'in words' {
        It 'become cron expressions' {
            New-SampleDatabase ./pats.db
            $backup = @{ Path = "$PWD/pats.db" }
            (Register-DbBackupPlan a -Backup $backup -Repository ./backups -Daily -At 02:00, 14:30).Schedule | Should -Be '0 2 * * *', '30 14 * * *'
            (Register-DbBackupPlan b -Backup $backup -Repository ./backups -Weekly -On Saturday -At 3:15).Schedule | Should -Be '15 3 * * 6'
            (Register-DbBackupPlan c -Backup $backup -Repository ./backups -Hourly).Schedule | Should -Be '0 * * * *'
            (Set-DbBackupPlan c -Monthly -Day 31).Schedule | Should -Be '0 2 L * *'
        }

        It 'are refused if they contradict each other' {
            New-SampleDatabase ./pats.db
            foreach ($wrong in @{ Daily = $true; Weekly = $true }, @{ On = 'Sunday' }, @{ Hourly = $true; At = '02:00' }, @{ Daily = $true; Schedule = '0 2 * * *' }, @{ Daily = $true; Day = 3 }) {
                $failure = Get-ErrorOf { Register-DbBackupPlan x -Backup @{ Path = "$PWD/pats.db" } -Repository ./backups @wrong }
                $failure | Should -HaveCount 1
                $failure.FullyQualifiedErrorId | Should -BeLike 'InvalidArgument,*'
            }
            (Get-ErrorOf { Register-DbBackupPlan x -Backup @{ Path = "$PWD/pats.db" } -Repository ./backups -Daily -At 25:00 }).FullyQualifiedErrorId | Should -BeLike 'ScheduleInvalid,*'
            Get-DbBackupPlan -Scope User | Should -BeNullOrEmpty
        }
    }

    Context 'in cron' {
        BeforeEach {
            Skip-OnWindows
            Require-Tool crontab
        }

        It 'are shown by -WhatIf as they would be, and are not written' {
            New-TestPlan -Schedule '0 2 * * *' | Out-Null
            $before = crontab -l 2>&1 | Out-String
            $text = Get-WhatIfText { Enable-DbBackupPlan nightly -Scheduler cron -WhatIf }
            $text | Should -Match 'Run crontab - with:'
            $text | Should -Match '(?m)^0 2 \* \* \* .*Invoke-DbBackupPlan -Name nightly -Scope User -Trigger Schedule -IfDue'
            $text | Should -Match ([regex]::Escape("DBBACKUP_PLANS=$env:DBBACKUP_PLANS"))
            crontab -l 2>&1 | Out-String | Should -Be $before
            (Get-DbBackupPlan nightly).Scheduler | Should -BeNullOrEmpty
        }

        It 'are there once, change with the plan, and go without a trace' {
            New-TestPlan -Schedule '0 2 * * *' | Out-Null
            $before = crontab -l 2>&1 | Out-String
            (Enable-DbBackupPlan nightly -Scheduler cron -WarningAction Ignore).Scheduler | Should -Be cron
            $once = crontab -l | Out-String
            Enable-DbBackupPlan nightly -Scheduler cron -WarningAction Ignore | Out-Null
            crontab -l | Out-String | Should -Be $once
            (Get-DbBackupPlan nightly).Scheduler | Should -Be cron
            Set-DbBackupPlan nightly -Schedule '30 4 * * *' -WarningAction Ignore | Out-Null
            crontab -l | Out-String | Should -Match '(?m)^30 4 \* \* \* '
            crontab -l | Out-String | Should -Not -Match '(?m)^0 2 '
            (Disable-DbBackupPlan nightly).Scheduler | Should -BeNullOrEmpty
            crontab -l 2>&1 | Out-String | Should -Be $before
            Disable-DbBackupPlan nightly | Should -Not -BeNullOrEmpty
        }

        It 'go with a plan that is unregistered, and with one whose file is gone' {
            $before = crontab -l 2>&1 | Out-String
            New-TestPlan | Enable-DbBackupPlan -Scheduler cron -WarningAction Ignore | Out-Null
            Unregister-DbBackupPlan nightly -Confirm:$false
            crontab -l 2>&1 | Out-String | Should -Be $before
            $plan = New-TestPlan | Enable-DbBackupPlan -Scheduler cron -WarningAction Ignore
            Remove-Item $plan.Path
            Disable-DbBackupPlan nightly | Should -BeNullOrEmpty
            crontab -l 2>&1 | Out-String | Should -Be $before
        }

        It 'are refused if cron cannot have them' {
            New-TestPlan -Schedule '30 0 2 * * *' | Out-Null
            (Get-ErrorOf { Enable-DbBackupPlan nightly -Scheduler cron }).FullyQualifiedErrorId | Should -BeLike 'ScheduleInvalid,*'
            (Get-ErrorOf { Enable-DbBackupPlan nightly -Scheduler TaskScheduler }).FullyQualifiedErrorId | Should -BeLike 'SchedulerFailed,*'
        }
    }

    It 'does not run twice what was due once' {
        New-TestPlan -Schedule '0 2 * * *' | Out-Null
        Invoke-DbBackupPlan nightly -IfDue | Should -BeNullOrEmpty
        (Get-Item ./plans/nightly.json).LastWriteTimeUtc = [datetime]::UtcNow.AddDays(-2)
        (Invoke-DbBackupPlan nightly -IfDue).State | Should -Be Succeeded
        Invoke-DbBackupPlan nightly -IfDue | Should -BeNullOrEmpty
        Get-DbBackupRun nightly | Should -HaveCount 1
    }

    It 'says that a plan has no schedule' {
        New-SampleDatabase ./pats.db
        Register-DbBackupPlan plain -Backup @{ Path = "$PWD/pats.db" } -Repository ./backups | Out-Null
        (Get-ErrorOf { Enable-DbBackupPlan plain }).FullyQualifiedErrorId | Should -BeLike 'ScheduleInvalid,*'
    }
}
