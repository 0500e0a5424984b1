Describe 'Get-DbBackup' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        $repository = Join-Path $TestDrive repository
        Set-Location $TestDrive
        New-SampleDatabase ./pats.db
        New-SampleDatabase ./pats-test.db
        $env:DBBACKUP_REPOSITORY = $repository
        # Ages: 1 hour, 13 hours, 8 days, 15 days; the other source 20 days.
        foreach ($made in @{ Name = 'd15'; Hours = 360 }, @{ Name = 'd8'; Hours = 192 }, @{ Name = 'h13'; Hours = 13 }, @{ Name = 'h1'; Hours = 1 }) {
            Set-BackupDate (New-DbBackup ./pats.db -Name $made.Name -Tag ($made.Hours -gt 24 ? 'old', 'nightly' : 'nightly')) ([datetimeoffset]::Now.AddHours(-$made.Hours))
        }
        Set-BackupDate (New-DbBackup ./pats-test.db -Name 'd 20' -Reason PreMigration) ([datetimeoffset]::Now.AddDays(-20))
    }
    AfterAll { Set-Location $RepositoryRoot; Remove-Item Env:DBBACKUP_REPOSITORY }

    It 'lists everything, newest first' {
        (Get-DbBackup).Name | Should -Be h1, h13, d8, d15, 'd 20'
    }

    It 'finds by name, wildcard, position and pipeline, each once' {
        (Get-DbBackup d8).Name | Should -Be d8
        (Get-DbBackup D8, h1*).Name | Should -Be h1, h13, d8
        ('d8', 'd*' | Get-DbBackup).Name | Should -Be d8, d15, 'd 20'
        ([pscustomobject]@{ Name = 'd8'; Source = 'pats'; Repository = $repository } | Get-DbBackup).Name | Should -Be d8
    }

    It 'takes a source as an exact identity, and wildcards when they are written' {
        (Get-DbBackup -Source pats).Source | Select-Object -Unique | Should -Be pats
        (Get-DbBackup -Source pats*).Source | Select-Object -Unique | Should -Be pats, pats-test
        (Get-DbBackup -Source pat) | Should -BeNullOrEmpty
    }

    It 'compares names without case, in every culture' {
        New-SampleDatabase ./ismi.db
        New-DbBackup ./ismi.db -Name istif -Tag Ilk | Out-Null
        $culture = [cultureinfo]::CurrentCulture
        try {
            [cultureinfo]::CurrentCulture = 'tr-TR'
            (Get-DbBackup ISTIF).Name | Should -Be istif
            (Get-DbBackup -Source ISMI).Name | Should -Be istif
            (Get-DbBackup -Source IS*).Name | Should -Be istif
            (Get-DbBackup ISMI/ISTIF -Tag ILK).Name | Should -Be istif
            (Get-DbBackup -Source ISMI -Reason MANUAL -Latest).Name | Should -Be istif
            (Test-DbBackup ISTIF -Source ISMI).Passed | Should -BeTrue
            (Restore-DbBackup ISMI/ISTIF -Destination ./turkish.db -Confirm:$false -PassThru).Name | Should -Be istif
            (TabExpansion2 ($line = "Get-DbBackup -Repository '$repository' IST") $line.Length).CompletionMatches.CompletionText | Should -Be istif
            Remove-DbBackup ISTIF -Source ISMI -Force -Confirm:$false
            Get-DbBackup is* | Should -BeNullOrEmpty
        }
        finally { [cultureinfo]::CurrentCulture = $culture }
    }

    It 'filters by type and by all labels' {
        (Get-DbBackup -Reason PreMigration).Name | Should -Be 'd 20'
        (Get-DbBackup -Reason Manual, PreMigration) | Should -HaveCount 5
        (Get-DbBackup -Tag old, NIGHTLY).Name | Should -Be d8, d15
    }

    It 'Where Age <text> passes <expected>' -ForEach @(
        @{ Text = '-gt 7d'; Filter = { Where-Object Age -GT 7d }; Expected = 'd8', 'd15', 'd 20' }
        @{ Text = '-gt 12h'; Filter = { Where-Object Age -GT 12h }; Expected = 'h13', 'd8', 'd15', 'd 20' }
        @{ Text = '-gt 2w'; Filter = { Where-Object Age -GT 2w }; Expected = 'd15', 'd 20' }
        @{ Text = '-lt 1d'; Filter = { Where-Object Age -LT 1d }; Expected = 'h1', 'h13' }
        @{ Text = '-ge 1mo'; Filter = { Where-Object Age -GE 1mo }; Expected = $null }
        @{ Text = '-lt 1y'; Filter = $null; Expected = 'h1', 'h13', 'd8', 'd15', 'd 20' }
        @{ Text = '-gt 1y'; Filter = $null; Expected = $null }
        @{ Text = 'in a block, 7d'; Filter = { Where-Object { $_.Age -gt 7d } }; Expected = 'd8', 'd15', 'd 20' }
        @{ Text = "in a block, '2w'"; Filter = { Where-Object { $_.Age -gt '2w' } }; Expected = 'd15', 'd 20' }
        @{ Text = 'with a TimeSpan'; Filter = { Where-Object Age -GT (New-TimeSpan -Days 7) }; Expected = 'd8', 'd15', 'd 20' }) {
        $list = Get-DbBackup
        $passed = switch ($Text) {
            '-gt 7d' { $list | Where Age -gt 7d } '-gt 12h' { $list | Where Age -gt 12h } '-gt 2w' { $list | Where Age -gt 2w }
            '-lt 1d' { $list | Where Age -lt 1d } '-ge 1mo' { $list | Where Age -ge 1mo }
            '-lt 1y' { $list | Where Age -lt 1y } '-gt 1y' { $list | Where Age -gt 1y }
            default { $list | & ([scriptblock]::Create("process { `$_ | $Filter }")) }
        }
        $passed.Name | Should -Be $Expected
    }

    It 'Where Age -gt 7 passes nothing and says to write 7d' -ForEach '7', '7.5', '0', "'7'" {
        $records = Get-ErrorOf ([scriptblock]::Create("Get-DbBackup | Where Age -gt $_ | ForEach-Object { throw 'passed' }"))
        $records.Count | Should -Be 5
        "$($records[0])" | Should -Match "write [\d.]+d for days"
    }

    It 'is sorted, grouped and summed' {
        (Get-DbBackup | Sort-Object Created).Name | Should -Be 'd 20', d15, d8, h13, h1
        (Get-DbBackup | Sort-Object Age -Descending | Select-Object -First 1).Name | Should -Be 'd 20'
        $groups = Get-DbBackup | Group Source
        ($groups | Sort-Object Name | ForEach-Object Count) | Should -Be 4, 1
        (Get-DbBackup | Measure Size -Sum).Sum | Should -Be ((Get-DbBackup).Size | Measure-Object -Sum).Sum
        (Get-DbBackup | Where Size -gt 1GB) | Should -BeNullOrEmpty
        (Get-DbBackup)[0].CompressionRatio | Should -BeGreaterThan 0
        (Get-DbBackup)[0].TotalSize | Should -Be (Get-DbBackup)[0].OriginalSize
    }

    It 'takes dates and ages for -After and -Before' {
        (Get-DbBackup -After 14d -Before 7d).Name | Should -Be d8
        (Get-DbBackup -After 12h).Name | Should -Be h1
        (Get-DbBackup -Before 2w).Name | Should -Be d15, 'd 20'
        (Get-DbBackup -After (Get-Date).AddDays(-9) -Before (Get-Date).AddDays(-1)).Name | Should -Be d8
        (Get-DbBackup -After ([datetimeoffset]::UtcNow.AddHours(-2))).Name | Should -Be h1
        (Get-DbBackup -Before (Get-Date).AddDays(-10).ToString('yyyy-MM-dd')).Name | Should -Be d15, 'd 20'
        $culture = [cultureinfo]::CurrentCulture
        try {
            foreach ($case in ('', '03/04/2026'), ('en-GB', '03/04/2026'), ('de-DE', '03/04/2026')) {
                [cultureinfo]::CurrentCulture = $case[0]
                (Get-ErrorOf { Get-DbBackup -After $case[1] }).Exception.Message | Should -BeLike '*can be 2026-03-04 or 2026-04-03*' -Because "$case"
            }
            foreach ($case in ('en-US', '03/04/2026'), ('', '13/04/2026'), ('de-DE', '13.04.2026'), ('de-DE', '2026-04-03'), ('de-DE', '2026-04-03T02:00:00Z')) {
                [cultureinfo]::CurrentCulture = $case[0]
                (Get-DbBackup -After $case[1]) | Should -HaveCount 5 -Because "$case"
            }
        }
        finally { [cultureinfo]::CurrentCulture = $culture }
        (Get-DbBackup -After 1y) | Should -HaveCount 5
        (Get-DbBackup -After (New-TimeSpan -Hours 2)).Name | Should -Be h1
    }

    It 'refuses a bare number or nonsense for -After: <_>' -ForEach '7', "'7'", 'yesterdayish', "''" {
        $record = Get-ErrorOf ([scriptblock]::Create("Get-DbBackup -After $_"))
        $record | Should -HaveCount 1
        $record.FullyQualifiedErrorId | Should -Be 'ParameterArgumentTransformationError,DbBackup.PowerShell.Commands.GetDbBackupCommand'
        "$record" | Should -Match '7d'
    }

    It 'names a backup that is not there, but is silent about a wildcard' {
        Should-BeFailure (Get-ErrorOf { Get-DbBackup nothing }) BackupNotFound Get ObjectNotFound 'nothing'
        Get-ErrorOf { Get-DbBackup no* } | Should -BeNullOrEmpty
        { Get-DbBackup nothing -ErrorAction Stop } | Should -Throw -ErrorId 'BackupNotFound,*'
    }

    It 'says that a source has no backups, if it is named without wildcards' {
        Should-BeFailure (Get-ErrorOf { Get-DbBackup -Source pat }) BackupNotFound Get ObjectNotFound pat
        (Get-ErrorOf { Get-DbBackup -Source pat }).ErrorDetails.RecommendedAction | Should -Match pats
        Get-ErrorOf { Get-DbBackup -Source pat? } | Should -BeNullOrEmpty
        Get-ErrorOf { Get-DbBackup -Source pats -Tag none } | Should -BeNullOrEmpty
        Should-BeFailure (Get-ErrorOf { Test-DbBackup -Source pat -Latest }) BackupNotFound Test ObjectNotFound pat
        Should-BeFailure (Get-ErrorOf { Remove-DbBackup h1 -Source pat -Confirm:$false }) BackupNotFound Remove ObjectNotFound pat
        Should-BeFailure (Get-ErrorOf { Get-DbBackup -Repository ftp://host/backups }) RepositoryNotSupported Get NotImplemented
    }

    It 'says that no backup of a source is good, where -Latest is asked for a source' {
        New-DbBackup ./pats.db -Source broken -Name one | Out-Null
        Edit-Payload (Get-DbBackup one)
        Get-DbBackup one | Test-DbBackup -ErrorAction Ignore | Out-Null
        try {
            $problem = Get-ErrorOf { Get-DbBackup -Source broken -Latest }
            Should-BeFailure $problem BackupNotFound Get ObjectNotFound
            "$problem" | Should -Match 'broken/one.*Damaged'
            "$(Get-ErrorOf { Restore-DbBackup -Source broken -Latest -WhatIf })" | Should -Match 'broken/one.*Damaged'
            Get-DbBackup -Source bro* -Latest | Should -BeNullOrEmpty
        }
        finally { Remove-DbBackup broken/one -Force -Confirm:$false }
    }

    It 'is flat in JSON, and an age there is compared in days or not at all' {
        $json = Get-DbBackup d8 | ConvertTo-Json -EnumsAsStrings -WarningAction Ignore
        $json | Should -Match '"Status": "Written"'
        $again = $json | ConvertFrom-Json
        $again.Age | Should -BeOfType ([double])
        $again.Duration | Should -BeOfType ([double])
        $again | Where-Object Age -gt 7d | Should -Not -BeNullOrEmpty
        $again | Where-Object Age -gt 9d | Should -BeNullOrEmpty
        { $again | Where-Object Age -gt 1w -ErrorAction Stop } | Should -Throw
    }

    It 'says that a repository is not there' {
        Should-BeFailure (Get-ErrorOf { Get-DbBackup -Repository ./nowhere }) RepositoryNotFound Get ObjectNotFound
    }

    It 'takes source/name and a path where a name goes' {
        $backup = Import-DbBackup ./pats.db -Source other -Name addressed -Created 1d
        (Get-DbBackup other/addressed).Location | Should -Be $backup.Location
        (Get-DbBackup $backup.Location).Name | Should -Be addressed
        (Test-DbBackup other/addressed).Passed | Should -BeTrue
        (Get-DbBackup other/address*).Location | Should -Be $backup.Location
        (Restore-DbBackup other/addressed -Destination ./restored.db -Confirm:$false -PassThru).Name | Should -Be addressed
        (Restore-DbBackup "$($backup.Location)/" -Destination ./again.db -Confirm:$false -PassThru).Name | Should -Be addressed
        (Get-ErrorOf { Get-DbBackup other/missing }).FullyQualifiedErrorId | Should -BeLike 'BackupNotFound,*'
        $set = $env:DBBACKUP_REPOSITORY
        try {
            # Its repository is found from the path, by name and through the pipeline.
            $env:DBBACKUP_REPOSITORY = Join-Path $TestDrive nowhere
            (Get-DbBackup $backup.Location).Name | Should -Be addressed
            (Test-DbBackup (Join-Path $backup.Location backup.json)).Passed | Should -BeTrue
            (Get-Item -LiteralPath $backup.Location | Get-DbBackup).Name | Should -Be addressed
            (Get-Item -LiteralPath $backup.Location | Test-DbBackup).Name | Should -Be addressed
            (Export-DbBackup $backup.Location -Destination ./exported.db -Content Database).Name | Should -Be exported.db
        }
        finally { $env:DBBACKUP_REPOSITORY = $set }
        Remove-DbBackup other/addressed -Force -Confirm:$false
        $backup.Location | Should -Not -Exist
    }

    It 'has a PSPath, so that file cmdlets act on its folder alone' {
        $backup = Import-DbBackup ./pats.db -Source other -Name foldered -Created 1d
        $current = New-Folder ./current
        Push-Location $current
        try {
            $backup | Copy-Item -Destination ../copied -Recurse
            '../copied/backup.json' | Should -Exist
            $backup | Remove-Item -Recurse -Force
        }
        finally { Pop-Location }
        $backup.Location | Should -Not -Exist
        $current | Should -Exist
    }

    It 'compares the same after a job, and out of JSON the same or not at all' {
        $repository = (Get-DbBackup)[0].Repository
        $module = $ModulePath
        $job = Start-Job { Import-Module $using:module; Get-DbBackup -Repository $using:repository } | Receive-Job -Wait -AutoRemoveJob
        ($job | Where Age -gt 7d).Name | Should -Be (Get-DbBackup | Where Age -gt 7d).Name
        ($job | Where Status -ge Checked).Name | Should -Be (Get-DbBackup | Where Status -ge Checked).Name
        ($job | Where Status -ge Written).Name | Should -Be (Get-DbBackup | Where Status -ge Written).Name
        $json = Get-DbBackup | ConvertTo-Json -WarningAction Ignore | ConvertFrom-Json
        ($json | Where Age -gt 7d).Name | Should -Be (Get-DbBackup | Where Age -gt 7d).Name
        $json | Where Age -gt 12h -ErrorVariable records -ErrorAction SilentlyContinue | Should -BeNullOrEmpty
        $records.Count | Should -Be $json.Count
        (Get-DbBackup | ConvertTo-Json -Depth 1 -WarningAction Ignore) + (Get-DbBackup | ConvertTo-Csv) | Should -Not -Match 'DbBackup\.|System\.'
    }

    It 'survives Export-Clixml with its properties and its table' {
        Get-DbBackup | Export-Clixml ./list.xml
        $again = Import-Clixml ./list.xml
        $again.Name | Should -Be h1, h13, d8, d15, 'd 20'
        $again[0].PSObject.TypeNames[0] | Should -Be Deserialized.DbBackup.Backup
        $table = $again | Out-String
        $table | Should -Match 'Original Status'
        $table | Should -Match '(?m)^d15 +pats +Manual +15 d +\S+ \S+ +\S+ \S+ +Written'
        ($again | Get-DbBackup).Name | Should -Be (Get-DbBackup).Name
        ($again | Where Status -ge Written) | Should -HaveCount 5
        ($again | Sort-Object Age -Descending | Select-Object -First 1).Name | Should -Be 'd 20'
    }

    It 'compares ages of objects from elsewhere as it does those of its own' {
        Get-DbBackup | Export-Clixml ./ages.xml
        (Import-Clixml ./ages.xml | Where Age -gt 7d).Name | Should -Be d8, d15, 'd 20'
        (Import-Clixml ./ages.xml | Where Age -gt 12h).Name | Should -Be h13, d8, d15, 'd 20'
        Get-ErrorOf { Import-Clixml ./ages.xml | Where Age -gt 7 | ForEach-Object { throw 'passed' } } | Should -HaveCount 5
    }

    It 'shows control characters in foreign text by their codes, and keeps them in the objects' {
        $escape = [char]27
        $tag = "nice$escape]52;c;ZXZpbA==`a"
        New-DbBackup ./pats.db -Name esc -Tag $tag -Repository (Join-Path $TestDrive escapes) | Out-Null
        $backup = Get-DbBackup esc -Repository (Join-Path $TestDrive escapes)
        $backup.Tags | Should -Be $tag
        foreach ($text in ($backup | Format-List | Out-String), ($backup | Out-String)) { $text | Should -Not -Match "$escape\]|`a" }
        $backup | Format-List | Out-String | Should -Match 'nice\\x1b\]52;c;'
        $shown = Get-ErrorOf { Get-DbBackup "none${escape}c`a" -Repository (Join-Path $TestDrive escapes) } | Out-String
        $shown | Should -Not -Match "${escape}c|`a"
        $shown | Should -Match 'none\\x1bc'
    }

    Context 'bad backups' {
        BeforeAll {
            $bad = Join-Path $TestDrive bad
            foreach ($name in 'good', 'flipped', 'garbage', 'future') { New-DbBackup ./pats.db -Name $name -Repository $bad | Out-Null; Start-Sleep -Milliseconds 5 }
            Edit-Payload (Get-DbBackup flipped -Repository $bad)
            Get-DbBackup flipped -Repository $bad | Test-DbBackup | Out-Null
            foreach ($name in 'garbage', 'future') {
                $file = Join-Path $bad pats $name backup.json
                Set-ItemProperty -LiteralPath $file IsReadOnly $false
                $name -eq 'garbage' ? '{ "formatVersion": 1, "na' : ((Get-Content $file -Raw) -replace '"formatVersion": *1', '"formatVersion": 99') | Set-Content $file
            }
        }

        It 'are listed as such, with the reason' {
            $list = Get-DbBackup -Repository $bad
            $list | Should -HaveCount 4
            "$(($list | Where-Object Name -EQ garbage).Status)" | Should -Be Unreadable
            ($list | Where-Object Name -EQ garbage).Problem | Should -Not -BeNullOrEmpty
            "$(($list | Where-Object Name -EQ future).Status)" | Should -Be Unreadable
            ($list | Where-Object Name -EQ future).Problem | Should -Match 'newer|99'
            "$(($list | Where-Object Name -EQ flipped).Status)" | Should -Be Damaged
            ($list | Where Status -lt Written).Name | Sort-Object | Should -Be flipped, future, garbage
            $text = $list | Out-String
            $text | Should -Match 'UNREADABLE'
            $text | Should -Match 'DAMAGED'
            $list | Format-List | Out-String | Should -Match '(?s)Problem +: .*newer'
        }

        It 'are never the latest, nor older than anything' {
            (Get-DbBackup -Latest -Repository $bad).Name | Should -Be good
            (Get-DbBackup -Repository $bad | Where Age -gt 0d).Name | Should -Not -Contain garbage
        }

        It 'are passed over together with safety backups by -Latest' {
            Copy-Item ./pats.db ./keep.db
            Get-DbBackup good -Repository $bad | Restore-DbBackup -Force
            (Get-DbBackup -Repository $bad)[0].Reason | Should -Be Safety
            (Get-DbBackup -Latest -Repository $bad).Name | Should -Be good
            (Get-DbBackup -Latest -Reason Safety -Repository $bad).Reason | Should -Be Safety
        }
    }

    Context 'how it looks' {
        It 'is a table with humane sizes and ages' {
            $text = (Get-DbBackup | Out-String -Width 120).Trim() -split "`r?`n"
            $text[0] | Should -Match '^Name +Source +Reason +Age +Size Original Status *$'
            $text[2] | Should -Match '^h1 +pats +Manual +60 min +[\d.]+ KB +[\d.]+ KB Written *$|^h1 +pats +Manual +59 min|^h1 +pats +Manual +\d+ (h|min)'
            $text | Should -HaveCount 7
        }

        It 'has colours where they are wanted, for what needs attention' {
            $PSStyle.OutputRendering = 'Ansi'
            try { (Get-DbBackup | Out-String) | Should -Match ([regex]::Escape($PSStyle.Foreground.BrightYellow) + 'Written') }
            finally { $PSStyle.OutputRendering = 'PlainText' }
        }

        It 'is a list that names what is in it' {
            $text = Get-DbBackup d8 | Format-List | Out-String -Width 200
            $text | Should -Match 'Payloads +: pats\.db\.'
            $text | Should -Match 'Tables +: 2 with 75 rows'
            $text | Should -Match 'Duration +: [\d.]+ s'
            $text | Should -Match 'Tags +: old, nightly'
        }

        It 'keeps short what is nested, also in Format-List *' {
            $text = Get-DbBackup d8 | Format-List * | Out-String -Width 200
            $text | Should -Not -Match 'System\.Collections'
            ($text -split "`n" -match '^Manifest')[0].Length | Should -BeLessThan 140
        }

        It 'shows the important properties where several kinds of objects are mixed' {
            $text = & { [pscustomobject]@{ x = 1 }; Get-DbBackup d8 } | Format-List | Out-String
            $text | Should -Not -Match 'Manifest'
        }
    }
}
