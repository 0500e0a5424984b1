# The README's first command, in a copy of the clone without anything that was built, from elsewhere and without a pwsh on the path.
Describe 'dotnet run samples/Demo.cs' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        $copy = New-Folder (Join-Path $TestDrive 'the clone')
        Get-ChildItem $RepositoryRoot -File -Force | Copy-Item -Destination $copy
        foreach ($folder in '.config', 'src', 'tools', 'samples', 'docs', 'module') {
            foreach ($file in Get-ChildItem (Join-Path $RepositoryRoot $folder) -Recurse -File -Force) {
                $path = [IO.Path]::GetRelativePath($RepositoryRoot, $file.FullName)
                if ($path -match '[\\/](bin|obj)[\\/]') { continue }
                Copy-Item -LiteralPath $file.FullName -Destination (Join-Path (New-Folder (Join-Path $copy (Split-Path $path))) $file.Name)
            }
        }
        $demo = Join-Path $copy samples/Demo.cs
        # The analyzers have read the same files in the build of these tests.
        $env:RunAnalyzers = 'false'
        Set-Location $TestDrive
    }
    AfterAll {
        Set-Location $RepositoryRoot
        Remove-Item Env:RunAnalyzers
    }

    It 'builds the module and does the main job in the PowerShell of the manifest' {
        $text = dotnet run $demo 2>&1 | Out-String
        $LASTEXITCODE | Should -Be 0 -Because $text
        $text | Should -Match 'pre_migration_v2 +pats +PreMigration .*'
        $text | Should -Match "What if: Restore 'pats/pre_migration_v2'"
        $text | Should -Match '(?m)^Status +: Matched'
        Get-RowCount (Join-Path $copy demo/data/pats.db) application | Should -Be 5000
        Get-ChildItem (Join-Path $copy demo/uploads) | Should -HaveCount 20
    }

    It 'ends with the exit code of what failed' {
        Set-Content (Join-Path $copy build.ps1) 'exit 7'
        dotnet run $demo *>&1 | Out-Null
        $LASTEXITCODE | Should -Be 7
    }
}
