# PartsHub as it is deployed: one container with /app/data in the volume partshub_data, the database and the attachments that its
# rows name, written to all the time. Both ways of its guide, the data directory and the volume, and what each brings back.
Describe 'PartsHub keeps its data volume' {
    BeforeAll {
        . $PSScriptRoot/../Module/common.ps1
        if (-not $env:DBBACKUP_TEST_DOCKERPREFIX) { return }
        Set-Location (New-Folder (Join-Path $TestDrive partshub))
        Use-TestRepository backups
        $volume = New-TestVolume
        $application = New-TestContainer -Option '--volume', "${volume}:/app/data" -Command python3, /opt/dbbackup-test/writer.py, '--pause', '0.02', attachments, /app/data/partshub.db, /app/data/attachments
        # Somebody else who reads the same volume, and was off before anything began.
        $off = New-TestContainer -Option '--volume', "${volume}:/data"
        Invoke-Docker stop $off | Out-Null
        # Of each row: is its attachment there, with the hash that the row says? In a container of its own, so that the application may be on or off.
        function Test-Parts {
            $report = Invoke-Docker run --rm --name (New-TestDockerName check) --volume "${volume}:/app/data" dbbackup-test/app:1 python3 -c @'
import hashlib, os, sqlite3
database = sqlite3.connect('/app/data/partshub.db', timeout=60)
missing = wrong = 0
rows = database.execute('SELECT file, sha256 FROM attachments').fetchall()
for file, sha256 in rows:
    path = '/app/data/attachments/' + file
    if not os.path.exists(path):
        missing += 1
    elif hashlib.sha256(open(path, 'rb').read()).hexdigest() != sha256:
        wrong += 1
print(len(rows), missing, wrong, database.execute('PRAGMA integrity_check').fetchone()[0])
'@
            $rows, $missing, $wrong, $integrity = $report -split ' '
            [pscustomobject]@{ Rows = [int]$rows; Missing = [int]$missing; Wrong = [int]$wrong; Integrity = $integrity }
        }
        function Assert-Restored($Backup) {
            $parts = Test-Parts
            $parts.Rows | Should -BeExactly ($Backup.Manifest.Payloads[0].Fingerprint.Tables | Where-Object Name -EQ attachments).Rows
            $parts.Rows | Should -BeGreaterThan 0
            $parts.Missing | Should -Be 0
            $parts.Wrong | Should -Be 0
            $parts.Integrity | Should -Be ok
        }
        function Test-Running([string] $Container) { (Invoke-Docker inspect --format '{{.State.Running}}' $Container) -eq 'true' }
        function Wait-Lines([int] $More) {
            $goal = (Invoke-Docker logs $application | Measure-Object).Count + $More
            $limit = [DateTime]::UtcNow.AddSeconds(60)
            while ((Invoke-Docker logs $application | Measure-Object).Count -lt $goal) {
                if ([DateTime]::UtcNow -gt $limit) { throw "The application does not write: $(& docker logs --tail 20 $application 2>&1 | Out-String)" }
                Start-Sleep -Milliseconds 100
            }
        }
        Wait-Lines 40
    }
    AfterAll {
        Set-Location $RepositoryRoot
        Remove-Item Env:DBBACKUP_REPOSITORY -ErrorAction Ignore
    }

    It 'the data directory: database and attachments together, while the application writes' {
        Require-Docker
        Invoke-Docker exec $application sh -c 'echo scan > /app/data/attachments/scan.txt'
        $backup = New-DbBackup -Container $application -ContainerPath /app/data -Source partshub -Name daily1 -Verify
        $backup.Status | Should -Be Matched
        $backup.Manifest.Payloads.Kind | Should -Contain Database
        $backup.Manifest.Payloads.Kind | Should -Contain Files
        # Still on, and still writing; what was off is off.
        Wait-Lines 5
        Test-Running $off | Should -BeFalse
    }

    It 'the volume: the same by its name' {
        Require-Docker
        $backup = New-DbBackup -Volume $volume -Source partshub_volume -Name daily1 -Verify
        $backup.Status | Should -Be Matched
        $backup.Manifest.Payloads.Kind | Should -Contain Database
        Wait-Lines 5
        Test-Running $off | Should -BeFalse
    }

    It 'an attachment is deleted: it alone comes back while the application writes' {
        Require-Docker
        $started = Invoke-Docker inspect --format '{{.State.StartedAt}}' $application
        Invoke-Docker exec $application rm /app/data/attachments/scan.txt
        Restore-DbBackup daily1 -Source partshub -File attachments/scan.txt -Force
        Invoke-Docker exec $application cat /app/data/attachments/scan.txt | Should -Be scan
        Invoke-Docker inspect --format '{{.State.StartedAt}}' $application | Should -Be $started
        Wait-Lines 5
    }

    It 'the attachments are deleted: the data directory comes back, and what was off stays off' {
        Require-Docker
        Invoke-Docker exec $application sh -c 'rm -rf /app/data/attachments/*'
        # Off, so that it does not write again before the restored state was looked at.
        Invoke-Docker stop $application | Out-Null
        (Test-Parts).Missing | Should -BeGreaterThan 0
        $result = Restore-DbBackup daily1 -Source partshub -Force -PassThru
        $result.Status | Should -Be Matched
        Assert-Restored (Get-DbBackup daily1 -Source partshub)
        Test-Running $application | Should -BeFalse
        Test-Running $off | Should -BeFalse
        $result.SafetyBackup | Should -Not -BeNullOrEmpty
    }

    It 'the volume is emptied: all of it comes back' {
        Require-Docker
        Invoke-Docker run --rm --name (New-TestDockerName eraser) --volume "${volume}:/app/data" dbbackup-test/app:1 sh -c 'rm -rf /app/data/*'
        $result = Restore-DbBackup daily1 -Source partshub_volume -Force -PassThru
        $result.Status | Should -Be Matched
        Assert-Restored (Get-DbBackup daily1 -Source partshub_volume)
        Test-Running $application | Should -BeFalse
    }

    It 'an application that runs is stopped for the swap, started again, and writes on' {
        Require-Docker
        Invoke-Docker start $application | Out-Null
        Wait-Lines 5
        $result = Restore-DbBackup daily1 -Source partshub -Force -PassThru
        $result.Status | Should -Be Matched
        $result.Downtime | Should -BeGreaterThan ([timespan]::Zero)
        Test-Running $application | Should -BeTrue
        Test-Running $off | Should -BeFalse
        Wait-Lines 5
        Invoke-Docker stop $application | Out-Null
        $parts = Test-Parts
        $parts.Missing | Should -Be 0
        $parts.Wrong | Should -Be 0
        $parts.Integrity | Should -Be ok
    }

    It 'nothing that was made for the work is left in the volume or on the engine' {
        Require-Docker
        Invoke-Docker run --rm --name (New-TestDockerName look) --volume "${volume}:/app/data" dbbackup-test/app:1 ls -A /app/data | Where-Object { $_ -notlike 'partshub.db*' } | Should -Be attachments
        $using = Invoke-Docker ps --all --filter "volume=$volume" --format '{{.Names}}' | Sort-Object
        $using | Should -Be ($application, $off | Sort-Object)
    }
}
