# What users install: the package is built, installed from a repository of this test's own, and imported from where it was installed.
Describe 'The package' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        $place = New-Folder (Join-Path $TestDrive package)
        Invoke-SameShell -NoProfile -NonInteractive -File (Join-Path $RepositoryRoot build.ps1) -Task Package -Configuration Debug -Destination $place *>&1 | Out-String -OutVariable log | Out-Null
        if ($LASTEXITCODE) { throw "The package was not built:`n$log" }
        $version = (Import-PowerShellDataFile $ModulePath).ModuleVersion

        # PowerShell keeps modules and the list of repositories below the home folder: this one's end with the test. On Windows the
        # system says where they are, so there the package is saved into a folder instead.
        $installed = New-Folder (Join-Path $TestDrive home)
        $repository = "dbbackup-$([guid]::NewGuid().ToString('n'))"
        $get = $IsWindows ? "Save-PSResource DbBackup -Path '$installed'" : 'Install-PSResource DbBackup -Scope CurrentUser'
        function Invoke-AtHome([string] $Script) {
            $before = @{ HOME = $env:HOME; XDG_DATA_HOME = $env:XDG_DATA_HOME; PSModulePath = $env:PSModulePath }
            if (-not $IsWindows) { $env:HOME = $installed; $env:XDG_DATA_HOME = $null; $env:PSModulePath = $null } else { $env:PSModulePath = "$installed;$env:PSModulePath" }
            try { Invoke-FreshShell "`$ErrorActionPreference = 'Stop'; Set-Location '$place'; $Script" }
            finally { foreach ($name in $before.Keys) { [Environment]::SetEnvironmentVariable($name, $before[$name]) } }
        }
        $text = Invoke-AtHome "Register-PSResourceRepository -Name $repository -Uri '$place' -Trusted; try { $get -Repository $repository; 'installed' } finally { Unregister-PSResourceRepository $repository }"
    }
    AfterAll { Set-Location $RepositoryRoot }

    It 'is installed from a repository in a folder' {
        $text.Trim() | Should -Be installed
        Get-ChildItem $installed -Recurse -Force -Filter DbBackup.psd1 | Should -HaveCount 1
    }

    It 'is found by its name in another shell, and makes and lists a backup' {
        New-SampleDatabase (Join-Path $place pats.db)
        $text = Invoke-AtHome "Import-Module DbBackup; (Get-Module DbBackup).ModuleBase; New-DbBackup ./pats.db -Name first -Verify | Out-Null; Get-DbBackup | ForEach-Object { `"`$(`$_.Name) `$(`$_.Status)`" }; Get-DbBackup | Out-String"
        $lines = $text -split '\r?\n'
        $lines[0] | Should -BeLike "$installed*$version"
        $lines[1] | Should -Be 'first Matched'
        # The table of the module's own format.
        $text | Should -Match 'Name +Source +Reason'
    }

    It 'has its help' {
        $text = Invoke-AtHome "Import-Module DbBackup; (Get-Help New-DbBackup).Synopsis; (Get-Help New-DbBackup -Parameter Name).Description.Text; (Get-Help about_DbBackup | Out-String)"
        $text | Should -Match '^Backs up '
        $text | Should -Match 'What you can rely on'
    }

    It 'holds the module and nothing else' {
        $root = (Get-ChildItem $installed -Recurse -Force -Filter DbBackup.psd1).DirectoryName
        $files = Get-ChildItem $root -Recurse -File -Force | ForEach-Object { [IO.Path]::GetRelativePath($root, $_.FullName).Replace('\', '/') }
        $files | Where-Object { $_ -notmatch '^module/bin/engine/' -and $_ -ne 'PSGetModuleInfo.xml' } | Sort-Object | Should -Be @(
            'CHANGELOG.md', 'DbBackup.psd1', 'en-US/about_DbBackup.help.txt', 'en-US/DbBackup.PowerShell.dll-Help.xml', 'LICENSE'
            'module/bin/DbBackup.dll', 'module/bin/DbBackup.PowerShell.dll', 'module/DbBackup.Format.ps1xml', 'module/DbBackup.Types.ps1xml', 'README.md')
        $files | Where-Object { $_ -match '\.pdb$|System\.Management\.Automation|/DbBackup\.dll$' } | Should -Be 'module/bin/DbBackup.dll'
        $runtimes = $files | Where-Object { $_ -match '/runtimes/([^/]+)/' } | ForEach-Object { $Matches[1] } | Sort-Object -Unique
        $runtimes | Should -Be linux-arm, linux-arm64, linux-musl-arm64, linux-musl-x64, linux-x64, osx-arm64, osx-x64, win-arm64, win-x64
        $files | Where-Object { $_ -match '^module/bin/engine/.*\.(?!dll$|so$|dylib$|json$)[^./]*$' } | Should -BeNullOrEmpty
    }
}
