# The main job from beginning to end, on a small application in ./demo: run it with ./build.ps1 -Task Demo.
$ErrorActionPreference = 'Stop'
$root = Split-Path $PSScriptRoot
Import-Module (Join-Path $root 'DbBackup.psd1')

function Show([string] $Text) { Write-Host "`n# $Text" -ForegroundColor Cyan }

Set-Location (New-Item -ItemType Directory -Force (Join-Path $root 'demo'))
Get-ChildItem -Force | Remove-Item -Recurse -Force
New-Item -ItemType Directory data, uploads | Out-Null

# A database of SQL text, without any tool: imported as a backup, and given back as a database file.
@'
BEGIN TRANSACTION;
CREATE TABLE alembic_version (version_num TEXT NOT NULL);
INSERT INTO alembic_version VALUES ('041bd0560732');
CREATE TABLE application (id INTEGER PRIMARY KEY, company TEXT NOT NULL, letter TEXT);
WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 5000)
INSERT INTO application SELECT value, 'Company ' || value, 'letter-' || value || '.txt' FROM n;
COMMIT;
'@ | Set-Content seed.sql
# -AllowNewRepository: the demo begins anew in the same place each time.
Import-DbBackup ./seed.sql -Created (Get-Date) -Repository ./seed -AllowNewRepository | Export-DbBackup -Destination ./data/pats.db | Out-Null
Remove-Item -Recurse -Force seed, seed.sql
1..20 | ForEach-Object { "Dear company $_" | Set-Content "uploads/letter-$_.txt" }

Show 'New-DbBackup ./data/pats.db -AdditionalPath ./uploads -Name pre_migration_v2 -Reason PreMigration'
New-DbBackup ./data/pats.db -AdditionalPath ./uploads -Name pre_migration_v2 -Reason PreMigration -AllowNewRepository | Format-Table

Show 'Get-DbBackup -Source pats -Latest | Test-DbBackup -Level Restore'
Get-DbBackup -Source pats -Latest | Test-DbBackup -Level Restore | Format-List

Show 'An accident: the database and half of the uploads are gone'
Remove-Item ./data/pats.db
Get-ChildItem ./uploads/letter-1*.txt | Remove-Item
Get-ChildItem ./data, ./uploads | Measure-Object | ForEach-Object { "$($_.Count) files are left" }

Show 'Get-DbBackup pre_migration_v2 | Restore-DbBackup -WhatIf'
Get-DbBackup pre_migration_v2 | Restore-DbBackup -WhatIf

Show 'Get-DbBackup pre_migration_v2 | Restore-DbBackup -Force -PassThru'
Get-DbBackup pre_migration_v2 | Restore-DbBackup -Force -PassThru | Format-List

Show 'Get-DbBackup'
Get-DbBackup | Format-Table
Write-Host "Everything lies in $PWD; backups/pats/pre_migration_v2/RESTORE.txt says how to restore without this module."
