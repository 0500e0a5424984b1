Describe 'Get-DbSchemaRevision against the code of an application' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
    }
    BeforeEach {
        $folder = Enter-NewFolder
        New-SampleDatabase ./pats.db -Revision bb02
        New-Folder ./backend/migrations/versions | Out-Null
        "[alembic]`nscript_location = migrations" | Set-Content ./backend/alembic.ini
        "raise SystemExit('a database was asked for')" | Set-Content ./backend/migrations/env.py
        Add-Migration aa01
        Add-Migration bb02 aa01
    }
    AfterEach { Set-Location $RepositoryRoot; Remove-Item Env:DBBACKUP_REPOSITORY -ErrorAction Ignore }

    It 'is Same, and Behind when the code goes on' {
        Require-Tool alembic
        $same = Get-DbSchemaRevision ./pats.db -MigrationPath ./backend
        "$($same.Relation)" | Should -Be Same
        $same.CodeHeads | Should -Be bb02
        $same.Pending | Should -BeNullOrEmpty
        Add-Migration cc03 bb02
        $behind = Get-DbSchemaRevision ./pats.db -MigrationPath ./backend
        "$($behind.Relation)" | Should -Be Behind
        $behind.Pending | Should -Be cc03
        $text = $behind | Out-String -Width 150
        $text | Should -Match 'Relation +: Behind'
        $text | Should -Match 'Pending +: cc03'
    }

    It 'says nothing of code where none is named' {
        Require-Tool alembic
        $alone = Get-DbSchemaRevision ./pats.db
        $alone.CodeHeads | Should -BeNullOrEmpty
        $alone | Out-String | Should -Not -Match 'Relation'
    }

    It 'finds the backups that the code cannot work with, and Restore-DbBackup refuses them unless forced' {
        Require-Tool alembic
        New-DbBackup ./pats.db -Name old
        "update alembic_version set version_num = 'ffff'" | sqlite3 ./pats.db
        New-DbBackup ./pats.db -Name newer
        (Get-DbBackup | Get-DbSchemaRevision -MigrationPath ./backend | Where-Object Relation -EQ Ahead).Target | Should -Be pats/newer
        $present = Get-FileHash ./pats.db
        $failed = Get-ErrorOf { Restore-DbBackup newer -Source pats -MigrationPath ./backend -Confirm:$false }
        $failed.FullyQualifiedErrorId | Should -BeLike 'SchemaNotOfCode,*'
        $failed.Exception.Message | Should -BeLike '*ffff*bb02*older*'
        (Get-FileHash ./pats.db).Hash | Should -Be $present.Hash
        Get-DbBackup -Reason Safety | Should -BeNullOrEmpty
        Restore-DbBackup old -Source pats -MigrationPath ./backend -Confirm:$false
        (Get-DbSchemaRevision ./pats.db).Revision | Should -Be bb02
        Restore-DbBackup newer -Source pats -MigrationPath ./backend -Force
        (Get-DbSchemaRevision ./pats.db).Revision | Should -Be ffff
    }

    It 'is asked of the code once for all the backups that are restored' {
        Skip-OnWindows
        Require-Tool alembic
        New-DbBackup ./pats.db -Name one
        Copy-Item ./pats.db ./two.db
        New-DbBackup ./two.db -Name two
        "echo asked >> ../asked.txt; exec alembic `"`$@`"" | Set-Content ./backend/counted.sh
        $plans = Get-DbBackup | Restore-DbBackup -MigrationPath ./backend -MigrationTool 'sh counted.sh' -WhatIf -PassThru
        $plans | Should -HaveCount 2
        Get-Content ./asked.txt | Should -HaveCount 1
    }

    It 'names what is wrong with the code that was named' {
        Require-Tool alembic
        (Get-ErrorOf { Get-DbSchemaRevision ./pats.db -MigrationPath ./nowhere }).FullyQualifiedErrorId | Should -BeLike 'SourceNotFound,*'
        $bare = Get-ErrorOf { Get-DbSchemaRevision ./pats.db -MigrationPath . }
        $bare.FullyQualifiedErrorId | Should -BeLike 'MigrationsUnreadable,*'
        $bare.ErrorDetails.RecommendedAction | Should -BeLike '*alembic.ini*'
        (Get-ErrorOf { Get-DbSchemaRevision ./pats.db -MigrationPath ./backend -MigrationTool no-such-tool }).FullyQualifiedErrorId | Should -BeLike 'ToolMissing,*'
        (Get-ErrorOf { Get-DbSchemaRevision -HostName localhost -Database x -MigrationService web }).FullyQualifiedErrorId | Should -BeLike 'InvalidArgument,*'
    }
}
