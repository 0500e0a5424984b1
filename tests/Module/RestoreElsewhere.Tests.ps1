# The machine has burnt down. What is left: the bucket's address, its login, and the identity in a safe. Each restore is a fresh shell of another user
# profile, which knows no repository, no signer and no server. The world is EncryptedS3 (PesterData.cs).
Describe 'A machine that has nothing but the bucket, its login and the identity' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        Set-Location (New-Folder (Join-Path $TestDrive here))
        $elsewhere = New-Folder (Join-Path $TestDrive elsewhere)
        Copy-Item $TestKey (Join-Path $elsewhere safe.key)
        # Its lines in a fresh shell of a new user; $repository and $key are known in it.
        function Invoke-Elsewhere([string] $Script) {
            $before = @{}
            $variables = @{
                HOME = New-Folder (Join-Path $elsewhere "home-$([guid]::NewGuid().ToString('n'))"); XDG_DATA_HOME = $null; XDG_CONFIG_HOME = $null; XDG_CACHE_HOME = $null
                DBBACKUP_IDENTITY = $null; DBBACKUP_REPOSITORY = $null; DBBACKUP_PLANS = $null
            }
            try {
                foreach ($name in $variables.Keys) { $before[$name] = [Environment]::GetEnvironmentVariable($name); [Environment]::SetEnvironmentVariable($name, $variables[$name]) }
                Invoke-FreshShell @"
Import-Module '$ModulePath'
`$repository = '$env:DBBACKUP_TEST_BUCKET'
`$key = '$elsewhere/safe.key'
Set-Location '$elsewhere'
$Script
"@
            }
            finally { foreach ($name in $before.Keys) { [Environment]::SetEnvironmentVariable($name, $before[$name]) } }
        }

        New-Folder ./app/uploads | Out-Null
        New-SampleDatabase ./app/pats.db -Rows 500
        'my cv' | Set-Content ./app/uploads/cv.txt
        New-DbBackup ./app/pats.db -AdditionalPath ./app/uploads -Source pats -Name last -Verify | Out-Null
        $own = (Get-DbBackupSigner | Where-Object Trust -EQ Own).Fingerprint
    }
    AfterAll { Set-Location $RepositoryRoot }

    It 'lists and checks without the identity, and is told what it needs for more' {
        Invoke-Elsewhere 'Get-DbBackup -Repository $repository | Out-String; (Test-DbBackup last -Repository $repository -Level Checksum).Passed' | Should -Match '(?s)last +pats.*encrypted.*True'
        $answer = Invoke-Elsewhere 'try { Restore-DbBackup last -Repository $repository -Destination ./nothing.db -Content Database -Confirm:$false -ErrorAction Stop } catch { "$($_.FullyQualifiedErrorId) $_ $($_.ErrorDetails.RecommendedAction)" }'
        $answer | Should -Match '^BackupEncrypted,'
        $answer | Should -BeLike "*$TestRecipient*-Identity*"
        "$elsewhere/nothing.db" | Should -Not -Exist
    }

    It 'restores a database with its uploads to where they were, and names their signer, whose fingerprint can be compared' {
        Remove-Item ./app -Recurse
        $answer = Invoke-Elsewhere '$result = Restore-DbBackup last -Source pats -Repository $repository -Identity $key -Force -PassThru; "$($result.Status)"; (Get-DbBackupSigner -Repository $repository | Where-Object Backups -gt 0 | ForEach-Object { "$($_.Trust) $($_.Fingerprint)" })'
        $answer | Should -Match '^Matched'
        $answer | Should -Match "FirstUse $own"
        # It is no reason to warn: on a new machine each signer is new.
        $answer | Should -Not -Match 'WARNING'
        Get-RowCount ./app/pats.db | Should -Be 500
        Get-Content ./app/uploads/cv.txt | Should -Be 'my cv'
    }

    It 'completes the place off site that it has seen' {
        $answer = Invoke-Elsewhere 'Get-DbBackup -Repository $repository | Out-Null; (TabExpansion2 "Get-DbBackup -Repository s3" 27).CompletionMatches.ListItemText'
        $answer.Trim() | Should -Be ($env:DBBACKUP_TEST_BUCKET -replace '/\?', '?')
    }

    It 'restores a PostgreSQL database to a server that it names' {
        Require-PostgreSql
        $database = New-TestPostgreSqlDatabase elsewhere
        try {
            Invoke-Psql $database.Name "create table people (id serial primary key, name text); insert into people (name) select 'Person ' || i from generate_series(1, 500) i"
            New-DbBackup -ConnectionString $database.Uri -Source family -Name last | Out-Null
            Remove-TestPostgreSqlDatabase $database
            # No password travels with a backup.
            $answer = Invoke-Elsewhere 'try { Restore-DbBackup last -Source family -Repository $repository -Identity $key -Force -ErrorAction Stop } catch { "$($_.FullyQualifiedErrorId) $($_.ErrorDetails.RecommendedAction)" }'
            $answer | Should -Match '^AuthenticationFailed,.*-Credential'
            Invoke-Elsewhere "(Restore-DbBackup last -Source family -Repository `$repository -Identity `$key -ConnectionString '$($database.Uri)' -Force -PassThru).Status" | Should -Match '^Matched'
            Invoke-Psql $database.Name 'select count(*) from people' | Should -Be 500
        }
        finally { Remove-TestPostgreSqlDatabase $database }
    }

    It 'restores a Docker volume' {
        Require-Docker
        $volume = New-TestVolume
        Invoke-Docker run --rm --name (New-TestDockerName fill) --volume "${volume}:/data" dbbackup-test/app:1 sh -c 'mkdir /data/sub && echo one > /data/a.txt && echo two > /data/sub/b.txt' | Out-Null
        New-DbBackup -Volume $volume -Source cache -Name last | Out-Null
        Invoke-Docker volume rm $volume | Out-Null
        Invoke-Docker volume create $volume | Out-Null
        Invoke-Elsewhere '(Restore-DbBackup last -Source cache -Repository $repository -Identity $key -Force -PassThru).Status' | Should -Match 'Matched|Restored|Checked'
        Invoke-Docker run --rm --name (New-TestDockerName look) --volume "${volume}:/data" dbbackup-test/app:1 cat /data/a.txt /data/sub/b.txt | Should -Be one, two
    }
}
