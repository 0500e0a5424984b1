Describe 'Incremental backups' {
    BeforeAll {
        . $PSScriptRoot/common.ps1

        # One that has changed a little since.
        function Edit-SampleDatabase([string] $Company) { sqlite3 ./pats.db "update applications set company = '$Company' where id = 7" }
    }
    BeforeEach {
        $folder = Enter-NewFolder
        New-SampleDatabase ./pats.db -Rows 20000
        New-Folder ./uploads | Out-Null
        1..40 | ForEach-Object { "file $_ $('x' * $_)" | Set-Content "./uploads/$_.txt" }
        # Text that grows, as a log does: most of it is the same in the next backup.
        1..20000 | ForEach-Object { "$_ $([guid]::NewGuid())" } | Set-Content ./uploads/app.log
    }
    AfterEach { Set-Location $RepositoryRoot }

    It 'stores the difference to the last full backup, and says so in the list' {
        $full = New-DbBackup ./pats.db -AdditionalPath ./uploads -Name one
        $full.Method | Should -BeExactly Full
        $full.Parent | Should -BeNullOrEmpty
        Edit-SampleDatabase ACME
        'new' | Set-Content ./uploads/41.txt
        $difference = New-DbBackup ./pats.db -AdditionalPath ./uploads -Name two -Method Incremental -WarningVariable warnings
        $warnings | Should -BeNullOrEmpty
        $difference.Method | Should -BeExactly Incremental
        $difference.Parent | Should -BeExactly one
        $difference.Size | Should -BeLessThan ($full.Size / 10)
        # Of the full one again, not of the last one.
        Edit-SampleDatabase Initech
        (New-DbBackup ./pats.db -AdditionalPath ./uploads -Name three -Method Incremental).Parent | Should -BeExactly one

        Get-DbBackup | Where-Object Parent | ForEach-Object Name | Should -Be three, two
        $lines = (Get-DbBackup | Out-String -Width 200) -split "`n"
        $lines -match '\btwo\b' | Should -Match ', incremental'
        $lines -match '\bone\b' | Should -Not -Match 'incremental'
        $list = Get-DbBackup two | Format-List | Out-String
        $list | Should -Match 'Method\s*: Incremental'
        $list | Should -Match 'Parent\s*: one'
        Get-DbBackup one | Format-List | Out-String | Should -Not -Match 'Parent\s*:'
    }

    It 'makes a full backup where there is none to differ from: with a warning if the difference was asked for, else by -Verbose' {
        $asked = New-DbBackup ./pats.db -Name one -Method Incremental -WarningVariable warnings -WarningAction SilentlyContinue
        $asked.Method | Should -BeExactly Full
        "$warnings" | Should -BeLike 'A full backup is made: *'
        Get-DbBackup | Remove-DbBackup -Force -Confirm:$false
        $records = New-DbBackup ./pats.db -Name two -Method Auto -Verbose 3>&1 4>&1
        $records | Where-Object { $_ -is [DbBackup.Backup] } | ForEach-Object Method | Should -BeExactly Full
        $records | Where-Object { $_ -is [Management.Automation.VerboseRecord] } | Where-Object Message -Like 'A full backup is made: *' | Should -HaveCount 1
        $records | Where-Object { $_ -is [Management.Automation.WarningRecord] } | Should -BeNullOrEmpty
    }

    It 'chooses with Auto: the difference, until the full backup is as old as -FullAfter says' {
        $full = New-DbBackup ./pats.db -Name one -Method Auto
        (New-DbBackup ./pats.db -Name two -Method Auto).Parent | Should -BeExactly one
        Set-BackupDate $full ([datetimeoffset]::Now.AddDays(-8))
        (New-DbBackup ./pats.db -Name three -Method Auto -FullAfter 30d).Parent | Should -BeExactly one
        (New-DbBackup ./pats.db -Name four -Method Auto).Method | Should -BeExactly Full
        (New-DbBackup ./pats.db -Name five -Method Auto).Parent | Should -BeExactly four
    }

    It 'chooses with Auto: a full backup after a difference of more than -FullAbovePercent' {
        New-DbBackup ./pats.db -Name one | Out-Null
        # A tenth of it is new.
        "insert into applications (company, note) select company, randomblob(64) from applications limit 2000" | sqlite3 ./pats.db
        (New-DbBackup ./pats.db -Name two -Method Auto).Parent | Should -BeExactly one
        (New-DbBackup ./pats.db -Name three -Method Auto -FullAbovePercent 50).Parent | Should -BeExactly one
        (New-DbBackup ./pats.db -Name four -Method Auto -FullAbovePercent 1).Method | Should -BeExactly Full
    }

    It 'refuses what belongs to Auto with <Method>, and makes no backup' -ForEach @(
        @{ Method = 'Full'; Arguments = @{} }
        @{ Method = 'Full'; Arguments = @{ Method = 'full' } }
        @{ Method = 'Incremental'; Arguments = @{ Method = 'Incremental' } }
    ) {
        foreach ($settings in @{ FullAfter = '7d' }, @{ FullAbovePercent = 20 }) {
            $record = Get-ErrorOf { New-DbBackup ./pats.db @Arguments @settings }
            Should-BeFailure $record InvalidArgument New InvalidArgument
            "$record" | Should -BeLike "*-FullAfter and -FullAbovePercent*$Method*"
            $record.ErrorDetails.RecommendedAction | Should -BeLike '*-Method Auto*'
        }

        Test-Path ./backups | Should -BeFalse
    }

    It 'refuses an unknown method and a percentage that is none' {
        (Get-ErrorOf { New-DbBackup ./pats.db -Method Differential }).FullyQualifiedErrorId | Should -BeLike 'ParameterArgumentValidationError,*'
        (Get-ErrorOf { New-DbBackup ./pats.db -Method Auto -FullAbovePercent 0 }).FullyQualifiedErrorId | Should -BeLike 'ParameterArgumentValidationError,*'
        Test-Path ./backups | Should -BeFalse
    }

    It 'makes the full one first and then differences by a plan, that says nothing of it' {
        $env:DBBACKUP_PLANS = Join-Path $folder plans
        try {
            Register-DbBackupPlan nightly -Backup @{ Path = './pats.db' } -Repository ./repo -RestoreTestEvery 1h | Out-Null
            foreach ($run in 1..3) {
                Edit-SampleDatabase "company of run $run"
                (Invoke-DbBackupPlan nightly).State | Should -Be Succeeded
            }

            $backups = Get-DbBackup -Repository ./repo | Sort-Object Created
            $backups.Method | Should -Be Full, Incremental, Incremental
            $backups[1, 2].Parent | Should -Be $backups[0].Name, $backups[0].Name
            # Another entry may want it otherwise.
            Set-DbBackupPlan nightly -Backup @{ Path = './pats.db'; Method = 'Full' } | Out-Null
            Invoke-DbBackupPlan nightly | Out-Null
            (Get-DbBackup -Repository ./repo -Latest).Method | Should -BeExactly Full
        }
        finally { Remove-Item Env:DBBACKUP_PLANS }
    }

    It 'keeps the full backup from which others differ, unless -Force takes all of them' {
        New-DbBackup ./pats.db -Name one | Out-Null
        Edit-SampleDatabase ACME
        New-DbBackup ./pats.db -Name two -Method Incremental | Out-Null
        New-DbBackup ./pats.db -Name three | Out-Null
        $record = Get-ErrorOf { Remove-DbBackup one -Confirm:$false }
        Should-BeFailure $record ParentNeeded Remove OperationStopped 'pats/one'
        "$record" | Should -BeLike '*two*'
        (Get-DbBackup).Name | Should -Be three, two, one
        (Test-DbBackup two -Level Restore).Status | Should -Be Matched

        Remove-DbBackup one -Force -Confirm:$false -WarningVariable warnings -WarningAction SilentlyContinue
        $warnings | Should -HaveCount 1
        "$warnings" | Should -BeLike '*pats/two*removed as well*one*'
        (Get-DbBackup).Name | Should -Be three
        Test-Path ./backups/pats/two | Should -BeFalse
    }

    It 'removes the differences alone, and both when both are chosen' {
        New-DbBackup ./pats.db -Name one | Out-Null
        New-DbBackup ./pats.db -Name two -Method Incremental | Out-Null
        New-DbBackup ./pats.db -Name three -Method Incremental | Out-Null
        New-DbBackup ./pats.db -Name four | Out-Null
        Get-DbBackup | Where-Object Name -EQ three | Remove-DbBackup -Confirm:$false
        (Get-DbBackup).Name | Should -Be four, two, one
        # In the order in which the hint says it.
        Get-DbBackup | Where-Object Parent -EQ one | Remove-DbBackup -Confirm:$false
        Remove-DbBackup one -Confirm:$false -WarningVariable warnings
        $warnings | Should -BeNullOrEmpty
        (Get-DbBackup).Name | Should -Be four
    }

    It 'is damaged when the full backup is, and the next one is a full one by itself' {
        New-DbBackup ./pats.db -Name one | Out-Null
        New-DbBackup ./pats.db -Name two -Method Incremental | Out-Null
        Rename-Item ./backups/pats/one one.gone
        (Get-DbBackup two).Status | Should -Be Damaged
        $next = New-DbBackup ./pats.db -Name three -Method Auto -WarningAction SilentlyContinue
        $next.Method | Should -BeExactly Full
        Rename-Item ./backups/pats/one.gone one
        (Get-DbBackup two).Status | Should -Not -Be Damaged
    }

    It 'is tested, restored and exported through the pipeline as any other' {
        Require-Tool tar
        New-DbBackup ./pats.db -AdditionalPath ./uploads -Name one | Out-Null
        Edit-SampleDatabase ACME
        'new' | Set-Content ./uploads/41.txt
        Remove-Item ./uploads/1.txt
        $two = New-DbBackup ./pats.db -AdditionalPath ./uploads -Name two -Method Incremental
        Edit-SampleDatabase later
        $two.Parent | Should -BeExactly one
        foreach ($level in 'Structure', 'Checksum', 'Restore') { ($two | Test-DbBackup -Level $level).Status | Should -Not -BeIn Damaged, Failed }
        (Get-DbBackup two).Status | Should -Be Matched

        Get-DbBackup two | Restore-DbBackup -Destination ./restored -Confirm:$false | Out-Null
        sqlite3 ./restored/pats.db 'select company from applications where id = 7' | Should -BeExactly ACME
        Get-Content ./restored/uploads/41.txt | Should -BeExactly new
        Test-Path ./restored/uploads/1.txt | Should -BeFalse
        (Get-FileHash ./restored/uploads/app.log).Hash | Should -Be (Get-FileHash ./uploads/app.log).Hash

        $two | Export-DbBackup -Destination ./out.db -Content Database | Out-Null
        (Get-FileHash ./out.db).Hash.ToLowerInvariant() | Should -Be ($two.Manifest.Payloads | Where-Object FileName -Like 'pats.db*').OriginalSha256
        # Into a tar goes what it needs: it is whole elsewhere.
        $two | Export-DbBackup -Destination ./two.tar -Format Tar | Out-Null
        tar tf ./two.tar | Where-Object { $_ -like '*one/backup.json' } | Should -HaveCount 1
        Import-DbBackup ./two.tar -Repository ./elsewhere -AllowNewRepository | Out-Null
        (Get-DbBackup two -Repository ./elsewhere | Test-DbBackup -Level Restore).Status | Should -Be Matched
    }

    It 'is copied with the full backup that it needs' {
        New-DbBackup ./pats.db -Name one | Out-Null
        Edit-SampleDatabase ACME
        $two = New-DbBackup ./pats.db -Name two -Method Incremental
        $two | Copy-DbBackup -Destination ./copies
        (Get-DbBackup -Repository ./copies).Name | Should -Be two, one
        (Get-DbBackup two -Repository ./copies).Parent | Should -BeExactly one
        (Test-DbBackup two -Repository ./copies -Level Restore).Status | Should -Be Matched
        # Nothing of it is read from the first repository.
        Remove-Item ./backups -Recurse -Force
        Restore-DbBackup two -Repository ./copies -Destination ./restored.db -Confirm:$false | Out-Null
        sqlite3 ./restored.db 'select company from applications where id = 7' | Should -BeExactly ACME
    }
}
