Describe 'Plans' {
    BeforeAll { . $PSScriptRoot/common.ps1 }
    BeforeEach {
        $folder = Enter-NewFolder
        $env:DBBACKUP_PLANS = Join-Path $folder plans
        New-SampleDatabase ./app.db
    }
    AfterEach {
        Remove-Item Env:DBBACKUP_PLANS
        Set-Location $RepositoryRoot
    }

    It 'registers, lists, runs, changes and removes a plan' {
        $plan = Register-DbBackupPlan nightly -Backup @{ Path = './app.db' } -Repository ./repo -TestEvery 1d -RestoreTestEvery 7d -Schedule '0 2 * * *' -TimeZone Europe/Berlin
        $plan | Should -BeOfType DbBackup.BackupPlan
        $plan.Backup[0]['Path'] | Should -Be (Join-Path $folder app.db)
        $plan.Repository | Should -Be (Join-Path $folder repo)
        $plan.NextRun | Should -BeGreaterThan ([DateTimeOffset]::Now)
        Get-Content ./plans/nightly.json -Raw | ConvertFrom-Json | Select-Object -ExpandProperty testEvery | Should -Be '1d'

        $run = Invoke-DbBackupPlan nightly
        $run.State | Should -Be Succeeded
        $run.Trigger | Should -Be Manual
        $run.Steps.Name | Should -Be Backup, Test, RestoreTest
        $backup = Get-DbBackup -Repository ./repo
        $backup.Reason | Should -Be Scheduled
        "$backup" | Should -Be "$($run.Backups[0])"
        $backup.Status | Should -Be Matched
        (Get-DbBackupRun nightly).Id | Should -Be $run.Id
        Get-Content $run.Log -Raw | Should -Match 'RestoreTest: Done'
        (Get-DbBackupPlan night*).LastRun.State | Should -Be Succeeded

        (Set-DbBackupPlan nightly -RestoreTestEvery $null -Description 'for the accountant').RestoreTestEvery | Should -BeNullOrEmpty
        (Get-DbBackupPlan nightly).TestEvery | Should -Be ([timespan]'1.00:00')
        (Get-DbBackupPlan nightly).Description | Should -Be 'for the accountant'

        Get-DbBackupPlan | Unregister-DbBackupPlan -Confirm:$false
        Get-DbBackupPlan | Should -BeNullOrEmpty
        Get-DbBackup -Repository ./repo | Should -HaveCount 1
        Get-DbBackupRun nightly | Should -HaveCount 1
    }

    It 'finds what is new at each run' {
        Register-DbBackupPlan all -Backup @{ Path = './*.db' } -Repository ./repo | Out-Null
        New-SampleDatabase ./crm.db
        (Invoke-DbBackupPlan all).Backups.Source | Sort-Object | Should -Be app, crm
    }

    It 'says what is wrong with a plan before it is saved: <Reason>' -ForEach @(
        @{ Reason = 'no such parameter'; Code = 'PlanInvalid'; Arguments = @{ Backup = @{ Pth = './app.db' } }; Message = '*-Pth*' }
        @{ Reason = 'parameters that do not go together'; Code = 'PlanInvalid'; Arguments = @{ Backup = @{ Path = './app.db'; Database = 'x' } }; Message = '*do not go together*' }
        @{ Reason = 'nothing to back up'; Code = 'InvalidArgument'; Arguments = @{}; Message = '*nothing to back up*' }
        @{ Reason = 'an empty entry'; Code = 'PlanInvalid'; Arguments = @{ Backup = @{} }; Message = '*empty*' }
        @{ Reason = 'a file that is not there'; Code = 'PlanInvalid'; Arguments = @{ Backup = @{ Path = './nothing.db' } }; Message = '*nothing.db*' }
        @{ Reason = 'a value of another type'; Code = 'PlanInvalid'; Arguments = @{ Backup = @{ Path = './app.db'; LockTimeout = 'soon' } }; Message = '*-LockTimeout*' }
        @{ Reason = 'a name for each backup'; Code = 'PlanInvalid'; Arguments = @{ Backup = @{ Path = './app.db'; Name = 'one' } }; Message = '*-Name*' }
        @{ Reason = 'a password in a connection string'; Code = 'SecretInPlan'; Arguments = @{ Backup = @{ ConnectionString = 'postgresql://a:hunter2@h/db' } }; Message = '*-ConnectionString*' }
        @{ Reason = 'a password in a table'; Code = 'SecretInPlan'; Arguments = @{ Backup = @{ HostName = 'h'; Database = 'x'; Credential = @{ Username = 'a'; Password = 'hunter2' } } }; Message = '*-Credential*' }
        @{ Reason = 'a schedule that is none'; Code = 'ScheduleInvalid'; Arguments = @{ Backup = @{ Path = './app.db' }; Schedule = '99 * * * *' }; Message = '*99*' }
        @{ Reason = 'a schedule that never comes'; Code = 'ScheduleInvalid'; Arguments = @{ Backup = @{ Path = './app.db' }; Schedule = '0 0 30 2 *' }; Message = '*30 2*' }
        @{ Reason = 'a time zone that is none'; Code = 'ScheduleInvalid'; Arguments = @{ Backup = @{ Path = './app.db' }; Schedule = '0 2 * * *'; TimeZone = 'Mars/Olympus' }; Message = '*Mars*' }
        @{ Reason = 'a policy without units'; Code = 'InvalidArgument'; Arguments = @{ Backup = @{ Path = './app.db' }; Retention = 7 }; Message = '*7 of what*' }
        @{ Reason = 'a receiver of no kind'; Code = 'PlanInvalid'; Arguments = @{ Backup = @{ Path = './app.db' }; Notify = @{ Pigeon = 'x' } }; Message = '*neither*' }
    ) {
        $failure = Get-ErrorOf { Register-DbBackupPlan bad @Arguments }
        $failure.FullyQualifiedErrorId | Should -BeLike "$Code,*"
        $failure.ErrorDetails.Message | Should -BeLike $Message
        $failure.ErrorDetails.RecommendedAction | Should -Not -BeNullOrEmpty
        "$failure $($failure.ErrorDetails.RecommendedAction)" | Should -Not -Match hunter2
        Test-Path ./plans/bad.json | Should -BeFalse
        Test-Path ./backups | Should -BeFalse
    }

    It 'saves a plan for a source that is not there yet with -SkipCheck' {
        (Register-DbBackupPlan later -Backup @{ Path = './later.db' } -SkipCheck).Name | Should -Be later
        Should-BeFailure (Get-ErrorOf { Register-DbBackupPlan later -Backup @{ Path = './app.db' } }) PlanExists Register-DbBackupPlan ResourceExists
        (Register-DbBackupPlan later -Backup @{ Path = './app.db' } -Force).Backup[0]['Path'] | Should -BeLike '*app.db'
    }

    It 'shows under -WhatIf what a run would do, and does nothing' {
        Register-DbBackupPlan nightly -Backup @{ Path = './app.db' } -Repository ./repo -TestEvery 1d | Out-Null
        $before = Get-Snapshot .
        $text = Get-WhatIfText { Invoke-DbBackupPlan nightly -WhatIf }
        $text | Should -Match "What if: .*Back up.*app\.db"
        $text | Should -Match 'What if: Test the new backups'
        Get-WhatIfText { Register-DbBackupPlan other -Backup @{ Path = './app.db' } -WhatIf } | Should -Match "What if: .*Register the plan 'other'"
        Get-WhatIfText { Unregister-DbBackupPlan nightly -WhatIf } | Should -Match 'What if: '
        Get-Snapshot . | Should -Be $before
    }

    It 'runs the commands before, after and upon failure, with the run in their environment' {
        Skip-OnWindows
        $set = @{
            BeforeCommand = 'echo "before $DBBACKUP_PLAN" >> hooks.txt'
            AfterCommand = 'echo "after $DBBACKUP_RUN_STATE $DBBACKUP_RUN_BACKUPS" >> hooks.txt'
            FailureCommand = 'echo "failed: $DBBACKUP_RUN_FAILURE" >> hooks.txt'
        }
        foreach ($name in @($set.Keys)) { $set[$name] = $set[$name].Replace('hooks.txt', "'$folder/hooks.txt'") }
        Register-DbBackupPlan nightly -Backup @{ Path = './app.db' } -Repository ./repo @set | Out-Null
        $run = Invoke-DbBackupPlan nightly
        Get-Content ./hooks.txt | Should -Be 'before nightly', "after Succeeded $($run.Backups[0])"
        Remove-Item ./app.db, ./hooks.txt
        $run = Invoke-DbBackupPlan nightly -ErrorAction SilentlyContinue -ErrorVariable failure
        $run.State | Should -Be Failed
        Should-BeFailure $failure PlanFailed Invoke-DbBackupPlan InvalidData 'nightly *: Failed'
        $failure.ErrorDetails.Message | Should -BeLike '*app.db*'
        (Get-Content ./hooks.txt)[-1] | Should -BeLike 'failed: *app.db*'
        Set-DbBackupPlan nightly -BeforeCommand 'echo not now; exit 3' -SkipCheck | Out-Null
        $run = Invoke-DbBackupPlan nightly -ErrorAction SilentlyContinue
        $run.Steps[0].Detail | Should -BeLike '*exit code 3*not now*'
        $run.Backups | Should -BeNullOrEmpty
    }

    It 'tells the truth by its exit code' {
        Register-DbBackupPlan nightly -Backup @{ Path = './app.db' } -Repository ./repo | Out-Null
        Invoke-SameShell -NoProfile -NonInteractive -Command "Import-Module '$ModulePath'; Invoke-DbBackupPlan nightly -Trigger Schedule" | Out-Null
        $LASTEXITCODE | Should -Be 0
        Remove-Item ./app.db
        Invoke-SameShell -NoProfile -NonInteractive -Command "Import-Module '$ModulePath'; Invoke-DbBackupPlan nightly" *> $null
        $LASTEXITCODE | Should -Be 1
        (Get-DbBackupRun nightly).State | Should -Be Failed, Succeeded
        (Get-DbBackupRun nightly -State Failed).Failure | Should -BeLike '*app.db*'
        (Get-DbBackupRun -Latest).State | Should -Be Failed
    }

    It 'knows nothing of the session: default values, functions and preferences' {
        Register-DbBackupPlan nightly -Backup @{ Path = './app.db' } -Repository ./repo | Out-Null
        $PSDefaultParameterValues['New-DbBackup:Repository'] = './elsewhere'
        function New-DbBackup { throw 'not this one' }
        $WhatIfPreference = $false
        try { (Invoke-DbBackupPlan nightly).State | Should -Be Succeeded }
        finally { $PSDefaultParameterValues.Remove('New-DbBackup:Repository') }
        Test-Path ./elsewhere | Should -BeFalse
    }

    It 'runs a plan that a person wrote as YAML, and registers it' {
        "backup: { Path: $folder/app.db }`nrepository: $folder/repo" | Set-Content ./nightly.yaml
        (Invoke-DbBackupPlan -Path ./nightly.yaml).State | Should -Be Succeeded
        (Register-DbBackupPlan -Path ./nightly.yaml).Path | Should -BeLike '*nightly.json'
        "backup: { Path: $folder/app.db }`nrepositry: x" | Set-Content ./wrong.yaml
        Should-BeFailure (Get-ErrorOf { Invoke-DbBackupPlan -Path ./wrong.yaml }) PlanInvalid Invoke-DbBackupPlan InvalidData '*wrong.yaml'
    }

    It 'copies the new backups to another repository' {
        Register-DbBackupPlan nightly -Backup @{ Path = './app.db' } -Repository ./repo -CopyTo ./copies | Out-Null
        $run = Invoke-DbBackupPlan nightly
        $run.State | Should -Be Succeeded
        "$(Get-DbBackup -Repository ./copies)" | Should -Be "$($run.Backups[0])"
    }

    It 'names the plans there are for one that is not, and completes their names' {
        Register-DbBackupPlan nightly -Backup @{ Path = './app.db' } | Out-Null
        Should-BeFailure (Get-ErrorOf { Invoke-DbBackupPlan nigthly }) PlanNotFound Invoke-DbBackupPlan ObjectNotFound
        (Get-ErrorOf { Get-DbBackupPlan nigthly }).ErrorDetails.RecommendedAction | Should -BeLike '*nightly*'
        (TabExpansion2 'Invoke-DbBackupPlan ni').CompletionMatches.CompletionText | Should -Be nightly
        (TabExpansion2 'Get-DbBackupRun ').CompletionMatches.CompletionText | Should -Contain nightly
        Get-DbBackupRun nightly | Should -BeNullOrEmpty
    }

    It 'shows plans and runs as tables' {
        Register-DbBackupPlan nightly -Backup @{ Path = './app.db' } -Repository ./repo -Schedule '0 2 * * *' | Out-Null
        Invoke-DbBackupPlan nightly | Out-Null
        Get-DbBackupPlan | Out-String | Should -Match 'nightly +User +0 2 \* \* \* .*Succeeded'
        Get-DbBackupRun | Out-String | Should -Match 'nightly +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +[\d.]+ s +Succeeded +1 +0'
        Get-DbBackupRun | Format-List | Out-String | Should -Match 'Backup: Done'
    }
}

