# PartsHub's upgrade strategy: one container with its volume, replaced by one of the new image. Its guide stops it, renames it and
# runs another by hand, and says "If migrations fail, restore from the last known good backup".
Describe 'PartsHub gets a new image' {
    BeforeAll {
        . $PSScriptRoot/../Module/common.ps1
        . $PSScriptRoot/../Module/shop.ps1
        if (-not $env:DBBACKUP_TEST_DOCKERPREFIX) { return }
        Set-Location (New-Folder (Join-Path $TestDrive partshub))
        $env:XDG_DATA_HOME = Join-Path $PWD data
        Use-TestRepository backups
        # The application on a volume of its own: 200 orders, and two attachments beside the database.
        function New-PartsHub([string[]] $Option = @()) {
            $port = Get-FreePort
            $volume = New-TestVolume
            $name = New-TestContainer dbbackup-test/shop:1 -Option (@(
                    '--volume', "${volume}:/app/data", '--env', 'DATABASE_URL=sqlite:////app/data/partshub.db', '--publish', "127.0.0.1:${port}:8000"
                ) + $Option)
            Invoke-Docker exec $name sh -c @'
set -e
[ -n "$AUTO_MIGRATE" ] || alembic upgrade head
until sqlite3 /app/data/partshub.db 'select * from alembic_version' 2>/dev/null | grep -q r1; do sleep 0.1; done
sqlite3 -cmd '.timeout 60000' /app/data/partshub.db "with recursive n(i) as (select 1 union all select i + 1 from n where i < 200) insert into orders (note) select 'part ' || i from n"
mkdir /app/data/attachments
head -c 100000 /dev/urandom >/app/data/attachments/datasheet.pdf
echo pinout >/app/data/attachments/pinout.txt
'@
            [pscustomobject]@{
                Name = $name
                Url  = "http://127.0.0.1:$port"
                Data = {
                    param($Shop)
                    Invoke-Docker exec $Shop.Name sqlite3 -cmd '.timeout 60000' /app/data/partshub.db "select 'schema ' || version_num from alembic_version; select 'orders ' || count(*) || ' ' || hex(sha3(group_concat(id || ' ' || note))) from (select * from orders order by id)"
                    Invoke-Docker exec $Shop.Name sh -c 'cd /app/data && find attachments -type f -exec sha256sum {} + | sort'
                }
            }
        }
        # What a person has said of the container; another image changes none of it.
        function Get-Definition([string] $Name) {
            $found = Invoke-Docker inspect $Name | ConvertFrom-Json
            @(
                $found.Config.Env | Where-Object { $_ -notlike 'SHOP_VERSION=*' } | Sort-Object
                $found.Config.Labels.owner
                $found.HostConfig.Binds
                $found.HostConfig.RestartPolicy.Name
                $found.HostConfig.Memory
                $found.HostConfig.PortBindings | ConvertTo-Json -Compress
                # The engine adds the container's id.
                foreach ($network in $found.NetworkSettings.Networks.PSObject.Properties | Sort-Object Name) { $network.Name; $network.Value.Aliases -notmatch '^[0-9a-f]{12}$' }
            ) | Out-String
        }
        $quietly = @{ ErrorAction = 'SilentlyContinue'; ErrorVariable = 'failed'; WarningAction = 'SilentlyContinue' }
        $network = New-TestDockerName network
        Invoke-Docker network create $network | Out-Null
        $shop = New-PartsHub -Option '--restart', 'unless-stopped', '--label', 'owner=workshop', '--env', 'SITE=shed', '--memory', '512m', '--network', $network, '--network-alias', 'parts'
        $upgrade = @{ Container = $shop.Name; Migrate = 'alembic upgrade head'; HealthCheck = "$($shop.Url)/health"; SettleTime = 1; Source = 'partshub'; Timeout = 120; Confirm = $false }
        $before = Get-ShopState $shop
        $definition = Get-Definition $shop.Name
    }
    AfterAll {
        Set-Location $RepositoryRoot
        Remove-Item Env:DBBACKUP_REPOSITORY, Env:XDG_DATA_HOME -ErrorAction Ignore
    }

    It 'runs version 1 with its attachments' {
        Require-Docker
        $before | Should -Contain 'version 1'
        $before | Should -Contain 'schema r1'
        $before -like 'orders 200 *' | Should -HaveCount 1
        $before -like '*attachments/*' | Should -HaveCount 2
        $definition | Should -Match '(?s)SITE=shed.*workshop.*unless-stopped.*parts'
    }

    It 'an image that is not there is refused, and the container runs on' {
        Require-Docker
        $started = Invoke-Docker inspect --format '{{.State.StartedAt}}' $shop.Name
        Invoke-DbUpgrade @upgrade @quietly -Image dbbackup-test/shop:none | Out-Null
        "$failed" | Should -Match 'dbbackup-test/shop:none'
        Invoke-Docker inspect --format '{{.State.StartedAt}}' $shop.Name | Should -Be $started
        Should-BeState $shop $before
    }

    It 'a migration that destroys data is found in the rehearsal, on a copy of the volume' {
        Require-Docker
        $started = Invoke-Docker inspect --format '{{.State.StartedAt}}' $shop.Name
        $result = Invoke-DbUpgrade @upgrade @quietly -Image dbbackup-test/shop:halfmigration
        Should-BeTakenBack $result $failed $shop $before
        ($result.Steps | Where-Object Name -EQ Rehearsal).State | Should -Be Failed
        ($result.Steps | Where-Object Name -EQ Maintenance).State | Should -Be Pending
        Invoke-Docker inspect --format '{{.State.StartedAt}}' $shop.Name | Should -Be $started
    }

    It 'without a rehearsal, orders and attachments come back after it' {
        Require-Docker
        $result = Invoke-DbUpgrade @upgrade @quietly -Image dbbackup-test/shop:halfmigration -NoRehearsal
        Should-BeTakenBack $result $failed $shop $before
        $failed[0].Exception.Message | Should -Match 'r2 stops in the middle'
        ($result.Steps | Where-Object Name -EQ Rollback).State | Should -Be Done
        Get-Definition $shop.Name | Should -Be $definition
    }

    It 'an image that crashes, and that the engine starts again and again, is not taken for one that runs' {
        Require-Docker
        # It ends two seconds after each start.
        $upgrade.SettleTime = 60
        $result = Invoke-DbUpgrade @upgrade @quietly -Image dbbackup-test/shop:crash
        $upgrade.SettleTime = 1
        Should-BeTakenBack $result $failed $shop $before
        ($result.Steps | Where-Object Name -EQ Migration).State | Should -Be Done
        Get-Definition $shop.Name | Should -Be $definition
    }

    It 'version 2 is installed: the same container in all but its image' {
        Require-Docker
        $result = Invoke-DbUpgrade @upgrade -Image dbbackup-test/shop:2
        Should-BeUpgraded $result $shop $before
        Get-Definition $shop.Name | Should -Be $definition
        Invoke-Docker inspect --format '{{.Config.Image}}' $shop.Name | Should -Be dbbackup-test/shop:2
        $backup = Get-DbBackup -Source partshub -Reason PreMigration -Latest
        $result.Backup | Should -Be "partshub/$($backup.Name)"
        "$($backup.Reason) $($backup.Status)" | Should -Be 'PreMigration Matched'
        $backup.Manifest.Payloads.Kind | Should -Contain Database
        $backup.Manifest.Payloads.Kind | Should -Contain Files
        # It goes on working: the volume is writable for it, and the next number is free.
        Invoke-Docker exec $shop.Name sqlite3 /app/data/partshub.db "insert into orders (note) values ('part 201') returning id, extra" | Should -Be '201|new'
    }

    It 'an image that migrates by itself at its start needs no command, and is taken back as well' {
        Require-Docker
        $own = New-PartsHub -Option '--env', 'AUTO_MIGRATE=1'
        $before = Get-ShopState $own
        $upgrade = @{ Container = $own.Name; HealthCheck = "$($own.Url)/health"; SettleTime = 1; Source = 'partshub_auto'; Timeout = 120; Confirm = $false }
        $result = Invoke-DbUpgrade @upgrade @quietly -Image dbbackup-test/shop:halfmigration
        Should-BeTakenBack $result $failed $own $before
        $result = Invoke-DbUpgrade @upgrade -Image dbbackup-test/shop:2
        Should-BeUpgraded $result $own $before
    }
}
