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
        Complete 'New-DbBackup -Reason ' | Should -Be Manual, PreMigration, Scheduled
        Complete 'New-DbBackup -Compression ' | Sort-Object | Should -Be Auto, Gzip, None, Zstd
        Complete 'Get-DbBackup -Reason ' | Should -Contain Safety
    }

    It 'offers nothing that the command refuses' {
        foreach ($reason in Complete 'New-DbBackup -Reason ') { New-DbBackup ./pats.db -Source offered -Reason $reason | Should -Not -BeNullOrEmpty }
        foreach ($reason in Complete 'Get-DbBackup -Reason ') { { Get-DbBackup -Reason $reason -ErrorAction Stop } | Should -Not -Throw }
        foreach ($level in Complete 'New-DbBackup ./pats.db -Fingerprint ') { New-DbBackup ./pats.db -Source offered -Fingerprint $level | Should -Not -BeNullOrEmpty }
        Complete 'New-DbBackup ./pats.db -Format ' | Should -Be Native, Sql
        Complete 'New-DbBackup postgresql://db.example.org/app -Format ' | Should -Be Custom, Directory, Plain
        Complete 'New-DbBackup -HostName db.example.org -Database app -Format p' | Should -Be Plain
        Complete 'New-DbBackup -ComposeProject shop -Service db -Format ' | Should -Be Custom, Plain
        Complete 'New-DbBackup -Volume shop_data -Format ' | Should -Be Native
        Complete 'New-DbBackup -Format ' | Should -Be Native, Sql, Custom, Directory, Plain
        Get-DbBackup -Source offered | Remove-DbBackup -Force -Confirm:$false
    }

    It 'says more in its tool tip' {
        (TabExpansion2 'Get-DbBackup b' 14).CompletionMatches[0].ToolTip | Should -Match 'pats, .* old, .*KB, Written'
    }

    It 'finds nothing, and fails with nothing, where there is no repository' {
        Complete 'Get-DbBackup -Repository ./nowhere -Name zzz' | Should -Not -Contain before_v2
        Complete 'Get-DbBackup -Repository Nowhere:/ -Name b' | Should -Not -Contain before_v2
        # Asked directly: the shell swallows what a completer throws.
        $completer = [Activator]::CreateInstance(((Get-Command Get-DbBackup).Parameters['Name'].Attributes | Where-Object { $_ -is [ArgumentCompleter] }).Type, $true)
        foreach ($case in @(@{ Repository = './nowhere'; Word = 'zzz' }, @{ Repository = 'Nowhere:/'; Word = 'b' }, @{ Repository = './backups'; Word = '[' })) {
            @($completer.CompleteArgument('Get-DbBackup', 'Name', $case.Word, $null, @{ Repository = $case.Repository })) | Should -BeNullOrEmpty -Because "$($case.Repository) $($case.Word)"
        }
        @($completer.CompleteArgument('Get-DbBackup', 'Name', 'b', $null, @{ Repository = './backups' })).CompletionText | Should -Be before_v2
    }

    It 'knows the versions of a project''s work tree: tags, the newest first, then branches' {
        Require-Tool git
        $project = New-Folder ./versions
        $variables = @{ GIT_CONFIG_GLOBAL = "$project/.none"; GIT_CONFIG_NOSYSTEM = '1' }
        'AUTHOR', 'COMMITTER' | ForEach-Object { $variables["GIT_${_}_NAME"] = 'a'; $variables["GIT_${_}_EMAIL"] = 'a@example.com' }
        $path = $env:PATH
        try {
            $variables.GetEnumerator() | ForEach-Object { Set-Item "Env:$($_.Key)" $_.Value }
            git init -q --initial-branch=main $project
            foreach ($version in @(@('2026-01-02', 'v9'), @('2026-01-02', 'v10'), @('2026-01-03', 'v2.0+build'), @('2026-01-01', 'v1'))) {
                $env:GIT_COMMITTER_DATE = "$($version[0])T12:00:00Z"
                git -C $project commit -q --allow-empty -m $version[1]
                git -C $project tag $version[1]
            }
            git -C $project branch v-next
            git clone -q $project ./cloned
            git -C ./cloned branch "it's"

            Complete 'Invoke-DbUpgrade -ComposeProject ./versions -GitRef ' | Should -Be "'v2.0+build'", v10, v9, v1, v-next, main
            Complete 'Invoke-DbUpgrade -ComposeProject ./versions -GitRef v1' | Should -Be v10, v1
            Complete "Invoke-DbUpgrade -ComposeProject ./versions -GitRef 'V2" | Should -Be "'v2.0+build'"
            # What only the remote has, by the name under which it is checked out.
            Complete 'Invoke-DbUpgrade -ComposeProject ./cloned/ -GitRef ' | Should -Be "'v2.0+build'", v10, v9, v1, main, "'it''s'", v-next
            (TabExpansion2 ($line = 'Invoke-DbUpgrade -ComposeProject ./versions -GitRef v1') $line.Length).CompletionMatches[0].ToolTip | Should -Be 'tag, 2026-01-02'

            $none = New-Folder ./unversioned
            $Error.Clear()
            foreach ($project in './unversioned', './nowhere', './pats.db') { Complete "Invoke-DbUpgrade -ComposeProject $project -GitRef v" | Should -Not -Contain v1 }
            Complete 'Invoke-DbUpgrade -GitRef v' | Should -Not -Contain v1
            $env:PATH = $none
            Complete 'Invoke-DbUpgrade -ComposeProject ./versions -GitRef v' | Should -Not -Contain v1
            $Error | Should -BeNullOrEmpty
        }
        finally {
            $env:PATH = $path
            $variables.Keys + 'GIT_COMMITTER_DATE' | ForEach-Object { Remove-Item "Env:$_" -ErrorAction Ignore }
        }
    }
}