Describe 'Copy-DbBackup' {
    BeforeAll { . $PSScriptRoot/common.ps1 }
    BeforeEach {
        $folder = Enter-NewFolder
        New-SampleDatabase ./app.db
        New-DbBackup ./app.db -Name one | Out-Null
    }
    AfterEach { Set-Location $RepositoryRoot }

    It 'copies backups, skips those that are there, and emits with -PassThru alone' {
        Get-DbBackup | Copy-DbBackup -Destination ./copies | Should -BeNullOrEmpty
        New-DbBackup ./app.db -Name two | Out-Null
        (Copy-DbBackup * ./copies -PassThru).Name | Should -Be two, one
        (Get-DbBackup -Repository ./copies).Name | Should -Be two, one
        (Test-DbBackup * -Repository ./copies -Level Restore).Status | Should -Be Matched, Matched
    }

    It 'changes nothing under -WhatIf, and refuses a damaged backup' {
        $before = Get-Snapshot .
        Get-WhatIfText { Copy-DbBackup one ./copies -WhatIf } | Should -Match "What if: .*app/one"
        Get-Snapshot . | Should -Be $before
        Edit-Payload (Get-DbBackup one)
        Should-BeFailure (Get-ErrorOf { Copy-DbBackup one ./copies }) BackupDamaged Copy InvalidData
        Get-ChildItem ./copies -Directory | Where-Object Name -EQ app | Should -BeNullOrEmpty
    }
}
