Describe 'Undo-DbRestore' {
    BeforeAll { . $PSScriptRoot/common.ps1 }
    BeforeEach {
        $folder = Enter-NewFolder
        New-SampleDatabase ./pats.db
        New-Folder ./uploads | Out-Null
        'one' | Set-Content ./uploads/1.txt
        New-DbBackup ./pats.db -AdditionalPath ./uploads -Name before | Out-Null
        'delete from documents; delete from applications where id > 10' | sqlite3 ./pats.db
        'two' | Set-Content ./uploads/2.txt
        $restored = Restore-DbBackup before -Source pats -Force -PassThru
    }
    AfterEach { Set-Location $RepositoryRoot }

    It 'gives database and files back, emits nothing, and can be undone' {
        Undo-DbRestore -Source pats -Force | Should -BeNullOrEmpty
        Get-RowCount ./pats.db | Should -Be 10
        (Get-ChildItem ./uploads).Name | Should -Be 1.txt, 2.txt
        Undo-DbRestore -Force
        Get-RowCount ./pats.db | Should -Be 50
        (Get-ChildItem ./uploads).Name | Should -Be 1.txt
    }

    It 'undoes the restore that is piped to it, from another folder too' {
        Set-Location (New-Folder ./elsewhere)
        $undone = $restored | Undo-DbRestore -Force -PassThru
        $undone | Should -BeOfType ([DbBackup.RestoreResult])
        $undone.Restored | Should -Be "$folder/pats.db", "$folder/uploads"
        Get-RowCount "$folder/pats.db" | Should -Be 10
    }

    It 'shows the plan with -WhatIf and changes nothing' {
        $plan = Undo-DbRestore -Source pats -WhatIf -PassThru
        $plan | Should -BeOfType ([DbBackup.RestorePlan])
        "$plan" | Should -BeLike "Undo the restore of 'pats/before'*replace the database*pats.db*replace the folder*uploads*"
        Get-RowCount ./pats.db | Should -Be 50
    }

    It 'is an error if there is nothing to undo, or the session cannot ask' {
        { Undo-DbRestore -Source other -Force -ErrorAction Stop } | Should -Throw -ErrorId 'BackupNotFound*'
        { Undo-DbRestore -Id nothing -Force -ErrorAction Stop } | Should -Throw -ErrorId 'BackupNotFound*'
        { Undo-DbRestore -Source pats -ErrorAction Stop } | Should -Throw -ErrorId 'ConfirmationRequired*'
        Get-RowCount ./pats.db | Should -Be 50
    }

    It 'completes the restores that can be undone' {
        $line = 'Undo-DbRestore -Source pats -Id '
        ([System.Management.Automation.CommandCompletion]::CompleteInput($line, $line.Length, $null)).CompletionMatches.CompletionText | Should -Be $restored.RestoreId
    }

    It 'refuses a restore that kept nothing' {
        Undo-DbRestore -Force
        $nothing = Restore-DbBackup before -Source pats -Force -NoSafetyBackup -PassThru
        $nothing.RestoreId | Should -BeNullOrEmpty
        { $nothing | Undo-DbRestore -Force -ErrorAction Stop } | Should -Throw
        Get-RowCount ./pats.db | Should -Be 50
    }
}
