#Requires -Version 7.6
<#
.SYNOPSIS
Builds, tests, measures, packs and shows DbBackup.
.EXAMPLE
./build.ps1 -Task Demo
Builds the module and backs up, tests, loses and restores a small database with it, in ./demo.
#>
[CmdletBinding()]
param(
    # What to do.
    [Parameter(Position = 0)]
    [ValidateSet('Build', 'Test', 'Bench', 'Package', 'Demo')]
    [string] $Task = 'Build',

    [ValidateSet('Debug', 'Release')]
    [string] $Configuration = 'Release'
)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
$root = $PSScriptRoot

function Build-Module {
    dotnet build (Join-Path $root 'src/DbBackup.PowerShell') --configuration $Configuration --nologo --verbosity quiet
    if (Get-Module -ListAvailable PSScriptAnalyzer) {
        Invoke-ScriptAnalyzer -Path $root -Recurse -Settings (Join-Path $root 'PSScriptAnalyzerSettings.psd1') -EnableExit
    }
    else {
        Write-Warning 'PSScriptAnalyzer is not installed: the scripts were not analysed.'
    }
}

function Invoke-InFreshShell([string] $Script) {
    # A loaded engine cannot be unloaded, and its files stay locked on Windows: whatever imports the module gets a shell of its own.
    & (Get-Process -Id $PID).Path -NoProfile -File $Script
}

switch ($Task) {
    'Build' {
        Build-Module
        Write-Host "Built. Import it with: Import-Module $(Join-Path $root 'DbBackup.psd1')"
    }

    'Test' {
        dotnet test (Join-Path $root 'DbBackup.sln') --nologo
    }

    'Bench' {
        Build-Module
        dotnet run --configuration Release --project (Join-Path $root 'bench/DbBackup.Bench')
    }

    'Package' {
        Build-Module
        $version = (Import-PowerShellDataFile (Join-Path $root 'DbBackup.psd1')).ModuleVersion
        $target = Join-Path $root "artifacts/DbBackup/$version"
        Remove-Item -Recurse -Force -ErrorAction Ignore -LiteralPath $target
        New-Item -ItemType Directory -Force -Path $target | Out-Null
        'DbBackup.psd1', 'module', 'en-US', 'LICENSE', 'README.md', 'CHANGELOG.md' |
            ForEach-Object { Copy-Item -Recurse -LiteralPath (Join-Path $root $_) -Destination $target }
        Get-ChildItem -Recurse -LiteralPath $target -Filter *.pdb | Remove-Item
        Compress-Archive -Path (Join-Path $root 'artifacts/DbBackup') -DestinationPath (Join-Path $root "artifacts/DbBackup-$version.zip") -Force
        Write-Host "Packed $target and artifacts/DbBackup-$version.zip: unpack it into a folder of `$env:PSModulePath."
    }

    'Demo' {
        Build-Module
        Invoke-InFreshShell (Join-Path $root 'samples/Demo.ps1')
    }
}
