# Single files and folders out of a backup: attachments alone.
Describe 'Restore-DbBackup -File' {
    BeforeAll { . $PSScriptRoot/common.ps1 }
    BeforeEach {
        $folder = Enter-NewFolder
        New-SampleDatabase ./parts.db
        New-Folder ./data/attachments/2025 | Out-Null
        New-Folder ./data/config | Out-Null
        'pinout' | Set-Content ./data/attachments/pinout.pdf
        'sheet' | Set-Content ./data/attachments/2025/sheet.pdf
        'note' | Set-Content ./data/attachments/note.txt
        'settings' | Set-Content ./data/config/app.ini
        New-DbBackup ./parts.db -AdditionalPath ./data -Name before | Out-Null
        Remove-Item ./data/attachments/pinout.pdf
        'changed' | Set-Content ./data/attachments/note.txt
        'new' | Set-Content ./data/attachments/new.pdf
        'other' | Set-Content ./data/config/app.ini
        'delete from applications' | sqlite3 ./parts.db
    }
    AfterEach { Set-Location $RepositoryRoot }

    It 'restores what is named, and touches nothing else' {
        $result = Restore-DbBackup before -Source parts -File attachments/* -Confirm:$false -PassThru
        $result.Restored | Should -Be "$folder/data/attachments/2025", "$folder/data/attachments/note.txt", "$folder/data/attachments/pinout.pdf"
        Get-Content ./data/attachments/pinout.pdf | Should -Be pinout
        Get-Content ./data/attachments/note.txt | Should -Be note
        Get-Content ./data/attachments/new.pdf | Should -Be new
        Get-Content ./data/config/app.ini | Should -Be other
        Get-RowCount ./parts.db | Should -Be 0
        Get-ChildItem ./data -Recurse -Force | Where-Object Name -Like '*dbbackup*' | Should -BeNullOrEmpty
    }

    It 'undoes exactly that, and the undo of it' {
        Restore-DbBackup before -File note.txt, 2025 -Confirm:$false
        'sheet 2' | Set-Content ./data/attachments/2025/sheet.pdf
        'later' | Set-Content ./data/config/app.ini
        Undo-DbRestore -Source parts -Confirm:$false
        Get-Content ./data/attachments/note.txt | Should -Be changed
        Get-Content ./data/attachments/2025/sheet.pdf | Should -Be sheet
        Get-Content ./data/config/app.ini | Should -Be later
        Get-Content ./data/attachments/new.pdf | Should -Be new
        Undo-DbRestore -Source parts -Confirm:$false
        Get-Content ./data/attachments/note.txt | Should -Be note
        Get-Content ./data/attachments/2025/sheet.pdf | Should -Be 'sheet 2'
        Get-Content ./data/config/app.ini | Should -Be later
    }

    It 'gives a named folder back as it was, and takes that back too' {
        Restore-DbBackup before -File data/attachments -Confirm:$false
        (Get-ChildItem ./data/attachments).Name | Should -Be 2025, note.txt, pinout.pdf
        Undo-DbRestore -Source parts -Confirm:$false
        (Get-ChildItem ./data/attachments).Name | Sort-Object | Should -Be 2025, new.pdf, note.txt
        Get-Content ./data/attachments/note.txt | Should -Be changed
        Get-Content ./data/config/app.ini | Should -Be other
    }

    It 'restores the safety backup of it file by file, and never as the whole folder' {
        Restore-DbBackup before -File note.txt -Confirm:$false
        $safety = Get-DbBackup -Reason Safety
        $safety.Scope | Should -Be Partial
        $safety | Restore-DbBackup -Confirm:$false
        Get-Content ./data/attachments/note.txt | Should -Be changed
        Get-Content ./data/attachments/new.pdf | Should -Be new
        Get-Content ./data/config/app.ini | Should -Be other
    }

    It 'restores into another folder' {
        Restore-DbBackup before -File *.pdf -Destination ./out -Confirm:$false
        (Get-ChildItem ./out -Recurse -File).Name | Sort-Object | Should -Be pinout.pdf, sheet.pdf
        Get-Content ./out/data/attachments/2025/sheet.pdf | Should -Be sheet
        Test-Path ./data/attachments/pinout.pdf | Should -BeFalse
    }

    It 'lists under -WhatIf, and changes nothing' {
        $before = Get-Snapshot .
        $text = Get-WhatIfText { Restore-DbBackup before -File attachments/*.pdf, app.ini -WhatIf }
        $text | Should -Match 'create .*pinout\.pdf'
        $text | Should -Match 'replace .*app\.ini'
        $text | Should -Not -Match 'new\.pdf|note\.txt|database'
        Get-Snapshot . | Should -Be $before
    }

    It 'puts a file where a folder is now, and a folder where a file is' {
        Remove-Item ./data/attachments/note.txt
        New-Folder ./data/attachments/note.txt/inner | Out-Null
        'kept' | Set-Content ./data/attachments/note.txt/inner/x
        Remove-Item -Recurse ./data/attachments/2025
        'file' | Set-Content ./data/attachments/2025
        Restore-DbBackup before -File note.txt, 2025 -Confirm:$false
        Get-Content ./data/attachments/note.txt | Should -Be note
        Get-Content ./data/attachments/2025/sheet.pdf | Should -Be sheet
        Undo-DbRestore -Source parts -Confirm:$false
        Get-Content ./data/attachments/note.txt/inner/x | Should -Be kept
        Get-Content ./data/attachments/2025 | Should -Be file
    }

    It 'refuses what leads elsewhere, what is not there, and what does not go together; nothing is changed' {
        $before = Get-Snapshot .
        Should-BeFailure (Get-ErrorOf { Restore-DbBackup before -File nothing.pdf -Confirm:$false }) BackupNotFound Restore ObjectNotFound 'nothing.pdf'
        Should-BeFailure (Get-ErrorOf { Restore-DbBackup before -File note.txt, missing/* -Confirm:$false }) BackupNotFound Restore ObjectNotFound 'missing/*'
        Should-BeFailure (Get-ErrorOf { Restore-DbBackup before -File attachments/../config -Confirm:$false }) InvalidArgument Restore InvalidArgument
        Should-BeFailure (Get-ErrorOf { Restore-DbBackup before -File ../x -Confirm:$false }) InvalidArgument Restore InvalidArgument
        Should-BeFailure (Get-ErrorOf { Restore-DbBackup before -File note.txt -Content Database -Confirm:$false }) InvalidArgument Restore InvalidArgument
        Should-BeFailure (Get-ErrorOf { Restore-DbBackup before -File note.txt -Table x -Confirm:$false }) InvalidArgument Restore InvalidArgument
        Get-Snapshot . | Should -Be $before
        New-DbBackup ./parts.db -Name alone -AllowCollapse | Out-Null
        Should-BeFailure (Get-ErrorOf { Restore-DbBackup alone -File note.txt -Confirm:$false }) InvalidArgument Restore InvalidArgument
    }

    It 'does not follow a link that took the place of a folder' {
        Skip-OnWindows
        New-Folder ./elsewhere | Out-Null
        Remove-Item -Recurse ./data/attachments
        New-Item -ItemType SymbolicLink ./data/attachments -Target "$folder/elsewhere" | Out-Null
        Should-BeFailure (Get-ErrorOf { Restore-DbBackup before -File attachments/note.txt -Confirm:$false }) UnsafeContent Restore InvalidData
        Get-ChildItem ./elsewhere | Should -BeNullOrEmpty
    }

    It 'does not put files in the place of a database' {
        New-SampleDatabase ./data/attachments/live.db
        Should-BeFailure (Get-ErrorOf { Restore-DbBackup before -File attachments -Confirm:$false }) TargetInvalid Restore InvalidArgument '*live.db'
        Get-RowCount ./data/attachments/live.db | Should -Be 50
        Restore-DbBackup before -File attachments/* -Confirm:$false
        Get-RowCount ./data/attachments/live.db | Should -Be 50
    }

    It 'leaves everything as it was when the backup is damaged' {
        $backup = Get-DbBackup before
        $file = Get-ChildItem $backup.Location -Filter data.tar*
        $file.IsReadOnly = $false
        $bytes = [IO.File]::ReadAllBytes($file.FullName)
        $bytes[$bytes.Length / 2] = $bytes[$bytes.Length / 2] -bxor 1
        [IO.File]::WriteAllBytes($file.FullName, $bytes)
        $before = Get-Snapshot ./data
        Should-BeFailure (Get-ErrorOf { Restore-DbBackup before -File note.txt -Confirm:$false }) BackupDamaged Restore InvalidData
        Get-Snapshot ./data | Should -Be $before
        Get-DbBackup -Reason Safety | Should -BeNullOrEmpty
    }
}
