# samples/service as it stands, but for the base: no image can be pulled here, so one with PowerShell is made of what the tests have.
Describe 'The sample of a backup service' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        $script:folder = Enter-NewFolder
        $script:project = $null
        function Invoke-SampleCompose {
            docker compose version 2>&1 | Out-Null
            $all = @('--project-directory', $project, '--file', "$project/compose.yaml") + $args
            $output = if ($LASTEXITCODE) { docker-compose @all 2>&1 } else { docker compose @all 2>&1 }
            if ($LASTEXITCODE) { throw "compose $args exited with ${LASTEXITCODE}: $($output -join "`n")" }
            $output
        }
        function Get-ServiceHealth {
            $port = "$(Invoke-SampleCompose port backup 8080 | Select-Object -Last 1)".Split(':')[-1]
            try { Invoke-WebRequest "http://127.0.0.1:$port/health" -SkipHttpErrorCheck } catch { $null }
        }
        function Wait-ServiceHealth([int] $Status, [string] $Pattern, [int] $Seconds = 90) {
            $limit = [datetime]::UtcNow.AddSeconds($Seconds)
            do {
                Start-Sleep -Milliseconds 500
                $answer = Get-ServiceHealth
                if ($answer.StatusCode -eq $Status -and $answer.Content -match $Pattern) { return $answer.Content | ConvertFrom-Json }
            } while ([datetime]::UtcNow -lt $limit)
            throw "The service did not come so far: $($answer.StatusCode) $($answer.Content) $(Invoke-SampleCompose logs)"
        }
        # Writes a plan as a user does, and makes it due.
        function Set-SamplePlan([string] $Text, [string] $Date) {
            $file = "$project/plans/nightly.json"
            Set-Content $file $Text
            chown 10001:10001 $file
            touch --date $Date $file
        }
        if ($env:DBBACKUP_TEST_DOCKERPREFIX) {
            $shell = Split-Path (Get-SameShell)[-1]
            $root = [IO.Path]::GetFullPath("$([Runtime.InteropServices.RuntimeEnvironment]::GetRuntimeDirectory())/../../..")
            $version = Split-Path -Leaf ([Runtime.InteropServices.RuntimeEnvironment]::GetRuntimeDirectory().TrimEnd('/'))
            $base = New-TestDockerName pwsh
            New-Folder ./base/dotnet/shared/Microsoft.NETCore.App | Out-Null
            cp -a "$root/dotnet" "$root/host" ./base/dotnet
            cp -a "$root/shared/Microsoft.NETCore.App/$version" ./base/dotnet/shared/Microsoft.NETCore.App
            cp -aL $shell ./base/powershell
            "#!/bin/sh`nexec /usr/share/dotnet/dotnet /opt/powershell/pwsh.dll `"`$@`"" | Set-Content ./base/pwsh
            chmod +x ./base/pwsh
            # The tree of Debian that the other images are made of: its tag names what it holds.
            $tree = Invoke-Docker image ls --format '{{.Repository}}:{{.Tag}}' dbbackup-test/base | Where-Object { $_ -like '*:bookworm-*' } | Select-Object -First 1
            "FROM $tree`nCOPY dotnet /usr/share/dotnet`nCOPY powershell /opt/powershell`nCOPY pwsh /usr/bin/pwsh" | Set-Content ./base/Dockerfile
            $env:DOCKER_BUILDKIT = '0'
            Invoke-Docker build --quiet --network none --tag $base ./base | Out-Null

            $script:project = New-Folder (Join-Path $folder (New-TestDockerName service))
            Copy-Item -Recurse "$RepositoryRoot/samples/service/*" $project
            $module = New-Folder "$project/DbBackup"
            Copy-Item "$RepositoryRoot/DbBackup.psd1" $module
            Copy-Item -Recurse "$RepositoryRoot/module" "$module/module"
            if (Test-Path "$RepositoryRoot/en-US") { Copy-Item -Recurse "$RepositoryRoot/en-US" "$module/en-US" }
            # The user of the image, as the sample's guide says.
            chown -R 10001:10001 "$project/plans"
            chmod -R go-w "$project/plans"
            "BASE=$base`nPACKAGES=`nHEALTH_PORT=0`n" | Set-Content "$project/.env"
            Invoke-SampleCompose build
        }
    }
    AfterAll {
        if ($project) { try { Invoke-SampleCompose down --volumes --timeout 30 | Out-Null } catch { Write-Warning "$_" } }
        Set-Location $RepositoryRoot
    }

    It 'is built, runs without root, runs its plan, turns with a failed run, and stops' {
        Require-Docker
        $plan = Get-Content "$project/plans/nightly.json" -Raw
        $due = $plan.Replace('0 2 * * *', '* * * * *')
        Set-SamplePlan $due '2 hours ago'
        # The volume of the application's data, which the service may only read.
        $volume = "$(Split-Path -Leaf $project)_data".ToLowerInvariant()
        Invoke-Docker run --rm --network none --volume "${volume}:/data" dbbackup-test/app:1 python3 -c "import sqlite3; c = sqlite3.connect('/data/app.db'); c.execute('create table t (x)'); c.execute('insert into t values (1)'); c.commit()" | Out-Null
        Invoke-SampleCompose up --detach | Out-Null
        $health = Wait-ServiceHealth 200 '"lastState": "Succeeded"'
        $health.plans[0].name | Should -Be nightly
        Invoke-SampleCompose exec -T backup id -u | Select-Object -Last 1 | Should -Be 10001
        "$(Invoke-SampleCompose exec -T backup ls /backups/app)" | Should -Match 'full'
        $id = Invoke-SampleCompose ps --quiet backup | Select-Object -Last 1

        Set-SamplePlan $due.Replace('/data/app.db', '/data/gone.db') '2 hours ago'
        (Wait-ServiceHealth 503 'gone\.db').status | Should -Be failing

        $watch = [Diagnostics.Stopwatch]::StartNew()
        Invoke-SampleCompose stop --timeout 60 | Out-Null
        $watch.Elapsed.TotalSeconds | Should -BeLessThan 40
        Invoke-Docker inspect --format '{{.State.ExitCode}}' $id | Should -Be 0
        "$(Invoke-SampleCompose logs backup)" | Should -Match 'The service ends'
    }
}
