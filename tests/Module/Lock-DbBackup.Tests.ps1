Describe 'Lock-DbBackup and Unlock-DbBackup' {
    BeforeAll { . $PSScriptRoot/common.ps1 }
    BeforeEach {
        Enter-NewFolder | Out-Null
        New-SampleDatabase ./pats.db
        foreach ($name in 'first', 'second', 'third') { New-DbBackup ./pats.db -Name $name | Out-Null }
    }
    AfterEach { Set-Location $RepositoryRoot }

    It 'locks by name and pipeline, and emits nothing unless it is asked' {
        Lock-DbBackup first -Reason audit | Should -BeNullOrEmpty
        (Get-DbBackup second | Lock-DbBackup -PassThru).Name | Should -Be second
        (Get-DbBackup | Where-Object Hold).Name | Should -Be second, first
        $hold = (Get-DbBackup first).Hold
        $hold.Reason | Should -Be audit
        $hold.Until | Should -BeNullOrEmpty
        "$hold" | Should -Be audit
        Get-DbBackup first | Out-String | Should -Match 'Written, locked'
        Get-DbBackup first | Format-List | Out-String | Should -Match 'Hold +: audit'
        ('first', 'second' | Unlock-DbBackup -PassThru | Where-Object { -not $_.Hold }).Name | Should -Be first, second
        Get-DbBackup | Where-Object Hold | Should -BeNullOrEmpty
        Unlock-DbBackup third
    }

    It 'keeps Remove-DbBackup from removing, with one error that says what to do' {
        Lock-DbBackup first -Reason audit
        $record = Get-ErrorOf { Remove-DbBackup first -Confirm:$false }
        Should-BeFailure $record BackupHeld Remove OperationStopped '*first*'
        "$record" | Should -BeLike '*locked (audit)*'
        $record.ErrorDetails.RecommendedAction | Should -BeLike "*Unlock-DbBackup 'pats/first'*"
        Unlock-DbBackup pats/first
        Remove-DbBackup first -Confirm:$false
        Lock-DbBackup second
        Remove-DbBackup second -Force -Confirm:$false
        (Get-DbBackup).Name | Should -Be third
    }

    It 'ends a hold at its moment' {
        Lock-DbBackup first -Until 90d
        [math]::Round(((Get-DbBackup first).Hold.Until - [datetimeoffset]::UtcNow).TotalDays) | Should -Be 90
        Lock-DbBackup first -Until 1y
        [math]::Round(((Get-DbBackup first).Hold.Until - [datetimeoffset]::UtcNow).TotalDays) | Should -Be 365
        Lock-DbBackup first -Until ([datetime]::Now.AddSeconds(2))
        Start-Sleep 3
        (Get-DbBackup first).Hold | Should -BeNullOrEmpty
        Remove-DbBackup first -Confirm:$false
    }

    It 'refuses an end that is past, minutes that can be months, and a name that is not there' {
        Should-BeFailure (Get-ErrorOf { Lock-DbBackup first -Until 2020-01-01 }) InvalidArgument Lock InvalidArgument
        "$(Get-ErrorOf { Lock-DbBackup first -Until 12m })" | Should -BeLike '*minutes or months*'
        "$(Get-ErrorOf { Lock-DbBackup first -Until 7 })" | Should -BeLike '*7d for days*'
        Should-BeFailure (Get-ErrorOf { Lock-DbBackup nothing }) BackupNotFound Lock ObjectNotFound
        Should-BeFailure (Get-ErrorOf { Unlock-DbBackup nothing }) BackupNotFound Unlock ObjectNotFound
        Get-DbBackup | Where-Object Hold | Should -BeNullOrEmpty
    }

    It 'changes nothing under -WhatIf' {
        Lock-DbBackup second
        $before = Get-Snapshot .
        Get-WhatIfText { Lock-DbBackup first -Reason audit -WhatIf } | Should -Match "What if: .*Lock \(audit\).*pats/first"
        Get-WhatIfText { Unlock-DbBackup second -WhatIf } | Should -Match "What if: .*Unlock"
        Get-Snapshot . | Should -Be $before
    }
}
