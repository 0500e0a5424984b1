# AIMMS as it is deployed: PostgreSQL and Redis in containers on a server that is reached with ssh, each with a volume that outlives
# its container. Everything here goes through ssh, to a daemon of the test's own; the backups come here, as the guide's scp fetched them.
Describe 'AIMMS on a server that is reached with ssh' {
    BeforeAll {
        . $PSScriptRoot/../Module/common.ps1
        # sshd insists on being called by its full path; /usr/sbin is not on everybody's PATH.
        $daemon = @((Get-Command sshd -CommandType Application -ErrorAction Ignore).Source) + '/usr/sbin/sshd' | Where-Object { $_ -and (Test-Path $_) } | Select-Object -First 1
        $ready = $env:DBBACKUP_TEST_DOCKERPREFIX -and $daemon -and (Get-Command ssh -CommandType Application -ErrorAction Ignore)
        function Require-DockerOverSsh {
            if ($ready) { return }
            Require-Docker
            if ($env:CI -eq 'true') { throw 'This test may not be skipped here: there is no sshd or no ssh (apt install openssh-server openssh-client).' }
            Set-ItResult -Skipped -Because 'there is no sshd or no ssh (apt install openssh-server openssh-client)'
        }
        if (-not $ready) { return }
        Set-Location (New-Folder (Join-Path $TestDrive aimms))
        Use-TestRepository backups

        # A daemon with keys of its own, and an ssh that knows nothing but them: nobody's ~/.ssh is read or written.
        function Get-FreePort {
            $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
            $listener.Start()
            $listener.LocalEndpoint.Port
            $listener.Stop()
        }
        $keys = New-Folder (Join-Path $PWD ssh)
        & ssh-keygen -q -t ed25519 -N '' -f (Join-Path $keys host)
        & ssh-keygen -q -t ed25519 -N '' -f (Join-Path $keys user)
        $port = Get-FreePort
        # The daemon's folder for its unprivileged part; a machine that never ran it as a service has none.
        if ((id -u) -eq 0) { New-Folder /run/sshd | Out-Null }
        Set-Content (Join-Path $keys sshd_config) @"
Port $port
ListenAddress 127.0.0.1
HostKey $keys/host
AuthorizedKeysFile $keys/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
SetEnv PATH=$env:PATH
"@
        Set-Content (Join-Path $keys ssh_config) @"
IdentityFile $keys/user
IdentitiesOnly yes
UserKnownHostsFile $keys/known_hosts
GlobalKnownHostsFile none
StrictHostKeyChecking yes
"@
        Set-Content (Join-Path $keys known_hosts) "[127.0.0.1]:$port $(((Get-Content (Join-Path $keys host.pub)) -split ' ')[0..1] -join ' ')"
        $client = (Get-Command ssh -CommandType Application)[0].Source
        $tools = New-Folder (Join-Path $keys bin)
        Set-Content (Join-Path $tools ssh) "#!/bin/sh`nexec '$client' -F '$keys/ssh_config' `"`$@`""
        chmod 700 (Join-Path $tools ssh)
        $path = $env:PATH
        $env:PATH = "$tools$([IO.Path]::PathSeparator)$path"
        $log = Join-Path $keys sshd.log
        $sshd = Start-Process $daemon -ArgumentList '-D', '-f', (Join-Path $keys sshd_config), '-E', $log -PassThru
        $engine = "ssh://$(id -un)@127.0.0.1:$port"
        $limit = [DateTime]::UtcNow.AddSeconds(30)
        do {
            $answer = & ssh -p $port "$(id -un)@127.0.0.1" docker version --format '{{.Server.Version}}' 2>&1
            if ($LASTEXITCODE) { Start-Sleep -Milliseconds 200 }
        } while ($LASTEXITCODE -and [DateTime]::UtcNow -lt $limit)
        if ($LASTEXITCODE) { throw "ssh to the test's own daemon does not work: $answer`n$(Get-Content $log -Raw)" }

        $volume = New-TestVolume
        $postgres = New-TestDockerName postgres
        function Start-Postgres {
            New-TestContainer dbbackup-test/postgres:15 -Name $postgres -Option '--volume', "${volume}:/var/lib/postgresql/data", '--env', 'POSTGRES_USER=aimms_user',
                '--env', 'POSTGRES_PASSWORD=secret', '--env', 'POSTGRES_DB=aimms_web', '--env', 'POSTGRES_INITDB_ARGS=--no-sync' -Command '-c', 'fsync=off' | Out-Null
            Wait-TestPostgreSql $postgres
        }
        function Read-Aimms([string] $Database, [string] $Sql) { Invoke-ContainerSql $postgres -User aimms_user -Database $Database $Sql }
        Start-Postgres
        Read-Aimms postgres 'create database aimms_reports'
        Read-Aimms aimms_web @'
create role aimms_reader login password 'reads';
create table jobs (id serial primary key, name text not null, cost numeric(10, 2) not null);
insert into jobs (name, cost) select 'job ' || i, i / 3.0 from generate_series(1, 3000) i;
grant select on jobs to aimms_reader;
'@
        Read-Aimms aimms_reports "create table pages (id serial primary key); insert into pages select from generate_series(1, 40)"
        $totals = 'select count(*), sum(cost) from jobs'
        $expected = Read-Aimms aimms_web $totals

        $cacheVolume = New-TestVolume
        $redis = New-TestContainer dbbackup-test/redis:7 -Name (New-TestDockerName redis) -Option '--volume', "${cacheVolume}:/data"
        function Invoke-Redis { Invoke-Docker exec $redis redis-cli @args }
        function Wait-Redis {
            $limit = [DateTime]::UtcNow.AddSeconds(60)
            while ((& docker exec $redis redis-cli ping 2>&1) -ne 'PONG') {
                if ([DateTime]::UtcNow -gt $limit) { throw "Redis does not answer: $(& docker logs --tail 20 $redis 2>&1 | Out-String)" }
                Start-Sleep -Milliseconds 100
            }
        }
    }
    AfterAll {
        if ($ready) {
            $env:PATH = $path
            # What it serves ends with it.
            if ($sshd) { Stop-Process -Id $sshd.Id -ErrorAction Ignore }
        }
        Set-Location $RepositoryRoot
        Remove-Item Env:DBBACKUP_REPOSITORY -ErrorAction Ignore
    }

    It 'backs up all databases and roles of the container, here' {
        Require-DockerOverSsh
        $backup = New-DbBackup -DockerHost $engine -Container $postgres -AllDatabases -Source aimms -Name nightly
        $backup.Manifest.Payloads.Kind | Should -Contain Globals
        $backup.Manifest.Payloads.Database.Name | Should -Contain aimms_web
        $backup.Manifest.Payloads.Database.Name | Should -Contain aimms_reports
        $backup.Location | Should -BeLike "$(($env:DBBACKUP_REPOSITORY -split '\?')[0])*"
        # It did go through ssh.
        Get-Content $log -Raw | Should -BeLike '*Accepted publickey*'
        $backup.Manifest.Payloads.OriginalPath | Where-Object { $_ } | Should -BeLike "docker+ssh://*127.0.0.1:$port/*"
        ($backup | Test-DbBackup).Passed | Should -BeTrue
    }

    It 'one database out of it, under another name, beside the one that lives' {
        Require-DockerOverSsh
        Read-Aimms aimms_web 'delete from jobs where id > 10'
        $result = Restore-DbBackup nightly -Source aimms -DockerHost $engine -Container $postgres -Database aimms_web -NewName aimms_web_yesterday -Force -PassThru
        $result.Status | Should -Be Matched
        Read-Aimms aimms_web_yesterday $totals | Should -Be $expected
        Read-Aimms aimms_web 'select count(*) from jobs' | Should -Be 10
    }

    It 'emergency: container and volume are gone; made anew, all databases and roles come back' {
        Require-DockerOverSsh
        Invoke-Docker rm --force $postgres | Out-Null
        Invoke-Docker volume rm $volume | Out-Null
        Invoke-Docker volume create $volume | Out-Null
        Start-Postgres
        Read-Aimms aimms_web "select to_regclass('jobs') is null" | Should -Be t
        # Where it came from is in the backup: neither engine nor container is said again.
        $result = Restore-DbBackup nightly -Source aimms -Force -PassThru
        $result.Status | Should -Be Matched
        Read-Aimms aimms_web $totals | Should -Be $expected
        Read-Aimms aimms_reports 'select count(*) from pages' | Should -Be 40
        # The role has its password, which the network asks for, and what it was granted.
        $address = Invoke-Docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' $postgres
        Invoke-Docker run --rm --name (New-TestDockerName reader) --env PGPASSWORD=reads dbbackup-test/app:1 python3 -c 'import psycopg2, sys; c = psycopg2.connect(host=sys.argv[1], user="aimms_reader", dbname="aimms_web").cursor(); c.execute("select count(*) from jobs"); print(c.fetchone()[0])' $address | Should -Be 3000
    }

    It 'the Redis volume: what was flushed is back, and Redis runs' {
        Require-DockerOverSsh
        Wait-Redis
        $pairs = 1..20 | ForEach-Object { "job:$_"; "state $_" }
        Invoke-Redis mset @pairs | Should -Be OK
        $backup = New-DbBackup -DockerHost $engine -Volume $cacheVolume -Source aimms_redis -Name nightly
        $backup.Manifest.Payloads.Kind | Should -Be Files
        Invoke-Redis flushall | Should -Be OK
        Invoke-Redis dbsize | Should -Be 0
        Restore-DbBackup nightly -Source aimms_redis -DockerHost $engine -Force
        Wait-Redis
        Invoke-Redis dbsize | Should -Be 20
        Invoke-Redis get job:7 | Should -Be 'state 7'
    }

    It 'the Redis volume again, removed with its container' {
        Require-DockerOverSsh
        Invoke-Docker rm --force $redis | Out-Null
        Invoke-Docker volume rm $cacheVolume | Out-Null
        Invoke-Docker volume create $cacheVolume | Out-Null
        Restore-DbBackup nightly -Source aimms_redis -DockerHost $engine -Force
        New-TestContainer dbbackup-test/redis:7 -Name $redis -Option '--volume', "${cacheVolume}:/data" | Out-Null
        Wait-Redis
        Invoke-Redis dbsize | Should -Be 20
        Invoke-Redis get job:20 | Should -Be 'state 20'
    }

    It 'a server that does not let us in is one clear error, with ssh''s own words' {
        Require-DockerOverSsh
        $before = Get-RepositorySnapshot
        $failure = Get-ErrorOf { New-DbBackup -DockerHost "ssh://nobody_here@127.0.0.1:$port" -Container $postgres -AllDatabases -Source aimms }
        Should-BeFailure $failure ServerUnreachable New
        "$($failure.Exception.Message)" | Should -BeLike '*Permission denied*'
        $failure.ErrorDetails.RecommendedAction | Should -BeLike "*ssh -p $port nobody_here@127.0.0.1*"
        Get-RepositorySnapshot | Should -Be $before
    }
}
