# PATS: pats.db and uploads/, what ./backup.sh backup, list, restore, auto-backup, dump and restore-dump do, in one application's life.
Describe 'PATS backs up, migrates, fails and comes back' {
    BeforeAll {
        . $PSScriptRoot/../Module/common.ps1
        $app = New-Folder (Join-Path $TestDrive pats)
        Set-Location $app
        New-Folder ./backend/data | Out-Null
        New-Folder ./backend/uploads/cv | Out-Null
        # A real schema where it is at hand, a small one of our own otherwise.
        $chinook = Join-Path $RepositoryRoot '../shared/data/Chinook_Sqlite.sqlite'
        if (Test-Path $chinook) { Copy-Item $chinook ./backend/data/pats.db; $rows = 'Track' }
        else { New-SampleDatabase ./backend/data/pats.db -Rows 3000; $rows = 'applications' }
        "create table alembic_version (version_num varchar(32) primary key); insert into alembic_version values ('041bd0560732')" | sqlite3 ./backend/data/pats.db
        $count = Get-RowCount ./backend/data/pats.db $rows
        'my cv' | Set-Content './backend/uploads/cv/Životopis 2024.txt'
        if (Get-Command git -CommandType Application -ErrorAction Ignore) { git init -q -b main .; git add .; git -c user.name=t -c user.email=t@example.org commit -q -m 'first' }
    }
    AfterAll { Set-Location $RepositoryRoot }

    It 'backup: database and uploads, in one command' {
        Require-Tool git sqlite3
        $backup = New-DbBackup ./backend/data/pats.db -AdditionalPath ./backend/uploads
        $backup.Manifest.Payloads.RestoreName | Should -Be pats.db, uploads
        $backup.SchemaRevision | Should -Be 041bd0560732
    }

    It 'auto-backup: knows the git commit and branch' {
        Require-Tool git sqlite3
        $backup = New-DbBackup ./backend/data/pats.db -AdditionalPath ./backend/uploads -Tag auto
        $backup.GitCommit | Should -Be (git rev-parse HEAD)
        $backup.Manifest.Git.Branch | Should -Be main
    }

    It 'backup pre_migration_v2, proved before anything happens' {
        Require-Tool git sqlite3
        (New-DbBackup ./backend/data/pats.db -AdditionalPath ./backend/uploads -Name pre_migration_v2 -Reason PreMigration -Verify).Status | Should -Be Matched
    }

    It 'list: says what there is' {
        Require-Tool git sqlite3
        (Get-DbBackup | Out-String) | Should -Match 'pre_migration_v2 +pats +PreMigration .* Matched'
        Get-DbBackup | Should -HaveCount 3
    }

    It 'restore after a failed migration, with the commands of Alembic' {
        Require-Tool git sqlite3
        "alter table $rows add column broken text; delete from $rows; update alembic_version set version_num = 'deadbeef0001'" | sqlite3 ./backend/data/pats.db
        Remove-Item './backend/uploads/cv/Životopis 2024.txt'
        $result = Get-DbBackup pre_migration_v2 | Restore-DbBackup -Force -PassThru -WarningVariable warnings -WarningAction SilentlyContinue
        $result.NextCommands | Should -Be 'alembic stamp 041bd0560732', 'alembic upgrade head'
        "$warnings" | Should -Match 'schema revision'
        Get-RowCount ./backend/data/pats.db $rows | Should -Be $count
        Get-Content './backend/uploads/cv/Životopis 2024.txt' | Should -Be 'my cv'
        sqlite3 ./backend/data/pats.db 'pragma integrity_check' | Should -Be ok
        # The failed state is not lost.
        (Get-DbBackup -Reason Safety).SchemaRevision | Should -Be deadbeef0001
    }

    It 'dump and restore-dump: SQL text for an emergency' {
        Require-Tool git sqlite3
        Export-DbBackup pre_migration_v2 ./emergency_dump.sql -Source pats -Content Database -Format Sql | Out-Null
        Import-DbBackup ./emergency_dump.sql -Source pats -Name from_dump -Created (Get-Date) -Verify | Out-Null
        Restore-DbBackup from_dump -Source pats -Destination ./recovered.db -Confirm:$false
        Get-RowCount ./recovered.db $rows | Should -Be $count
    }

    It 'a container deleted: an empty folder gets everything back' {
        Require-Tool git sqlite3
        Remove-Item ./backend/data, ./backend/uploads -Recurse
        Restore-DbBackup pre_migration_v2 -Source pats -Force
        Get-RowCount ./backend/data/pats.db $rows | Should -Be $count
        Test-Path './backend/uploads/cv/Životopis 2024.txt' | Should -BeTrue
    }

    It 'rotates: what is older than a week goes, the good ones stay' {
        Require-Tool git sqlite3
        Get-DbBackup | Where-Object Name -NotIn pre_migration_v2, from_dump | ForEach-Object { Set-BackupDate $_ ([datetimeoffset]::Now.AddDays(-8)) }
        Get-DbBackup | Where Age -gt 7d | Remove-DbBackup -Confirm:$false
        (Get-DbBackup).Name | Sort-Object | Should -Be from_dump, pre_migration_v2
    }

    It 'the old backups of backup.sh are taken over' {
        Require-Tool git sqlite3
        New-Folder ./old/backup_20241201_120000/uploads | Out-Null
        Copy-Item ./backend/data/pats.db ./old/backup_20241201_120000/pats.db
        '{"backup_name":"backup_20241201_120000","timestamp":"20241201_120000","created_at":"2024-12-01T12:00:00.000000","alembic_revision":"041bd0560732","database_file":"pats.db","uploads_included":true,"backup_version":"1.0"}' |
            Set-Content ./old/backup_20241201_120000/backup_metadata.json
        $backup = Get-ChildItem ./old -Directory | Import-DbBackup -Source pats
        $backup.Name | Should -Be backup_20241201_120000
        (Get-DbBackup | Where Age -gt 1y).Name | Should -Be backup_20241201_120000
    }
}
