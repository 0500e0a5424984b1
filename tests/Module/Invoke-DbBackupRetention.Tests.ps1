Describe 'Invoke-DbBackupRetention' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        # Backups of so many nights, newest last; the last one is of this night.
        function New-Nights([int] $Count, [string] $Source = 'pats') {
            foreach ($night in 1..$Count) {
                $backup = New-DbBackup ./pats.db -Source $Source -Name "night$night"
                Set-BackupDate $backup ([datetimeoffset]::UtcNow.AddDays($night - $Count))
            }
        }
        function Should-BeRetentionFailure($Record, [string] $Id, [string] $Category, [string] $Target) {
            $Record | Should -HaveCount 1
            $Record.FullyQualifiedErrorId | Should -BeExactly "$Id,DbBackup.PowerShell.Commands.InvokeDbBackupRetentionCommand"
            "$($Record.CategoryInfo.Category)" | Should -BeExactly $Category
            if ($Target) { "$($Record.TargetObject)" | Should -BeLike $Target }
            $Record.ErrorDetails.RecommendedAction | Should -Match '^\S.*[.)]$'
        }
        function Get-Kept($Decisions) { ($Decisions | Where-Object Action -EQ Keep).Name }
    }
    BeforeEach {
        Enter-NewFolder | Out-Null
        New-SampleDatabase ./pats.db
    }
    AfterEach { Set-Location $RepositoryRoot }

    It 'takes a policy as it is typed, whatever PowerShell makes of it' {
        New-Nights 4
        Get-Kept (Invoke-DbBackupRetention 2d -WhatIf) | Should -Be night4, night3
        Get-Kept (Invoke-DbBackupRetention -Retention 2d, 1w, 1m, 1y -TimeZone UTC -WhatIf) | Should -Be night4, night3
        foreach ($policy in { 2d, '1w' }, { '2d,1w' }, { '2d', '1w' }, { @{ Daily = 2; Weekly = 1 } }, { [DbBackup.RetentionPolicy]::Parse('2d,1w') }) {
            $given = & $policy
            Get-Kept (Invoke-DbBackupRetention $given -WhatIf) | Should -Be night4, night3
        }
        Get-Kept (Invoke-DbBackupRetention 1y -WhatIf) | Should -Be night4
        Get-Kept (Invoke-DbBackupRetention 9y -WhatIf) | Should -Be night4, night1 -Because 'the oldest is kept if there are fewer years'
        Get-Kept (Invoke-DbBackupRetention last=3 -WhatIf) | Should -Be night4, night3, night2
        Get-Kept (Invoke-DbBackupRetention within=36h -WhatIf) | Should -Be night4, night3
        Get-Kept (Invoke-DbBackupRetention -KeepWithin 25h -KeepLast 1 -WhatIf) | Should -Be night4, night3
        Get-Kept (Invoke-DbBackupRetention -KeepDaily 3 -WhatIf) | Should -Be night4, night3, night2
    }

    It 'refuses <given> with one clear error' -ForEach @(
        @{ given = 7; words = '7d for days' }
        @{ given = 5l; words = 'of what' }
        @{ given = '7d,14d'; words = 'two rules' }
        @{ given = 7.5d; words = 'no rule' }
        @{ given = '7q'; words = 'no rule' }
        @{ given = 'within=12m'; words = 'minutes or months' }
        @{ given = @{ Dayly = 7 }; words = 'no rule' }
        @{ given = ''; words = 'empty' }
        @{ given = @(); words = 'empty' }
    ) {
        New-Nights 2
        $record = Get-ErrorOf { Invoke-DbBackupRetention $given }
        $record | Should -HaveCount 1
        $record.CategoryInfo.Category | Should -Be InvalidData
        "$record" | Should -BeLike "*$words*"
        Get-DbBackup | Should -HaveCount 2
    }

    It 'refuses no policy, one that keeps nothing, and one that says a rule twice' {
        New-Nights 2
        Should-BeRetentionFailure (Get-ErrorOf { Invoke-DbBackupRetention }) InvalidArgument InvalidArgument
        Should-BeRetentionFailure (Get-ErrorOf { Invoke-DbBackupRetention -WeeklyOn Monday }) InvalidArgument InvalidArgument
        foreach ($nothing in { Invoke-DbBackupRetention -KeepLast 0 }, { Invoke-DbBackupRetention -KeepReason @{ PreMigration = '1y' } }) {
            $record = Get-ErrorOf $nothing
            Should-BeRetentionFailure $record InvalidArgument InvalidArgument
            "$record" | Should -BeLike '*keeps no backup*'
        }
        Should-BeRetentionFailure (Get-ErrorOf { Invoke-DbBackupRetention 7d -KeepDaily 3 }) InvalidArgument InvalidArgument
        Should-BeRetentionFailure (Get-ErrorOf { Invoke-DbBackupRetention 7d -TimeZone Mars/Olympus }) InvalidArgument InvalidArgument
        Should-BeRetentionFailure (Get-ErrorOf { Invoke-DbBackupRetention 7d -KeepReason @{ Manual = '12m' } }) InvalidArgument InvalidArgument
        Get-DbBackup | Should -HaveCount 2
    }

    It 'shows under -WhatIf what the run does, and removes that' {
        New-Nights 6
        $before = Get-Snapshot .
        $shown = Invoke-DbBackupRetention 2d, 1m -TimeZone UTC -WhatIf
        Get-Snapshot . | Should -Be $before
        $shown.Removed | Should -Not -Contain $true
        $text = Get-WhatIfText { Invoke-DbBackupRetention 2d, 1m -TimeZone UTC -WhatIf | Out-Null }
        $text | Should -Match "What if: Remove backup 'pats/night1'.*no rule of 2d,1m,timeZone=UTC keeps it"
        $text | Should -Not -Match night6

        $done = Invoke-DbBackupRetention 2d, 1m -TimeZone UTC

        $done.Name | Should -Be $shown.Name
        $done.Action | Should -Be $shown.Action
        ($done | ForEach-Object { "$($_.Reasons)" }) | Should -Be ($shown | ForEach-Object { "$($_.Reasons)" })
        ($done | Where-Object Removed).Name | Should -Be ($shown | Where-Object Action -EQ Remove).Name
        (Get-DbBackup).Name | Should -Be (Get-Kept $shown)
    }

    It 'asks nothing in a scheduled task, and asks each with -Confirm' {
        New-Nights 3
        $output = Invoke-FreshShell "Import-Module '$ModulePath'; Set-Location '$PWD'; Invoke-DbBackupRetention 1d | Where-Object Removed | ForEach-Object Name"
        $output | Should -Match night1
        (Get-DbBackup).Name | Should -Be night3
        New-Nights 2 other
        $refused = Invoke-FreshShell "Import-Module '$ModulePath'; Set-Location '$PWD'; try { Invoke-DbBackupRetention 1d -Confirm -ErrorAction Stop } catch { `$_.FullyQualifiedErrorId }"
        "$refused" | Should -BeLike '*ConfirmationRequired*'
        Get-DbBackup -Source other | Should -HaveCount 2
    }

    It 'takes sources by name and wildcard, by their exact identity, and reports one that is not there' {
        New-Nights 3
        New-Nights 3 pats-test
        New-Nights 3 shop
        (Invoke-DbBackupRetention 1d -Source pats -WhatIf).Source | Select-Object -Unique | Should -Be pats
        (Invoke-DbBackupRetention 1d -Source pats*, shop -WhatIf).Source | Sort-Object -Unique | Should -Be pats, pats-test, shop
        (@{ Source = 'shop' } | ForEach-Object { [pscustomobject] $_ } | Invoke-DbBackupRetention 1d -WhatIf).Source | Select-Object -Unique | Should -Be shop
        Should-BeRetentionFailure (Get-ErrorOf { Invoke-DbBackupRetention 1d -Source pat }) BackupNotFound ObjectNotFound pat
        Invoke-DbBackupRetention 1d -Source pats | Out-Null
        Get-DbBackup | Should -HaveCount 7
    }

    It 'stops, says why and what to do, while the newest backup is not good' {
        New-Nights 3
        Edit-Payload (Get-DbBackup night3)
        Test-DbBackup night3 | Out-Null
        $decisions = Invoke-DbBackupRetention 1d -WarningVariable warnings -WarningAction SilentlyContinue
        $warnings | Should -BeLike "*Nothing of 'pats' is removed*night3*is Damaged*New-DbBackup*"
        $decisions.Action | Should -Not -Contain Remove
        Invoke-DbBackupRetention 1d -RequiredStatus Checked -WarningAction SilentlyContinue | Out-Null
        Get-DbBackup | Should -HaveCount 3
    }

    It 'keeps what is locked, and what was made before a migration' {
        New-Nights 3
        Lock-DbBackup night1 -Reason audit
        Set-BackupDate (New-DbBackup ./pats.db -Name before -Reason PreMigration) ([datetimeoffset]::UtcNow.AddDays(-80))
        Set-BackupDate (New-DbBackup ./pats.db -Name today) ([datetimeoffset]::UtcNow)
        $decisions = Invoke-DbBackupRetention -KeepLast 1
        Get-Kept $decisions | Sort-Object | Should -Be before, night1, today
        ($decisions | Where-Object Name -EQ night1).Reasons | Should -Be 'hold: audit'
        ($decisions | Where-Object Name -EQ before).Reasons | Should -Be 'PreMigration within 90d'
        (Invoke-DbBackupRetention -KeepLast 1 -KeepReason @{ PreMigration = 30d } | Where-Object Removed).Name | Should -Be before
    }

    It 'shows decisions as a table and as flat values' {
        New-Nights 2
        $decisions = Invoke-DbBackupRetention 1d -TimeZone UTC -WhatIf
        $table = ($decisions | Out-String -Width 200) -split '\r?\n'
        $table[1] | Should -Match '^Action +Source +Name +Created +Size +Reasons'
        $table[4] | Should -Match '^Remove +pats +night1 .*no rule of 1d'
        ($decisions | Select-Object Source, Name, Action, Removed | ConvertTo-Csv)[1] | Should -Be '"pats","night2","Keep","False"'
    }

    It 'completes policies and time zones' {
        (TabExpansion2 'Invoke-DbBackupRetention -Retention ').CompletionMatches.CompletionText | Should -Contain '7d,4w,12m'
        (TabExpansion2 'Invoke-DbBackupRetention 7d -TimeZone Europe/Ber').CompletionMatches.CompletionText | Should -Be Europe/Berlin
    }
}
