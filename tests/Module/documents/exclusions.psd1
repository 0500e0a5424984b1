# Commands of the documents that no test runs, each with its reason. One that is no longer in its document fails the tests.
@{
    Commands = @(
        @{ Document = 'docs/en-US/Approve-DbBackupSigner.md'; Text = 'Approve-DbBackupSigner 3f9a1c2b44d0e6f1 -PassThru'; Reason = 'It names the key of another machine; Signatures.Tests.ps1 approves one.' }
        @{ Document = 'docs/en-US/Remove-DbBackupSigner.md'; Text = 'Remove-DbBackupSigner 3f9a1c2b44d0e6f1 -PassThru'; Reason = 'It names the key of another machine; Signatures.Tests.ps1 removes one.' }
        @{ Document = 'docs/guides/encryption.md'; Text = 'Invoke-DbUpgrade ./data/pats.db -Migrate ''alembic upgrade head'' -Recipient $key.Recipient'; Reason = 'It needs an application with migrations; the scenarios in the world EncryptedS3 upgrade some.' }
        @{ Document = 'docs/guides/offsite.md'; Text = 'Connect-DbBackupRepository s3://backups/shop -Region eu-central-1'; Reason = 'It needs a bucket; Connect-DbBackupRepository.Tests.ps1 runs it against a server.' }
        @{ Document = 'docs/guides/offsite.md'; Text = 'Connect-DbBackupRepository s3://backups/shop -Endpoint https://minio.example.org:9000 -Credential (Get-Credential)'; Reason = 'It needs a bucket; Connect-DbBackupRepository.Tests.ps1 runs it against a server.' }
        @{ Document = 'docs/guides/offsite.md'; Text = 'Get-DbBackup -Latest | Copy-DbBackup -Destination s3://backups/shop'; Reason = 'It needs a bucket; Connect-DbBackupRepository.Tests.ps1 runs it against a server.' }
        @{ Document = 'docs/guides/offsite.md'; Text = 'Get-DbBackup -Latest | Copy-DbBackup -Destination s3://backups/shop -Throttle 2MB'; Reason = 'It needs a bucket; Connect-DbBackupRepository.Tests.ps1 runs it against a server.' }
        @{ Document = 'docs/guides/offsite.md'; Text = 'Set-DbBackupPlan nightly -CopyTo @{ Repository = ''s3://backups/shop''; Retention = ''30d,12m'' }'; Reason = 'It needs a bucket; Connect-DbBackupRepository.Tests.ps1 runs such a plan against a server.' }
        @{ Document = 'docs/guides/offsite.md'; Text = 'Get-DbBackup -Latest -Repository s3://backups/fleet'; Reason = 'It needs a fleet; Fleet.Tests.ps1 has one of three hosts.' }
        @{ Document = 'docs/guides/offsite.md'; Text = 'Get-DbBackupStatus -Repository s3://backups/fleet -Rpo 26h'; Reason = 'It needs a fleet; Fleet.Tests.ps1 has one of three hosts.' }
        @{ Document = 'docs/guides/offsite.md'; Text = 'Get-DbBackupSigner -Repository s3://backups/fleet'; Reason = 'It needs a fleet; Fleet.Tests.ps1 has one of three hosts.' }
        @{ Document = 'docs/guides/offsite.md'; Text = 'New-DbBackup ./app.db -Source web-2-app'; Reason = 'It needs a fleet; Fleet.Tests.ps1 has one of three hosts.' }
        @{ Document = 'docs/guides/offsite.md'; Text = 'Invoke-Command -HostName web-1, web-2 { Get-DbBackup -Latest -Repository /srv/backups }'; Reason = 'It needs a fleet; Fleet.Tests.ps1 has one of three hosts.' }
        @{ Document = 'docs/guides/offsite.md'; Text = 'Invoke-Command -HostName web-1, web-2 { Get-DbBackupStatus -Repository /srv/backups -Rpo 26h }'; Reason = 'It needs a fleet; Fleet.Tests.ps1 has one of three hosts.' }
        @{ Document = 'docs/en-US/Connect-DbBackupRepository.md'; Text = 'Connect-DbBackupRepository s3://backups/shop -Region eu-central-1'; Reason = 'It needs a bucket; Connect-DbBackupRepository.Tests.ps1 runs it against a server.' }
        @{ Document = 'docs/en-US/Connect-DbBackupRepository.md'; Text = '$place = Connect-DbBackupRepository s3://backups/shop -Endpoint https://minio.example.org:9000 -Credential (Get-Credential)'; Reason = 'It needs a bucket; Connect-DbBackupRepository.Tests.ps1 runs it against a server.' }
        @{ Document = 'docs/en-US/Connect-DbBackupRepository.md'; Text = 'New-DbBackup ./data/pats.db -Repository $place.Repository'; Reason = 'It needs a bucket; Connect-DbBackupRepository.Tests.ps1 runs it against a server.' }
        @{ Document = 'docs/en-US/Connect-DbBackupRepository.md'; Text = '(Connect-DbBackupRepository s3://backups/shop -Region eu-central-1 -RetainDays 30).Repository'; Reason = 'It needs a bucket; Connect-DbBackupRepository.Tests.ps1 runs it against a server.' }
        @{ Document = 'docs/en-US/Copy-DbBackup.md'; Text = 'Get-DbBackup -Latest | Copy-DbBackup -Destination ''s3://backups/shop?region=eu-central-1'' -Throttle 2MB'; Reason = 'It needs a bucket; Connect-DbBackupRepository.Tests.ps1 runs it against a server.' }
        @{
            Document = 'docs/en-US/Remove-DbUpgrade.md'
            Text     = 'Get-DbUpgrade | Where-Object Started -lt (Get-Date).AddDays(-30) | Remove-DbUpgrade'
            Reason   = 'No upgrade of the documents is that old; DbUpgrade.Tests.ps1 removes some by their age.'
        }
        @{
            Document = 'docs/guides/upgrades.md'
            Text     = 'Get-DbUpgrade | Where-Object Started -lt (Get-Date).AddDays(-30) | Remove-DbUpgrade'
            Reason   = 'No upgrade of the documents is that old; DbUpgrade.Tests.ps1 removes some by their age.'
        }
        @{
            Document = 'docs/en-US/Invoke-DbUpgrade.md'
            Text     = 'Invoke-DbUpgrade -ConnectionString ''postgresql://postgres@db.example.org'' -To ''postgresql://postgres@db18.example.org'' -Database app -HealthCheck ''SELECT count(*) > 0 FROM orders'''
            Reason   = 'It needs an empty second server; DbUpgradeServer.Tests.ps1 has one.'
        }
        @{
            Document = 'docs/guides/upgrades.md'
            Text     = 'Invoke-DbUpgrade -ConnectionString ''postgresql://postgres@db.example.org'' -To ''postgresql://postgres@db18.example.org'' -Confirm:$false'
            Reason   = 'It needs an empty second server; DbUpgradeServer.Tests.ps1 has one.'
        }
        @{ Document = 'docs/guides/sqlite.md'; Text = 'docker pull ghcr.io/madeinoz67/partshub:latest'; Reason = 'It fetches from a registry of others.' }
        @{ Document = 'README.md'; Text = 'dotnet run samples/Demo.cs'; Reason = 'A test of its own runs it, in a clone.' }
        @{
            Document = 'README.md'; Text = 'dotnet pwsh -NoExit -Command "Import-Module ./DbBackup.psd1; Set-Location demo"'
            Reason   = 'It opens a shell for a user; the commands after it are run in one like it.'
        }
        @{ Document = 'docs/guides/automation.md'; Text = 'Enable-DbBackupPlan nightly'; Reason = 'It changes the scheduler of this machine; PlanSchedules.Tests.ps1 runs it.' }
        @{ Document = 'docs/guides/automation.md'; Text = 'Enable-DbBackupPlan nightly -WhatIf'; Reason = 'It changes the scheduler of this machine; PlanSchedules.Tests.ps1 runs it.' }
        @{ Document = 'docs/guides/automation.md'; Text = 'Disable-DbBackupPlan nightly'; Reason = 'It changes the scheduler of this machine; PlanSchedules.Tests.ps1 runs it.' }
        @{ Document = 'docs/guides/automation.md'; Text = 'Start-DbBackupService /plans -ListenAddress 0.0.0.0'; Reason = 'It runs until it is stopped; Start-DbBackupService.Tests.ps1 runs it.' }
        @{ Document = 'docs/en-US/Enable-DbBackupPlan.md'; Text = 'Enable-DbBackupPlan nightly'; Reason = 'It changes the scheduler of this machine; PlanSchedules.Tests.ps1 runs it.' }
        @{ Document = 'docs/en-US/Enable-DbBackupPlan.md'; Text = 'Enable-DbBackupPlan nightly -WhatIf'; Reason = 'It changes the scheduler of this machine; PlanSchedules.Tests.ps1 runs it.' }
        @{ Document = 'docs/en-US/Enable-DbBackupPlan.md'; Text = 'Enable-DbBackupPlan nightly -Scheduler cron'; Reason = 'It changes the scheduler of this machine; PlanSchedules.Tests.ps1 runs it.' }
        @{ Document = 'docs/en-US/Enable-DbBackupPlan.md'; Text = 'Get-DbBackupRun nightly'; Reason = 'The plan runs at night; PlanSchedulesDocker.Tests.ps1 reads such a run.' }
        @{
            Document = 'docs/en-US/Enable-DbBackupPlan.md'; Text = 'Get-DbBackupPlan nightly | Select-Object Name, Scheduler, NextRun, LastRun'
            Reason   = 'It shows an enabled plan, and no test of the documents changes the scheduler of this machine.'
        }
        @{ Document = 'docs/en-US/Disable-DbBackupPlan.md'; Text = 'Disable-DbBackupPlan nightly'; Reason = 'It changes the scheduler of this machine; PlanSchedules.Tests.ps1 runs it.' }
        @{ Document = 'docs/en-US/Disable-DbBackupPlan.md'; Text = 'Disable-DbBackupPlan * -WhatIf'; Reason = 'It changes the scheduler of this machine; PlanSchedules.Tests.ps1 runs it.' }
        @{ Document = 'docs/en-US/Start-DbBackupService.md'; Text = 'Start-DbBackupService'; Reason = 'It runs until it is stopped; Start-DbBackupService.Tests.ps1 runs it.' }
        @{ Document = 'docs/en-US/Start-DbBackupService.md'; Text = 'pwsh -NoProfile -NonInteractive -Command "Start-DbBackupService /plans -ListenAddress 0.0.0.0"'; Reason = 'It runs until it is stopped; Start-DbBackupService.Tests.ps1 runs it.' }
        @{ Document = 'docs/en-US/Start-DbBackupService.md'; Text = 'Invoke-RestMethod http://localhost:8080/health -SkipHttpErrorCheck'; Reason = 'It runs until it is stopped; Start-DbBackupService.Tests.ps1 runs it.' }
        @{
            Document = 'docs/en-US/Register-DbBackupPlan.md'; Text = 'Register-DbBackupPlan shop -Backup $what -Repository /srv/backups -CopyTo /mnt/usb/backups -Notify $mail'
            Reason   = 'It needs a compose project; the guide of plans registers a plan of files, and docs/guides/docker.md backs such a project up.'
        }
        @{
            Document = 'docs/en-US/Register-DbBackupPlan.md'; Text = "Register-DbBackupPlan crm -Backup @{ HostName = 'db1'; Database = 'crm*'; Credential = `$role }"
            Reason   = 'There is no server db1; the guide of plans saves such a plan with -SkipCheck.'
        }
    )
}
