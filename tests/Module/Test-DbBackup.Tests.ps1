Describe 'Test-DbBackup' {
    BeforeAll { . $PSScriptRoot/common.ps1 }
    BeforeEach {
        $folder = Enter-NewFolder
        New-SampleDatabase ./pats.db
        New-Folder ./uploads | Out-Null
        'one' | Set-Content ./uploads/1.txt
        $backup = New-DbBackup ./pats.db -AdditionalPath ./uploads -Name one
    }
    AfterEach { Set-Location $RepositoryRoot }

    It 'climbs with -Level <level> to <status>' -ForEach @(
        @{ Level = 'Checksum'; Status = 'Checked' }, @{ Level = 'Structure'; Status = 'Checked' }, @{ Level = 'Restore'; Status = 'Matched' }) {
        $result = $backup | Test-DbBackup -Level $Level
        $result | Should -BeOfType ([DbBackup.BackupTestResult])
        $result.Passed | Should -BeTrue
        "$($result.Level)" | Should -Be $Level
        "$($result.Status)" | Should -Be $Status
        $result.Checks.Count | Should -BeGreaterOrEqual 2
        $result.Failure | Should -BeNullOrEmpty
        "$((Get-DbBackup one).Status)" | Should -Be $Status
        (Get-DbBackup one).LastTested | Should -Not -BeNullOrEmpty
    }

    It 'tests structure by default, and never lowers what was reached' {
        "$(($backup | Test-DbBackup).Level)" | Should -Be Structure
        $backup | Test-DbBackup -Level Restore | Out-Null
        $backup | Test-DbBackup -Level Checksum | Out-Null
        "$((Get-DbBackup one).Status)" | Should -Be Matched
    }

    It 'finds one flipped bit, as a result and as an error' {
        Edit-Payload $backup
        foreach ($level in 'Checksum', 'Structure', 'Restore') {
            $result = Test-DbBackup one -Level $level -ErrorVariable records -ErrorAction SilentlyContinue
            Should-BeFailure $records TestFailed Test InvalidData '*pats/one*'
            $result.Passed | Should -BeFalse
            "$($result.Status)" | Should -Be Damaged
            $result.Failure | Should -Match 'pats\.db'
        }
        "$((Get-DbBackup one).Status)" | Should -Be Damaged
        ($result | Out-String) | Should -Match 'FAILED'
    }

    It 'ends a script that asks with -ErrorAction Stop, after the result' {
        Edit-Payload $backup
        $script:seen = @()
        { Test-DbBackup one -ErrorAction Stop | ForEach-Object { $script:seen += $_ } } | Should -Throw -ErrorId 'TestFailed,*'
        $seen.Passed | Should -Be $false
    }

    It 'asks assertions of a SQLite database; one that is not true is no damage, one that cannot run is nothing' {
        $result = Test-DbBackup one -Level Restore -Assert 'select count(*) > 0 from documents', 'select count(*) from documents'
        $result.Passed | Should -BeTrue
        $result.Checks.Name | Should -Contain 'assertion select count(*) from documents'
        $result = Test-DbBackup one -Level Restore -Assert 'select count(*) from nowhere', 'delete from documents', 'select 1' -ErrorVariable records -ErrorAction SilentlyContinue
        Should-BeFailure $records AssertionNotRun Test InvalidArgument '*no such table: nowhere*'
        "$($result.Passed) $($result.Status)" | Should -Be 'False Matched'
        $result.NotRun | Should -HaveCount 2
        "$((Get-DbBackup one).Status)" | Should -Be Matched
        $result = Test-DbBackup one -Level Restore -Assert 'select count(*) > 1000000 from documents' -ErrorVariable records -ErrorAction SilentlyContinue
        Should-BeFailure $records TestFailed Test InvalidData '*it returned 0*'
        "$($result.Status)" | Should -Be Mismatched
    }

    It 'finds a payload that was cut off, and one that is gone' {
        $file = Join-Path $backup.Location $backup.Manifest.Payloads[0].FileName
        Set-ItemProperty $file IsReadOnly $false
        [IO.File]::WriteAllBytes($file, [IO.File]::ReadAllBytes($file)[0..100])
        (Test-DbBackup one).Passed | Should -BeFalse
        Remove-Item $file -Force
        (Test-DbBackup one).Passed | Should -BeFalse
    }

    It 'takes names, wildcards, sources, -Latest and all' {
        New-SampleDatabase ./other.db
        New-DbBackup ./pats.db -Name two | Out-Null
        New-DbBackup ./other.db -Name three | Out-Null
        (Test-DbBackup one, t*).Name | Sort-Object | Should -Be one, three, two
        (Test-DbBackup -Latest).Name | Sort-Object | Should -Be three, two
        (Test-DbBackup -Source pats).Name | Should -Be two, one
        (Test-DbBackup -Source pats -Latest).Name | Should -Be two
        (Test-DbBackup) | Should -HaveCount 3
        ('one', 'two' | Test-DbBackup).Name | Should -Be one, two
    }

    It 'takes objects from a file and from a job, and by their properties' {
        $backup | Export-Clixml ./one.xml
        (Import-Clixml ./one.xml | Test-DbBackup).Name | Should -Be one
        $job = Start-Job { param($m, $f) Import-Module $m; Get-DbBackup -Repository $f/backups } -ArgumentList $ModulePath, $folder
        $remote = $job | Receive-Job -Wait -AutoRemoveJob
        $remote.PSObject.TypeNames[0] | Should -Be Deserialized.DbBackup.Backup
        Set-Location $TestDrive
        ($remote | Test-DbBackup -Level Restore).Passed | Should -BeTrue
        ([pscustomobject]@{ Name = 'one'; Source = 'pats'; Repository = "$folder/backups" } | Test-DbBackup).Passed | Should -BeTrue
    }

    It 'restores where -StagingPath says, and leaves nothing there' {
        New-Folder ./staging | Out-Null
        (Test-DbBackup one -Level Restore -StagingPath ./staging).Passed | Should -BeTrue
        Get-ChildItem ./staging -Force | Should -BeNullOrEmpty
        Get-ChildItem ./backups -Force -Recurse -File | Where-Object FullName -NotLike '*/pats/one/*' | Where-Object Name -NE repository.json | Should -BeNullOrEmpty
    }

    It 'names what is not there' {
        Should-BeFailure (Get-ErrorOf { Test-DbBackup none }) BackupNotFound Test ObjectNotFound '*none'
        Should-BeFailure (Get-ErrorOf { Test-DbBackup -Source none }) BackupNotFound Test ObjectNotFound
        Should-BeFailure (Get-ErrorOf { Test-DbBackup -Repository ./none }) RepositoryNotFound Test ObjectNotFound
        $backup | Remove-DbBackup -Force -Confirm:$false
        Should-BeFailure (Get-ErrorOf { $backup | Test-DbBackup }) BackupNotFound Test ObjectNotFound '*pats/one'
        { Test-DbBackup none -ErrorAction Stop } | Should -Throw -ErrorId 'BackupNotFound,*'
    }

    It 'says why a manifest cannot be used, and goes on with the others' {
        New-DbBackup ./pats.db -Name two | Out-Null
        $file = Join-Path $backup.Location backup.json
        Set-ItemProperty $file IsReadOnly $false
        'garbage' | Set-Content $file
        $result = Test-DbBackup -ErrorVariable records -ErrorAction SilentlyContinue
        $result.Name | Should -Be two
        Should-BeFailure $records ManifestUnreadable Test InvalidData
    }

    It 'shows each check on a line of its own' {
        $text = $backup | Test-DbBackup | Out-String -Width 150
        $text | Should -Match '(?m)^Checks +: ok pats\.db\S* checksum: '
        $text | Should -Match '(?m)^ +ok uploads'
        $text | Should -Match 'Backup +: pats/one'
    }

    It 'ends with Select-Object -First 1' {
        New-DbBackup ./pats.db -Name two | Out-Null
        (Test-DbBackup | Select-Object -First 1) | Should -HaveCount 1
    }
}
