Describe 'Export-DbBackupReport' {
    BeforeAll { . $PSScriptRoot/common.ps1 }
    BeforeEach {
        $folder = Enter-NewFolder
        $env:DBBACKUP_PLANS = New-Folder ./plans
        New-SampleDatabase ./pats.db
        foreach ($days in 40, 3, 1) { Set-BackupDate (New-DbBackup ./pats.db -Name "b$days") ([datetimeoffset]::Now.AddDays(-$days)) }
    }
    AfterEach {
        Set-Location $RepositoryRoot
        Remove-Item Env:DBBACKUP_PLANS
    }

    It 'writes one page that needs nothing else, and emits its file' {
        $file = Export-DbBackupReport ./report.html
        $file | Should -BeOfType ([IO.FileInfo])
        $file.FullName | Should -Be (Resolve-Path ./report.html).ProviderPath
        $page = Get-Content ./report.html -Raw
        $page | Should -Match 'Nothing is wrong'
        $page | Should -Not -Match '<script|src=|href=|url\('
        ([regex]::Matches($page, '<rect ')).Count | Should -Be 3
        Get-ChildItem . -File -Force | Where-Object Name -Like '*part*' | Should -BeNullOrEmpty
    }

    It 'says what is wrong, and what retention would remove' {
        Export-DbBackupReport ./report.html | Out-Null
        Export-DbBackupReport ./report.html -Rpo '12h' -Retention 2d | Out-Null
        $page = Get-Content ./report.html -Raw
        $page | Should -Match 'What is wrong'
        $page | Should -Match 'The newest good backup, &#39;b1&#39;, is'
        $page | Should -Match 'Retention 2d.*: keeps 2, and removes 1'
        ([regex]::Matches($page, 'class="going" x=')).Count | Should -Be 1
    }

    It 'writes nothing under -WhatIf' {
        Get-WhatIfText { Export-DbBackupReport ./report.html -WhatIf } | Should -Match 'Write the report'
        './report.html' | Should -Not -Exist
    }

    It 'names what cannot be' {
        Should-BeFailureOf (Get-ErrorOf { Export-DbBackupReport ./none/report.html }) WriteFailed
        Should-BeFailureOf (Get-ErrorOf { Export-DbBackupReport $folder }) DestinationExists
        Should-BeFailureOf (Get-ErrorOf { Export-DbBackupReport ./report.html -Repository ./none }) RepositoryNotFound
        Should-BeFailureOf (Get-ErrorOf { Export-DbBackupReport ./report.html -Retention nonsense }) InvalidArgument
        './report.html' | Should -Not -Exist
    }
}
