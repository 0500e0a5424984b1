Describe 'Upgrades of a SQLite application with Alembic' {
    BeforeAll {
        . $PSScriptRoot/common.ps1

        # As PATS and others have it: env.py takes the database from DATABASE_URL.
        $environment = @'
import os
from alembic import context
from sqlalchemy import create_engine
with create_engine(os.environ['DATABASE_URL']).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
'@
        $arguments = @{ Path = './pats.db'; MigrationPath = './backend'; Migrate = 'alembic upgrade head'; DatabaseVariable = 'DATABASE_URL' }
        $add = "op.execute('ALTER TABLE applications ADD COLUMN stage TEXT')"
    }
    BeforeEach {
        $folder = Enter-NewFolder
        $env:XDG_DATA_HOME = "$folder/data"
        New-SampleDatabase ./pats.db -Revision aa01
        New-Folder ./backend/migrations/versions | Out-Null
        "[alembic]`nscript_location = migrations" | Set-Content ./backend/alembic.ini
        $environment | Set-Content ./backend/migrations/env.py
        Add-Migration aa01 '' pass
        if (Get-Command alembic, sqlite3 -CommandType Application -ErrorAction Ignore) { $before = sqlite3 ./pats.db .dump }
    }
    AfterEach { Set-Location $RepositoryRoot; Remove-Item Env:XDG_DATA_HOME, Env:DBBACKUP_REPOSITORY -ErrorAction Ignore }

    It 'shows the plan with -WhatIf and changes nothing' {
        Skip-OnWindows
        Require-Tool alembic sqlite3
        Add-Migration bb02 aa01 $add
        $plan = Invoke-DbUpgrade @arguments -WhatIf -PassThru
        $plan | Should -BeOfType ([DbBackup.UpgradePlan])
        "$plan" | Should -Match 'schema revision aa01, code at bb02: Behind, 1 migration pending'
        Get-DbUpgrade | Should -BeNullOrEmpty
        Test-Path ./backups | Should -BeFalse
        sqlite3 ./pats.db .dump | Should -Be $before
    }

    It 'encrypts its backup to a public key, says so in the plan, and rolls a success back with the secret key alone' {
        Skip-OnWindows
        Require-Tool alembic sqlite3
        Add-Migration bb02 aa01 $add
        $key = New-DbBackupKey ./my.key
        "$(Invoke-DbUpgrade @arguments -Recipient $key.Recipient -WhatIf -PassThru)" | Should -Match "encrypted to $($key.Recipient).*\n(.*\n)+.*Undo-DbUpgrade needs the secret key"
        $result = Invoke-DbUpgrade @arguments -Recipient $key.Recipient -Confirm:$false
        "$($result.State)" | Should -Be Succeeded
        $result.Recipients | Should -Be $key.Recipient
        (Get-DbBackup).IsEncrypted | Should -BeTrue
        $migrated = sqlite3 ./pats.db .dump
        Should-BeFailure (Get-ErrorOf { Undo-DbUpgrade $result.Id -Force }) BackupEncrypted Undo-DbUpgrade PermissionDenied
        sqlite3 ./pats.db .dump | Should -Be $migrated
        # Beside encrypted backups none in plain form.
        Should-BeFailure (Get-ErrorOf { Invoke-DbUpgrade @arguments -WhatIf }) RecipientRequired Invoke-DbUpgrade
        "$((Undo-DbUpgrade $result.Id -Identity ./my.key -Force).State)" | Should -Be RolledBack
        sqlite3 ./pats.db .dump | Should -Be $before
    }

    It 'upgrades, and tells what it did' {
        Skip-OnWindows
        Require-Tool alembic sqlite3
        Add-Migration bb02 aa01 $add
        $result = Invoke-DbUpgrade @arguments -HealthCheck 'SELECT count(*) = 50 FROM applications WHERE stage IS NULL' -Confirm:$false
        "$($result.State)" | Should -Be Succeeded
        $result.FromRevision, $result.ToRevision | Should -Be aa01, bb02
        $result.Steps.Name | Should -Be Preflight, Backup, Rehearsal, Migration, Check
        (Get-DbSchemaRevision ./pats.db -MigrationPath ./backend).Relation | Should -Be Same
        "$((Get-DbBackup).Reason) $((Get-DbBackup).Status)" | Should -Be 'PreMigration Matched'
        $text = $result | Out-String -Width 200
        $text | Should -Match 'Revision +: aa01 -> bb02'
        $text | Should -Match 'Migration: Done in'
        (Get-DbUpgrade).Id | Should -Be $result.Id
    }

    It 'gives the database back when the migration destroys data and fails' {
        Skip-OnWindows
        Require-Tool alembic sqlite3
        Add-Migration bb02 aa01 "op.execute('DELETE FROM documents')"
        Add-Migration cc03 bb02 "raise Exception('cannot go on')"
        $result = Invoke-DbUpgrade @arguments -NoRehearsal -Confirm:$false -ErrorAction SilentlyContinue -ErrorVariable failed -WarningAction SilentlyContinue
        "$($result.State)" | Should -Be RolledBack
        $failed[0].FullyQualifiedErrorId | Should -BeLike 'UpgradeRolledBack,*'
        $failed[0].Exception.Message | Should -Match 'cannot go on'
        $result | Remove-DbUpgrade -Confirm:$false
        Get-DbUpgrade | Should -BeNullOrEmpty
        sqlite3 ./pats.db .dump | Should -Be $before
        # And with a rehearsal it never gets that far.
        $result = Invoke-DbUpgrade @arguments -Confirm:$false -ErrorAction SilentlyContinue
        ($result.Steps | Where-Object Name -EQ Migration).State | Should -Be Pending
        sqlite3 ./pats.db .dump | Should -Be $before
    }

    It 'is removed when its rollback is no longer needed, and its backup stays' {
        Skip-OnWindows
        Require-Tool alembic sqlite3
        Add-Migration bb02 aa01 $add
        $first = Invoke-DbUpgrade @arguments -Confirm:$false
        Add-Migration cc03 bb02 pass
        $second = Invoke-DbUpgrade @arguments -Confirm:$false
        $migrated = sqlite3 ./pats.db .dump
        (TabExpansion2 "Remove-DbUpgrade $($second.Id)").CompletionMatches.CompletionText | Should -Be $second.Id

        $shown = (Get-WhatIfText { Get-DbUpgrade | Remove-DbUpgrade -WhatIf }) -replace '\s+', ' '
        $shown | Should -Match "Remove the journal of upgrade '$($first.Id)' \([^)]*pats.db, Succeeded\); Undo-DbUpgrade cannot roll it back afterwards.*'$($second.Id)'"
        Should-BeFailure (Get-ErrorOf { Remove-DbUpgrade $second.Id }) InvalidArgument Remove-DbUpgrade OperationStopped
        Should-BeFailure (Get-ErrorOf { Remove-DbUpgrade $first.Id }) ConfirmationRequired Remove-DbUpgrade OperationStopped
        Should-BeFailure (Get-ErrorOf { Remove-DbUpgrade $first.Id, none -WhatIf }) UpgradeNotFound Remove-DbUpgrade ObjectNotFound
        (Get-DbUpgrade).Id | Should -Be $second.Id, $first.Id

        $removed = Get-DbUpgrade | Where-Object Started -GT (Get-Date).AddDays(-1) | Remove-DbUpgrade -Force -Verbose 4>&1
        "$removed" | Should -Match "journal of upgrade $($first.Id).*Backup $($first.Backup) stays.*journal of upgrade $($second.Id)"
        Get-DbUpgrade | Should -BeNullOrEmpty
        foreach ($id in $first.Id, $second.Id) {
            (Get-ErrorOf { Undo-DbUpgrade $id -Force }).FullyQualifiedErrorId | Should -BeLike 'UpgradeNotFound,*'
            (Get-ErrorOf { Remove-DbUpgrade $id -Force }).FullyQualifiedErrorId | Should -BeLike 'UpgradeNotFound,*'
        }
        (Get-DbBackup).Count | Should -Be 2
        sqlite3 ./pats.db .dump | Should -Be $migrated
    }

    It 'is undone or gone on with after the shell was killed in the middle of the migration' {
        Skip-OnWindows
        Require-Tool alembic sqlite3
        Add-Migration bb02 aa01 $add
        Add-Migration cc03 bb02 "open('../begun', 'w').close(); time.sleep(0 if __import__('os').path.exists('../go') else 600)"
        $killed = {
            Remove-Item ./begun -ErrorAction Ignore
            $command = "Import-Module '$ModulePath'; Set-Location '$folder'; Invoke-DbUpgrade ./pats.db -MigrationPath ./backend -Migrate 'alembic upgrade head' -DatabaseVariable DATABASE_URL -NoRehearsal -Confirm:`$false"
            $program, [string[]] $first = Get-SameShell
            $words = @($first) + '-NoProfile' + '-NonInteractive' + '-Command' + $command | Where-Object { $_ } | ForEach-Object { "`"$_`"" }
            $shell = Start-Process $program -ArgumentList $words -PassThru -RedirectStandardOutput ./shell.out -RedirectStandardError ./shell.err
            for ($i = 0; -not (Test-Path ./begun) -and $i -lt 600 -and -not $shell.HasExited; $i++) { Start-Sleep -Milliseconds 100 }
            "$(Test-Path ./begun) $(Get-Content ./shell.err -Raw)" | Should -Match '^True'
            kill -9 $shell.Id
            $shell.WaitForExit()
        }
        & $killed
        $cut = Get-DbUpgrade
        "$($cut.State)" | Should -Be Interrupted
        (Get-ErrorOf { Invoke-DbUpgrade @arguments -Confirm:$false }).FullyQualifiedErrorId | Should -BeLike 'UpgradeUnfinished,*'
        (TabExpansion2 'Undo-DbUpgrade ').CompletionMatches.CompletionText | Should -Be $cut.Id
        Should-BeFailure (Get-ErrorOf { $cut | Remove-DbUpgrade -Force }) UpgradeUnfinished Remove-DbUpgrade OperationStopped
        $undone = $cut | Undo-DbUpgrade -Force -WarningAction SilentlyContinue
        "$($undone.State)" | Should -Be RolledBack
        sqlite3 ./pats.db .dump | Should -Be $before

        & $killed
        New-Item ./go | Out-Null
        $resumed = Get-DbUpgrade | Where-Object State -EQ Interrupted | Resume-DbUpgrade -Force -WarningAction SilentlyContinue
        "$($resumed.State)" | Should -Be Succeeded
        (Get-DbSchemaRevision ./pats.db).Revision | Should -Be cc03
        Get-RowCount ./pats.db | Should -Be 50
    }

    It 'asks although checks are skipped, and checks although it does not ask' {
        Skip-OnWindows
        Require-Tool alembic sqlite3
        Add-Migration bb02 aa01 $add
        $refused = Get-ErrorOf { Invoke-DbUpgrade @arguments -Force }
        $refused.FullyQualifiedErrorId | Should -BeLike 'ConfirmationRequired,*'
        $refused.ErrorDetails.RecommendedAction | Should -BeLike '*-Confirm:$false*'
        "update alembic_version set version_num = 'ffff'" | sqlite3 ./pats.db
        (Get-ErrorOf { Invoke-DbUpgrade @arguments -Confirm:$false }).FullyQualifiedErrorId | Should -BeLike 'SchemaNotOfCode,*'
        Get-DbUpgrade | Should -BeNullOrEmpty
    }

    It 'refuses in one clear sentence' {
        Skip-OnWindows
        Require-Tool alembic sqlite3
        Add-Migration bb02 aa01 $add
        (Get-ErrorOf { Invoke-DbUpgrade ./none.db -Migrate true -Confirm:$false }).FullyQualifiedErrorId | Should -BeLike 'SourceNotFound,*'
        (Get-ErrorOf { Invoke-DbUpgrade @arguments -AdditionalPath ./none -Confirm:$false }).FullyQualifiedErrorId | Should -BeLike 'SourceNotFound,*'
        (Get-ErrorOf { Undo-DbUpgrade none -Force }).FullyQualifiedErrorId | Should -BeLike 'UpgradeNotFound,*'
        (Get-ErrorOf { Get-DbUpgrade none }).FullyQualifiedErrorId | Should -BeLike 'UpgradeNotFound,*'
        "update alembic_version set version_num = 'ffff'" | sqlite3 ./pats.db
        (Get-ErrorOf { Invoke-DbUpgrade @arguments }).FullyQualifiedErrorId | Should -BeLike 'SchemaNotOfCode,*'
        Get-DbUpgrade | Should -BeNullOrEmpty
    }
}
