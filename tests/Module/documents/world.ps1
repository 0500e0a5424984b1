# The world that the documents speak of: the application PATS in /srv/pats, which is the working directory, with backups of all ages;
# repositories in /srv/backups, /mnt/nas and /mnt/offsite. Each session begins with it as New-World left it.
. $PSScriptRoot/../common.ps1

function New-World {
    Initialize-Environment
    foreach ($folder in '/srv/pats/data', '/srv/pats/uploads', '/srv/pats/old', '/srv/app/uploads', '/srv/home/apps', '/mnt/nas', '/mnt/offsite', '/mnt/usb') { New-Folder $folder | Out-Null }
    Set-Location /srv/pats
    New-SampleDatabase ./data/pats.db -Revision 041bd0560732
    1..20 | ForEach-Object { "Dear company $_" | Set-Content "./uploads/letter-$_.txt" }
    Add-Backend
    Add-OldCopies
    Add-Backups
    foreach ($other in '/mnt/offsite', '/mnt/nas', '/srv') { cp -a ./backups $other }
    Add-Plans
    # A program with a migration of a server's database.
    "#!/bin/sh`nexec psql -X -q -v ON_ERROR_STOP=1 -d `"`$DATABASE_URL`" -c 'alter table orders add column stage text'" | Set-Content ./manage.py
    chmod +x ./manage.py
    # What the documents' servers and containers have comes on top.
    if (Get-Command Add-World -ErrorAction Ignore) { Add-World }
    Copy-World
}

# The program alembic finds a pending migration in ./backend, and the database in DATABASE_URL.
function Add-Backend {
    New-Folder ./backend/migrations/versions | Out-Null
    "[alembic]`nscript_location = %(here)s/migrations" | Set-Content ./backend/alembic.ini
    @'
import os
from alembic import context
from sqlalchemy import create_engine
with create_engine(os.environ['DATABASE_URL']).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
'@ | Set-Content ./backend/migrations/env.py
    Add-Migration 041bd0560732 '' pass
    Add-Migration 9c1b7a40d2e3 041bd0560732 "op.execute('ALTER TABLE applications ADD COLUMN stage TEXT')"
}

# What other means have left in ./old, and a cron job with its classes in ./cron.
function Add-OldCopies {
    Copy-Item ./data/pats.db ./old/pats_2024.db
    foreach ($class in 'daily', 'weekly') { New-Folder "./cron/backups/$class" | Out-Null }
    Copy-Item ./data/pats.db ./cron/backups/daily/pats-20261101.db
    Copy-Item ./data/pats.db ./cron/backups/weekly/pats-202644.db
    Copy-Item ./data/pats.db /srv/home/apps/wiki.db
    sqlite3 ./data/pats.db .dump | Set-Content ./emergency_dump.sql
    foreach ($name in 'backup_20241201_120000', 'backup_before_move') {
        New-Folder "./old/$name/uploads" | Out-Null
        Copy-Item ./data/pats.db "./old/$name/pats.db"
        'one' | Set-Content "./old/$name/uploads/1.txt"
        @{ backup_name = $name; timestamp = '20241201_120000'; created_at = '2024-12-01T12:00:00.000000'; alembic_revision = '041bd0560732'; database_file = 'pats.db'; uploads_included = $true; backup_version = '1.0' } |
            ConvertTo-Json | Set-Content "./old/$name/backup_metadata.json"
    }
    New-Folder /srv/home/parts/data/attachments | Out-Null
    New-SampleDatabase /srv/home/parts/data/partshub.db
    'pinout' | Set-Content /srv/home/parts/data/attachments/pinout.txt
    tar -czf ./old/partshub_backup_20261101.tar.gz -C /srv/home/parts data
    Remove-Item -Recurse /srv/home/parts
}

