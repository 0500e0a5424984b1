# Vamsa backs up "Before database migrations", by hand and if somebody thinks of it. Its compose service follows a tag that its
# maker moves: the image under it is another one tomorrow. A version that falls sick a few seconds after its start is the trap.
Describe 'Vamsa follows a tag that moves' {
    BeforeAll {
        . $PSScriptRoot/../Module/common.ps1
        . $PSScriptRoot/../Module/shop.ps1
        if (-not $env:DBBACKUP_TEST_DOCKERPREFIX) { return }
        Set-Location (New-Folder (Join-Path $TestDrive vamsa))
        $env:XDG_DATA_HOME = Join-Path $PWD data
        Use-TestRepository backups
        $image = "$(New-TestDockerName image):stable"
        # What a pull does to a tag.
        function Move-Tag([string] $Version) { Invoke-Docker tag "dbbackup-test/shop:$Version" $image }
        Move-Tag 1
        $shop = New-TestShop -Backend "image: $image"
        $upgrade = @{
            ComposeProject = $shop.Folder; Service = 'backend'; DatabaseService = 'db'; Migrate = 'alembic upgrade head'; DatabaseVariable = 'DATABASE_URL'
            # For the sick version, which is healthy for four seconds; the others are done sooner.
            SettleTime = 60; Source = 'vamsa'; Timeout = 120; Confirm = $false
        }
        $quietly = @{ ErrorAction = 'SilentlyContinue'; ErrorVariable = 'failed'; WarningAction = 'SilentlyContinue' }
        function Get-RunningImage { Invoke-Docker inspect --format '{{.Image}}' (Invoke-Compose $shop.Folder ps -q backend) }
        $old = Get-RunningImage
        $before = Get-ShopState $shop
    }
    AfterAll {
        if ($shop) { Remove-TestShop $shop }
        Set-Location $RepositoryRoot
        Remove-Item Env:DBBACKUP_REPOSITORY, Env:XDG_DATA_HOME -ErrorAction Ignore
    }

    It 'runs version 1 of the tag' {
        Require-Docker
        $before | Should -Contain 'version 1'
        $before -like 'orders 200 *' | Should -HaveCount 1
        $old | Should -Be (Invoke-Docker image inspect --format '{{.Id}}' dbbackup-test/shop:1)
    }

    It 'a version that is healthy at first and sick later is taken back, without a check of its own' {
        Require-Docker
        Move-Tag sick
        $result = Invoke-DbUpgrade @upgrade @quietly
        Should-BeTakenBack $result $failed $shop $before
        # It was the new version that was found sick: nothing before it had failed.
        ($result.Steps | Where-Object Name -EQ Start).State | Should -BeIn Done, Failed
        ($result.Steps | Where-Object Name -EQ Migration).State | Should -Be Done
        ($result.Steps | Where-Object Name -EQ Rollback).State | Should -Be Done
        $failed[0].Exception.Message | Should -Match 'healthy'
        Get-RunningImage | Should -Be $old
    }

    It 'the tag is led back too: a later "up" does not bring the sick version again' {
        Require-Docker
        Invoke-Compose $shop.Folder up --detach | Out-Null
        Get-RunningImage | Should -Be $old
        Should-BeState $shop $before
    }

    It 'the same by a check of the address, for an image that says nothing of its health' {
        Require-Docker
        Move-Tag crash
        $result = Invoke-DbUpgrade @upgrade @quietly -HealthCheck "$($shop.Url)/health"
        Should-BeTakenBack $result $failed $shop $before
        Get-RunningImage | Should -Be $old
    }

    It 'each attempt has left its backup from before the migration, and it can be restored' {
        Require-Docker
        $backups = Get-DbBackup -Source vamsa -Reason PreMigration
        $backups | Should -HaveCount 2
        $backups.SchemaRevision | Should -Be r1, r1
        ($backups[0] | Test-DbBackup -Level Restore -Assert 'select count(*) = 200 from orders').Status | Should -Be Matched
    }

    It 'version 2 comes under the tag, with checks of the database and in the container' {
        Require-Docker
        Move-Tag 2
        $checks = "$($shop.Url)/health", "SELECT count(*) = 200 FROM orders WHERE extra = 'new'", 'python3 -c "import urllib.request as r; r.urlopen(\"http://127.0.0.1:8000/health\")"'
        $upgrade.SettleTime = 1
        $result = Invoke-DbUpgrade @upgrade -HealthCheck $checks
        Should-BeUpgraded $result $shop $before
        Get-RunningImage | Should -Be (Invoke-Docker image inspect --format '{{.Id}}' dbbackup-test/shop:2)
        Invoke-Docker image inspect --format '{{.Id}}' $image | Should -Be (Get-RunningImage)
        (Get-DbUpgrade)[0].Id | Should -Be $result.Id
    }
}
