# PartsHub without its container: /app/data with partshub.db and attachments/ in it, backed up as one, daily, kept for a week.
Describe 'PartsHub keeps its data folder' {
    BeforeAll {
        . $PSScriptRoot/../Module/common.ps1
        Set-Location (New-Folder (Join-Path $TestDrive partshub))
        New-Folder ./data/attachments | Out-Null
        New-SampleDatabase ./data/partshub.db -Rows 1000 -Revision abc123
        1..30 | ForEach-Object { "sheet $_" | Set-Content "./data/attachments/datasheet $_.pdf" }
        Use-TestRepository nas
    }
    AfterAll { Set-Location $RepositoryRoot; Remove-Item Env:DBBACKUP_REPOSITORY }

    It 'backs up the entire data folder with the database in it, while somebody writes' {
        Require-Tool sqlite3 tar
        $writer = [Diagnostics.Process]::Start([Diagnostics.ProcessStartInfo]@{ FileName = 'sqlite3'; Arguments = 'data/partshub.db'; WorkingDirectory = "$PWD"; RedirectStandardInput = $true })
        try {
            $writer.StandardInput.WriteLine('.timeout 5000')
            1..200 | ForEach-Object { $writer.StandardInput.WriteLine("insert into applications (company) values ('new $_');") }
            $writer.StandardInput.Flush()
            $backup = New-DbBackup ./data/partshub.db -AdditionalPath ./data -Verify -Name daily1
        }
        finally { $writer.StandardInput.Close(); $writer.WaitForExit(10000) | Out-Null }
        $backup.Status | Should -Be Matched
        ($backup.Manifest.Payloads | Where-Object Kind -EQ Files).RestoreName | Should -Be data
    }

    It 'brings the whole folder back after a loss' {
        Require-Tool sqlite3 tar
        $expected = ((Get-DbBackup daily1).Manifest.Payloads[0].Fingerprint.Tables | Where-Object Name -EQ applications).Rows
        Remove-Item ./data -Recurse
        Restore-DbBackup daily1 -Source partshub -Force
        Get-RowCount ./data/partshub.db | Should -Be $expected
        Get-ChildItem ./data/attachments | Should -HaveCount 30
        sqlite3 ./data/partshub.db 'pragma integrity_check' | Should -Be ok
    }

    It 'refuses to replace the folder under an application that runs' {
        Require-Tool sqlite3 tar
        $application = [Diagnostics.Process]::Start([Diagnostics.ProcessStartInfo]@{ FileName = 'sqlite3'; Arguments = 'data/partshub.db'; WorkingDirectory = "$PWD"; RedirectStandardInput = $true; RedirectStandardOutput = $true })
        try {
            $application.StandardInput.WriteLine('select 1 from applications limit 1;')
            $application.StandardInput.Flush()
            $application.StandardOutput.ReadLine() | Should -Be 1
            Should-BeFailure (Get-ErrorOf { Restore-DbBackup daily1 -Source partshub -Confirm:$false }) TargetInUse Restore ResourceBusy
        }
        finally { $application.StandardInput.Close(); $application.WaitForExit(5000) | Out-Null }
    }

    It 'is tested in a staging place, and counts equal' {
        Require-Tool sqlite3 tar
        $result = Get-DbBackup -Source partshub -Latest | Test-DbBackup -Level Restore
        $result.Passed | Should -BeTrue
        "$($result.Status)" | Should -Be Matched
    }

    It 'takes over the tar.gz archives of the old script, with their dates' {
        Require-Tool sqlite3 tar
        tar -czf partshub_backup_20250101.tar.gz data
        $backup = Get-ChildItem ./partshub_backup_*.tar.gz | Import-DbBackup -Source partshub -Verify
        $backup.Status | Should -Be Matched
        $backup.Created.LocalDateTime | Should -Be ([datetime] '2025-01-01')
    }

    It 'deletes what is older than 7 days, but no other source, and not the last good one' {
        Require-Tool sqlite3 tar
        New-SampleDatabase ./other.db
        New-DbBackup ./other.db -Name old -Source partshub-test | Out-Null
        Get-DbBackup old -Source partshub-test | ForEach-Object { Set-BackupDate $_ ([datetimeoffset]::Now.AddDays(-30)) }
        Get-DbBackup -Source partshub | Where Age -gt 7d | Remove-DbBackup -Confirm:$false
        (Get-DbBackup -Source partshub -Reason Manual).Name | Should -Be daily1
        Get-DbBackup | Where Age -gt 7d | Remove-DbBackup -Confirm:$false -ErrorVariable kept -ErrorAction SilentlyContinue
        $kept.FullyQualifiedErrorId | Should -BeLike 'LastGoodBackup,*'
        (Get-DbBackup -Source partshub-test).Name | Should -Be old
    }
}
