Describe 'Tab completion' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        Set-Location (New-Folder (Join-Path $TestDrive place))
        New-SampleDatabase ./pats.db
        New-SampleDatabase ./other.db
        New-DbBackup ./pats.db -Name before_v2 | Out-Null
        New-DbBackup ./pats.db -Name "it's before" | Out-Null
        New-DbBackup ./other.db -Name weekly -Source 'my app' | Out-Null
        New-DbBackup ./other.db -Name elsewhere -Repository './other place' | Out-Null
        function Complete([string] $Text) { (TabExpansion2 $Text $Text.Length).CompletionMatches.CompletionText }
    }
    AfterAll { Set-Location $RepositoryRoot }

    It 'knows names of backups, quoted where they must be: <_>' -ForEach 'Get-DbBackup', 'Test-DbBackup', 'Restore-DbBackup', 'Remove-DbBackup', 'Export-DbBackup' {
        Complete "$_ b" | Should -Be before_v2
        Complete "$_ -Name " | Sort-Object | Should -Be "'it''s before'", before_v2, weekly
        Complete "$_ 'it" | Should -Be "'it''s before'"
        Complete "$_ -Source pats -Name w" | Should -Not -Contain weekly
        Complete "$_ -Repository './other place' -Name " | Should -Be elsewhere
    }

    It 'knows sources: <_>' -ForEach 'Get-DbBackup -Source ', 'Restore-DbBackup -Source ', 'New-DbBackup ./pats.db -Source ' {
        Complete $_ | Should -Be "'my app'", pats
        Complete "$_ p" | Should -Be pats
    }

    It 'knows repositories: folders, and the one in the environment' {
        Complete 'Get-DbBackup -Repository ./o' | Should -Match 'other place'
        $env:DBBACKUP_REPOSITORY = '/mnt/nas'
        try { Complete 'Get-DbBackup -Repository ' | Should -Contain /mnt/nas }
        finally { Remove-Item Env:DBBACKUP_REPOSITORY }
    }

    It 'knows the values of parameters' {
        Complete 'Test-DbBackup -Level ' | Sort-Object | Should -Be Checksum, Restore, Structure
        Complete 'New-DbBackup -Type ' | Should -Be Full, PreMigration
        Complete 'New-DbBackup -Compression ' | Sort-Object | Should -Be Auto, Gzip, None, Zstd
        Complete 'Get-DbBackup -Type ' | Should -Contain Safety
    }

    It 'says more in its tool tip' {
        (TabExpansion2 'Get-DbBackup b' 14).CompletionMatches[0].ToolTip | Should -Match 'pats, .* old, .*KB, Written'
    }

    It 'finds nothing, and fails with nothing, where there is no repository' {
        Complete 'Get-DbBackup -Repository ./nowhere -Name zzz' | Should -Not -Contain before_v2
        { Complete 'Get-DbBackup -Repository Nowhere:/ -Name b' } | Should -Not -Throw
        { Complete 'Get-DbBackup -Name [' } | Should -Not -Throw
        $Error.Clear()
        Complete 'Get-DbBackup -Repository Nowhere:/ -Name b' | Out-Null
    }
}
