BeforeDiscovery {
    # In CI a missing program fails the tests; elsewhere they are skipped.
    $skip = -not (Get-Command alembic -ErrorAction Ignore) -and $env:CI -ne 'true'
}

Describe 'Get-DbSchemaRevision against the code of an application' -Skip:$skip {
    BeforeAll {
        . $PSScriptRoot/common.ps1

        function Add-Migration([string] $Id, [string] $After) {
            @(
                "revision = '$Id'"
                if ($After) { "down_revision = '$After'" } else { 'down_revision = None' }
                'branch_labels = None'
                'depends_on = None'
                'def upgrade():'
                '    pass'
            ) | Set-Content "./code/migrations/versions/$($Id)_step.py"
        }
    }
    BeforeEach {
        $folder = Enter-NewFolder
        New-SampleDatabase ./pats.db -Revision bb02
        New-Folder ./code/migrations/versions | Out-Null
        "[alembic]`nscript_location = migrations" | Set-Content ./code/alembic.ini
        "raise SystemExit('a database was asked for')" | Set-Content ./code/migrations/env.py
        Add-Migration aa01
        Add-Migration bb02 aa01
    }
    AfterEach { Set-Location $RepositoryRoot; Remove-Item Env:DBBACKUP_REPOSITORY -ErrorAction Ignore }

    It 'is Same, and Behind when the code goes on' {
        $same = Get-DbSchemaRevision ./pats.db -CodePath ./code
        "$($same.Relation)" | Should -Be Same
        $same.CodeHeads | Should -Be bb02
        $same.Pending | Should -BeNullOrEmpty
        Add-Migration cc03 bb02
        $behind = Get-DbSchemaRevision ./pats.db -CodePath ./code
        "$($behind.Relation)" | Should -Be Behind
        $behind.Pending | Should -Be cc03
        $text = $behind | Out-String -Width 150
        $text | Should -Match 'Relation +: Behind'
        $text | Should -Match 'Pending +: cc03'
    }

    It 'says nothing of code where none is named' {
        $alone = Get-DbSchemaRevision ./pats.db
        $alone.CodeHeads | Should -BeNullOrEmpty
        $alone | Out-String | Should -Not -Match 'Relation'
    }

    It 'finds the backups that the code cannot work with, and Restore-DbBackup refuses them unless forced' {
        New-DbBackup ./pats.db -Name old
        "update alembic_version set version_num = 'ffff'" | sqlite3 ./pats.db
        New-DbBackup ./pats.db -Name newer
        (Get-DbBackup | Get-DbSchemaRevision -CodePath ./code | Where-Object Relation -EQ Ahead).Target | Should -Be pats/newer
        $present = Get-FileHash ./pats.db
        $failed = Get-ErrorOf { Restore-DbBackup newer -Source pats -CodePath ./code -Confirm:$false }
        $failed.FullyQualifiedErrorId | Should -BeLike 'SchemaNotOfCode,*'
        $failed.Exception.Message | Should -BeLike '*ffff*bb02*older*'
        (Get-FileHash ./pats.db).Hash | Should -Be $present.Hash
        Get-DbBackup -Type Safety | Should -BeNullOrEmpty
        Restore-DbBackup old -Source pats -CodePath ./code -Confirm:$false
        (Get-DbSchemaRevision ./pats.db).Revision | Should -Be bb02
        Restore-DbBackup newer -Source pats -CodePath ./code -Force
        (Get-DbSchemaRevision ./pats.db).Revision | Should -Be ffff
    }

    It 'names what is wrong with the code that was named' {
        (Get-ErrorOf { Get-DbSchemaRevision ./pats.db -CodePath ./nowhere }).FullyQualifiedErrorId | Should -BeLike 'SourceNotFound,*'
        $bare = Get-ErrorOf { Get-DbSchemaRevision ./pats.db -CodePath . }
        $bare.FullyQualifiedErrorId | Should -BeLike 'MigrationsUnreadable,*'
        $bare.ErrorDetails.RecommendedAction | Should -BeLike '*alembic.ini*'
        (Get-ErrorOf { Get-DbSchemaRevision ./pats.db -CodePath ./code -MigrationTool no-such-tool }).FullyQualifiedErrorId | Should -BeLike 'ToolMissing,*'
        (Get-ErrorOf { Get-DbSchemaRevision -HostName localhost -Database x -CodeService web }).FullyQualifiedErrorId | Should -BeLike 'InvalidArgument,*'
    }
}