function Add-Backups {
    $all = @{ Path = './data/pats.db'; AdditionalPath = './uploads'; Source = 'pats' }
    # Only where a document takes its key: the others read every backup without one.
    New-DbBackup @all -Name of_old_key -Recipient (New-DbBackupKey ./old-key.txt) | Out-Null
    New-SampleDatabase ./data/old_app.db
    foreach ($old in @(40, '20261015T020000Z-full'), @(35, '20261020T020000Z-full'), @(26, '20261101T020000Z-full'), @(10, '20261118T020000Z-full'), @(3, 'before_weekend')) {
        Set-BackupDate (New-DbBackup @all -Name $old[1]) ([datetimeoffset]::Now.AddDays(-$old[0]))
    }
    Set-BackupDate (New-DbBackup ./data/old_app.db -Name last) ([datetimeoffset]::Now.AddDays(-5))
    Remove-Item ./data/old_app.db
    New-DbBackup @all -Name before_refactor | Out-Null
    New-DbBackup @all -Name pre_migration_v2 -Reason PreMigration -Verify | Out-Null
    Restore-DbBackup pre_migration_v2 -Source pats -Confirm:$false
    # One of which the last test failed.
    $damaged = New-DbBackup @all -Name torn
    Edit-Payload $damaged
    Test-DbBackup torn -Source pats -ErrorAction Ignore | Out-Null
    New-DbBackup @all | Out-Null
}

# A plan that ran, one whose run failed since its database was not there yet, and one that a person wrote and nobody registered.
function Add-Plans {
    $set = @{ Repository = '/srv/planned'; TestEvery = '1d' }
    foreach ($name in 'nightly', 'testing') { Register-DbBackupPlan $name -Backup @{ Path = './data/pats.db'; Source = $name } -Schedule '0 2 * * *' @set | Out-Null }
    Invoke-DbBackupPlan nightly | Out-Null
    Register-DbBackupPlan crm -Backup @{ Path = './data/crm.db' } @set -SkipCheck | Out-Null
    Invoke-DbBackupPlan crm -ErrorAction Ignore | Out-Null
    New-SampleDatabase ./data/crm.db
    "backup: { Path: /srv/pats/data/pats.db }`nrepository: /srv/planned" | Set-Content ./nightly.yaml
}

function Initialize-Environment {
    foreach ($name in [Environment]::GetEnvironmentVariables().Keys -match '^(PG|DOCKER_|DBBACKUP_REPOSITORY|XDG_|DATABASE_URL)') { [Environment]::SetEnvironmentVariable($name, $null) }
    $env:HOME = '/srv/home'
    $env:PSModulePath = "/srv/home/modules:$env:PSModulePath"
    New-Folder /srv/home/modules | Out-Null
    New-Item -ItemType SymbolicLink /srv/home/modules/DbBackup -Target $RepositoryRoot | Out-Null
    $script:Environment = @{}
}

# Outside of /srv and /mnt, where no document looks.
function Copy-World { $script:Template = New-Folder "$env:DBBACKUP_TEST_WORLD/template"; cp -a /srv /mnt $Template; $script:Environment = [Environment]::GetEnvironmentVariables() }

function Reset-World([object[]] $Commands) {
    foreach ($name in @([Environment]::GetEnvironmentVariables().Keys)) { if (-not $Environment.ContainsKey($name)) { [Environment]::SetEnvironmentVariable($name, $null) } }
    foreach ($name in $Environment.Keys) { [Environment]::SetEnvironmentVariable($name, $Environment[$name]) }
    Set-Location /
    foreach ($folder in 'srv', 'mnt') {
        Get-ChildItem "/$folder" -Force | Remove-Item -Recurse -Force
        cp -a "$Template/$folder/." "/$folder"
    }
    # Of a document that registers the plan itself.
    if ($Commands.Text -match '\bRegister-DbBackupPlan nightly') { Get-ChildItem /srv/home -Recurse -Force -Filter nightly.json | Remove-Item }
    # Only for those that look for it: it is an alarm.
    if (-not ($Commands.Text -match 'Failed')) { Get-ChildItem /srv/home -Recurse -Force -Include crm.json, crm | Remove-Item -Recurse }
    if (-not ($Commands.Text -match 'old-key')) { Get-ChildItem /srv, /mnt -Recurse -Force -Include of_old_key, old-key.txt | Remove-Item -Recurse }
    if (Get-Command Reset-Server -ErrorAction Ignore) { Reset-Server $Commands }
}
