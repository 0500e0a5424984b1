Describe 'Remove-DbBackup' {
    BeforeAll { . $PSScriptRoot/common.ps1 }
    BeforeEach {
        $folder = Enter-NewFolder
        New-SampleDatabase ./pats.db
        foreach ($name in 'first', 'second', 'third') { New-DbBackup ./pats.db -Name $name | Out-Null }
    }
    AfterEach { Set-Location $RepositoryRoot }

    It 'removes by name, wildcard, pipeline, and emits nothing' {
        Remove-DbBackup first -Confirm:$false | Should -BeNullOrEmpty
        (Get-DbBackup).Name | Should -Be third, second
        'second' | Remove-DbBackup -Confirm:$false
        (Get-DbBackup).Name | Should -Be third
        Test-Path ./backups/pats/first | Should -BeFalse
        Get-ChildItem ./backups -Force -Recurse -File | Where-Object FullName -NotLike '*/pats/third/*' | Where-Object Length -GT 1KB | Should -BeNullOrEmpty
    }

    It 'refuses what CSV made of the age, and takes the names out of it' {
        Get-DbBackup first | Export-Csv ./list.csv
        $row = Import-Csv ./list.csv
        Should-BeFailure (Get-ErrorOf { $row | Remove-DbBackup -Confirm:$false }) InvalidArgument Remove OperationStopped '*first*'
        Should-BeFailure (Get-ErrorOf { Remove-DbBackup first -Age 7d -Confirm:$false }) InvalidArgument Remove InvalidArgument
        (Get-DbBackup).Name | Should -Be third, second, first
        $row | Select-Object Name, Source, Repository | Remove-DbBackup -Confirm:$false
        (Get-DbBackup).Name | Should -Be third, second
    }

    It 'emits what it removed with -PassThru' {
        (Remove-DbBackup f*, second -PassThru -Confirm:$false).Name | Should -Be first, second
    }

    It 'prints what would go under -WhatIf, what stays, and removes nothing' {
        $before = Get-Snapshot .
        $text = Get-WhatIfText { Get-DbBackup | Remove-DbBackup -WhatIf -ErrorAction SilentlyContinue }
        $text | Should -Match "What if: Remove backup 'pats/first'"
        $text | Should -Match "What if: Remove backup 'pats/second'"
        $text | Should -Not -Match "What if: Remove backup 'pats/third'"
        Get-WhatIfText { $WhatIfPreference = $true; Remove-DbBackup first -Confirm:$false } | Should -Match 'What if'
        Get-Snapshot . | Should -Be $before
    }

    It 'keeps the newest good one when all of a source are to go, in whatever order they come' {
        $removed = Get-DbBackup | Sort-Object Created | Remove-DbBackup -Confirm:$false -PassThru -ErrorVariable records -ErrorAction SilentlyContinue
        $removed.Name | Sort-Object | Should -Be first, second
        Should-BeFailure $records LastGoodBackup Remove OperationStopped '*third*'
        (Get-DbBackup).Name | Should -Be third
        Should-BeFailure (Get-ErrorOf { Remove-DbBackup third -Confirm:$false }) LastGoodBackup Remove OperationStopped
        Remove-DbBackup third -Force -Confirm:$false
        Get-DbBackup | Should -BeNullOrEmpty
    }

    It 'counts a damaged backup for nothing: an older good one stays' {
        Edit-Payload (Get-DbBackup third)
        Test-DbBackup third | Out-Null
        Get-DbBackup | Remove-DbBackup -Confirm:$false -ErrorAction SilentlyContinue
        (Get-DbBackup).Name | Should -Be second
    }

    It 'removes what is older than an age, and nothing for a bare number' {
        Set-BackupDate (Get-DbBackup first) ([datetimeoffset]::Now.AddDays(-8))
        Get-ErrorOf { Get-DbBackup | Where Age -gt 7 | Remove-DbBackup -Confirm:$false } | Should -HaveCount 3
        Get-DbBackup | Should -HaveCount 3
        (Get-DbBackup | Where Age -gt 7d | Remove-DbBackup -Confirm:$false -PassThru).Name | Should -Be first
    }

    It 'takes a source as an exact identity' {
        New-SampleDatabase ./pats-test.db
        New-DbBackup ./pats-test.db -Name first | Out-Null
        Get-DbBackup -Source pats | Remove-DbBackup -Force -Confirm:$false
        (Get-DbBackup).Source | Should -Be pats-test
    }

    It 'takes objects from a file and from a job' {
        Get-DbBackup first | Export-Clixml ./one.xml
        Import-Clixml ./one.xml | Remove-DbBackup -Confirm:$false
        $remote = Start-Job { param($m, $f) Import-Module $m; Get-DbBackup second -Repository $f/backups } -ArgumentList $ModulePath, $folder | Receive-Job -Wait -AutoRemoveJob
        Set-Location $TestDrive
        $remote | Remove-DbBackup -Confirm:$false
        (Get-DbBackup -Repository $folder/backups).Name | Should -Be third
    }

    It 'removes an unreadable backup, which is no good one' {
        $file = './backups/pats/first/backup.json'
        Set-ItemProperty $file IsReadOnly $false
        'garbage' | Set-Content $file
        Get-DbBackup first | Remove-DbBackup -Confirm:$false
        (Get-DbBackup).Name | Should -Be third, second
    }

    It 'names what is not there, and what is gone meanwhile' {
        Should-BeFailure (Get-ErrorOf { Remove-DbBackup none -Confirm:$false }) BackupNotFound Remove ObjectNotFound '*none'
        Should-BeFailure (Get-ErrorOf { Remove-DbBackup first -Repository ./none -Confirm:$false }) RepositoryNotFound Remove ObjectNotFound
        $gone = Get-DbBackup first
        $gone | Remove-DbBackup -Confirm:$false
        Should-BeFailure (Get-ErrorOf { $gone | Remove-DbBackup -Confirm:$false }) BackupNotFound Remove ObjectNotFound
    }

    It 'needs a name' {
        $text = Invoke-FreshShell "Import-Module '$ModulePath'; Set-Location '$folder'; try { Remove-DbBackup } catch { `$_.FullyQualifiedErrorId }; 'went on'"
        $text | Should -Match '^MissingMandatoryParameter,DbBackup.PowerShell.Commands.RemoveDbBackupCommand\s+went on'
        (Get-DbBackup) | Should -HaveCount 3
    }
}
