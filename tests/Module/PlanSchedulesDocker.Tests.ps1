# A machine with systemd and cron, as a container: the schedulers run as on any Debian, and this machine's own stay as they are.
Describe 'Schedules of plans on a machine that boots' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        $script:machine = $null
        $image = 'dbbackup-test/scheduler:1'
        $script:hasImage = $env:DBBACKUP_TEST_DOCKERPREFIX -and (docker image ls --quiet $image)

        # First in an It, like Require-Docker.
        function Require-Machine {
            if ($machine) { return }
            if ($env:CI -eq 'true') { throw 'This test may not be skipped here: there is no image of a machine that boots (tests/docker/build-scheduler-image.sh).' }
            Set-ItResult -Skipped -Because 'there is no Docker engine with the image of a machine that boots'
        }

        function Invoke-Machine([string] $Script, [string] $User = 'root') {
            $output = docker exec --user $User --env NO_COLOR=1 $machine /usr/share/dotnet/dotnet /opt/powershell/pwsh.dll -NoProfile -NonInteractive -Command "`$ErrorActionPreference = 'Stop'; Import-Module /module/DbBackup.psd1; $Script" 2>&1
            if ($LASTEXITCODE) { throw "exit code ${LASTEXITCODE}: $($output -join "`n")" }
            $output -join "`n"
        }

        # All that schedulers read and remember.
        function Get-SchedulerState {
            (docker exec $machine sh -c 'find /etc/systemd/system /etc/cron.d /var/spool/cron /var/lib/systemd/timers -exec ls -ld --time-style=+ {} + 2>/dev/null | sed "s/^\(\S*\) *\S* \(\S* \S*\) *\S* /\1 \2 /"; systemctl list-units --all --no-legend --plain "dbbackup*"; systemctl list-timers --all --no-legend | grep dbbackup; crontab -l 2>&1') -join "`n"
        }

        function Wait-Run([string] $Plan) {
            $limit = [datetime]::UtcNow.AddSeconds(120)
            do {
                Start-Sleep -Seconds 1
                $run = docker exec $machine sh -c "cat /root/.local/share/DbBackup/runs/$Plan/*.json 2>/dev/null | head -n 1"
            } while ("$run" -notmatch '^[^\[]*"State":[1-4],' -and [datetime]::UtcNow -lt $limit)
            Invoke-Machine "Get-DbBackupRun $Plan | Select-Object -First 1 | ConvertTo-Json -Depth 5 -EnumsAsStrings" | ConvertFrom-Json
        }

        if ($hasImage) {
            $shell = Split-Path (Get-SameShell)[-1]
            $root = Split-Path ([IO.Path]::GetFullPath("$([Runtime.InteropServices.RuntimeEnvironment]::GetRuntimeDirectory())/../../../x"))
            $machine = New-TestDockerName machine
            # What systemd needs of a container: https://systemd.io/CONTAINER_INTERFACE.
            Invoke-Docker run --detach --name $machine --cap-add SYS_ADMIN --security-opt seccomp=unconfined --cgroupns private --tmpfs /run --tmpfs /run/lock `
                --volume "${root}:/usr/share/dotnet:ro" --volume "${shell}:/opt/powershell:ro" --volume "${RepositoryRoot}:/module:ro" $image | Out-Null
            $limit = [datetime]::UtcNow.AddSeconds(60)
            while ((docker exec $machine systemctl is-system-running 2>&1) -notin 'running', 'degraded' -and [datetime]::UtcNow -lt $limit) { Start-Sleep -Milliseconds 300 }
            Invoke-Docker exec $machine sh -c 'mkdir /srv/app && sqlite3 /srv/app/pats.db "create table t (x); insert into t values (1), (2);"' | Out-Null
        }
    }

    It 'are systemd timers, which fire, are verified, and go without a trace' {
        Require-Machine
        $before = Get-SchedulerState
        Invoke-Machine "Register-DbBackupPlan nightly -Backup @{ Path = '/srv/app/pats.db' } -Repository /srv/backups -Schedule '* * * * *' | Out-Null; (Enable-DbBackupPlan nightly).Scheduler" | Should -Be systemd
        docker exec $machine systemd-analyze verify /etc/systemd/system/dbbackup-user-nightly.timer /etc/systemd/system/dbbackup-user-nightly.service 2>&1 | Should -BeNullOrEmpty
        $run = Wait-Run nightly
        $run.Trigger | Should -Be Schedule
        $run.State | Should -Be Succeeded -Because (docker exec $machine journalctl --no-pager --unit dbbackup-user-nightly 2>&1 | Out-String)
        $run.Backups | Should -HaveCount 1
        docker exec $machine systemctl show --property Result --value dbbackup-user-nightly.service | Should -Be success
        Invoke-Machine 'Disable-DbBackupPlan nightly | Out-Null'
        Get-SchedulerState | Should -Be $before
    }

    It 'say the truth in the state of the unit if a run fails' {
        Require-Machine
        $before = Get-SchedulerState
        Invoke-Machine "Register-DbBackupPlan failing -Backup @{ Path = '/srv/app/missing.db' } -Repository /srv/backups -Schedule '* * * * *' -SkipCheck | Enable-DbBackupPlan | Out-Null"
        (Wait-Run failing).State | Should -Be Failed
        $limit = [datetime]::UtcNow.AddSeconds(20)
        while ((docker exec $machine systemctl is-failed dbbackup-user-failing.service) -ne 'failed' -and [datetime]::UtcNow -lt $limit) { Start-Sleep -Milliseconds 200 }
        docker exec $machine systemctl is-failed dbbackup-user-failing.service | Should -Be failed
        Invoke-Machine 'Unregister-DbBackupPlan failing -Confirm:$false'
        Get-SchedulerState | Should -Be $before
    }

    It 'are lines of cron, which fire and go without a trace, for a user and for the machine' {
        Require-Machine
        $before = Get-SchedulerState
        $plan = "-Backup @{ Path = '/srv/app/pats.db' } -Repository /srv/backups -Schedule '* * * * *'"
        Invoke-Machine "Register-DbBackupPlan own $plan | Enable-DbBackupPlan -Scheduler cron | Out-Null; Register-DbBackupPlan all.machine -Scope Machine $plan | Enable-DbBackupPlan -Scheduler cron | Out-Null"
        (Wait-Run own).State | Should -Be Succeeded
        $limit = [datetime]::UtcNow.AddSeconds(90)
        do { Start-Sleep -Seconds 1; $record = docker exec $machine sh -c 'cat /var/lib/dbbackup/runs/all.machine/*.json 2>/dev/null | head -n 1' } while ("$record" -notmatch '^[^\[]*"State":[1-4],' -and [datetime]::UtcNow -lt $limit)
        (Invoke-Machine 'Get-DbBackupRun all.machine | Select-Object -First 1 | ConvertTo-Json -Depth 5 -EnumsAsStrings' | ConvertFrom-Json).State | Should -Be Succeeded
        Invoke-Machine 'Unregister-DbBackupPlan own, all.machine -Confirm:$false'
        Get-SchedulerState | Should -Be $before
    }
}
