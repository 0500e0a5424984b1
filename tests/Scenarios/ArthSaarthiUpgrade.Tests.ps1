# ArthSaarthi's standard upgrade: its guide has five steps by hand, of which the second gives the old data back only to who types
# the recovery without a mistake. Here one command checks out a release, builds it, migrates, and takes all back where that fails.
Describe 'ArthSaarthi is upgraded to a release' {
    BeforeAll {
        . $PSScriptRoot/../Module/common.ps1
        . $PSScriptRoot/../Module/shop.ps1
        if (-not $env:DBBACKUP_TEST_DOCKERPREFIX) { return }
        Set-Location (New-Folder (Join-Path $TestDrive arthsaarthi))
        $env:XDG_DATA_HOME = Join-Path $PWD data
        Use-TestRepository backups
        $shop = New-TestShop -Backend 'build: .' -Dockerfile 'FROM dbbackup-test/shop:1'
        function Invoke-Git {
            $output = & git -C $shop.Folder -c user.name=tests -c user.email=tests@example.org @args 2>&1
            if ($LASTEXITCODE) { throw "git $args exited with ${LASTEXITCODE}: $output" }
            $output
        }
        # The branch stays at version 1; every release is a tag beside it.
        Invoke-Git init --quiet --initial-branch main
        Invoke-Git add --all
        Invoke-Git commit --quiet --message 'Version 1'
        foreach ($release in @{ v2 = '2'; 'v2-bad' = 'badmigration'; 'v2-half' = 'halfmigration'; 'v2-crash' = 'crash' }.GetEnumerator()) {
            Invoke-Git checkout --quiet --detach main
            Set-Content -LiteralPath (Join-Path $shop.Folder Dockerfile) "FROM dbbackup-test/shop:$($release.Value)"
            Invoke-Git commit --quiet --all --message $release.Key
            Invoke-Git tag $release.Key
        }
        Invoke-Git checkout --quiet main
        function Get-Checkout { Invoke-Git symbolic-ref HEAD; Invoke-Git status --porcelain }
        $upgrade = @{
            ComposeProject = $shop.Folder; Service = 'backend'; DatabaseService = 'db'; Build = $true; Migrate = 'alembic upgrade head'; DatabaseVariable = 'DATABASE_URL'
            HealthCheck = "$($shop.Url)/health"; SettleTime = 1; Source = 'arthsaarthi'; Timeout = 120; Confirm = $false
        }
        $quietly = @{ ErrorAction = 'SilentlyContinue'; ErrorVariable = 'failed'; WarningAction = 'SilentlyContinue' }
        $before = Get-ShopState $shop
        $backend = Invoke-Compose $shop.Folder ps -q backend
    }
    AfterAll {
        if ($shop) { Remove-TestShop $shop }
        Set-Location $RepositoryRoot
        Remove-Item Env:DBBACKUP_REPOSITORY, Env:XDG_DATA_HOME -ErrorAction Ignore
    }

    It 'runs version 1 with 200 orders' {
        Require-Docker
        $before | Should -Contain 'version 1'
        $before | Should -Contain 'schema r1'
        $before -like 'orders 200 *' | Should -HaveCount 1
        $before -like 'container *running' | Should -HaveCount 2
        Get-Checkout | Should -Be refs/heads/main
    }

    It 'shows what it would do, and does nothing' {
        Require-Docker
        Invoke-DbUpgrade @upgrade -GitRef v2 -WhatIf
        Should-BeState $shop $before
        Get-Checkout | Should -Be refs/heads/main
        Get-DbUpgrade | Should -BeNullOrEmpty
        Test-Path ./backups | Should -BeFalse
    }

    It 'a release that is not there is refused before anything is stopped' {
        Require-Docker
        $result = Invoke-DbUpgrade @upgrade @quietly -GitRef v9
        $failed | Should -Not -BeNullOrEmpty
        "$failed" | Should -Match v9
        if ($result) { ($result.Steps | Where-Object Name -EQ Maintenance).State | Should -Be Pending }
        Invoke-Compose $shop.Folder ps -q backend | Should -Be $backend
        Should-BeState $shop $before
        Get-Checkout | Should -Be refs/heads/main
    }

    It 'a migration that fails is found in the rehearsal: the application runs on' {
        Require-Docker
        $result = Invoke-DbUpgrade @upgrade @quietly -GitRef v2-bad
        Should-BeTakenBack $result $failed $shop $before
        $failed[0].Exception.Message | Should -Match 'r2 cannot be applied'
        ($result.Steps | Where-Object Name -EQ Rehearsal).State | Should -Be Failed
        ($result.Steps | Where-Object Name -EQ Maintenance).State | Should -Be Pending
        # Not stopped, not made anew, not even for a moment.
        Invoke-Compose $shop.Folder ps -q backend | Should -Be $backend
        Get-Checkout | Should -Be refs/heads/main
    }

    It 'one that deletes before it fails has deleted on the rehearsal''s copy alone' {
        Require-Docker
        $result = Invoke-DbUpgrade @upgrade @quietly -GitRef v2-half
        Should-BeTakenBack $result $failed $shop $before
        ($result.Steps | Where-Object Name -EQ Maintenance).State | Should -Be Pending
        Invoke-Compose $shop.Folder ps -q backend | Should -Be $backend
    }

    It 'without a rehearsal it deletes the orders, and they come back with the old version' {
        Require-Docker
        $result = Invoke-DbUpgrade @upgrade @quietly -GitRef v2-half -NoRehearsal
        Should-BeTakenBack $result $failed $shop $before
        $failed[0].Exception.Message | Should -Match 'r2 stops in the middle'
        ($result.Steps | Where-Object Name -EQ Migration).State | Should -Be Failed
        ($result.Steps | Where-Object Name -EQ Rollback).State | Should -Be Done
        Get-Checkout | Should -Be refs/heads/main
    }

    It 'a version that ends after its start is taken back, schema and code' {
        Require-Docker
        # It ends two seconds after its start.
        $upgrade.SettleTime = 60
        $result = Invoke-DbUpgrade @upgrade @quietly -GitRef v2-crash
        $upgrade.SettleTime = 1
        Should-BeTakenBack $result $failed $shop $before
        ($result.Steps | Where-Object Name -EQ Migration).State | Should -Be Done
        Get-Checkout | Should -Be refs/heads/main
        # Who starts the project later gets the old version too.
        Invoke-Compose $shop.Folder up --detach | Out-Null
        Should-BeState $shop $before
    }

    It 'the release is installed: new code, new schema, all orders' {
        Require-Docker
        $result = Invoke-DbUpgrade @upgrade -GitRef v2
        Should-BeUpgraded $result $shop $before
        ($result.Steps | Where-Object Name -EQ Rehearsal).State | Should -Be Done
        Invoke-Git rev-parse HEAD | Should -Be (Invoke-Git rev-parse 'v2^{commit}')
        Invoke-Git status --porcelain | Should -BeNullOrEmpty
        Invoke-ShopSql $shop "select count(*) from orders where extra = 'new'" | Should -Be 200
        $backup = Get-DbBackup -Source arthsaarthi -Reason PreMigration -Latest
        $result.Backup | Should -Be "arthsaarthi/$($backup.Name)"
        "$($backup.Reason) $($backup.Status) $($backup.SchemaRevision)" | Should -Be 'PreMigration Matched r1'
    }

    It 'and is taken back a day later' {
        Require-Docker
        $undone = Get-DbUpgrade | Where-Object State -EQ Succeeded | Undo-DbUpgrade -Force -WarningAction SilentlyContinue
        "$($undone.State)" | Should -Be RolledBack
        Should-BeState $shop $before
        Get-Checkout | Should -Be refs/heads/main
    }
}
