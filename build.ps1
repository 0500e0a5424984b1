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
    [string] $Configuration = 'Release',

    # Where Package puts the module and its .nupkg.
    [string] $Destination = (Join-Path $PSScriptRoot artifacts)
)

$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true
$root = $PSScriptRoot
. (Join-Path $root 'tools/SameShell.ps1')

function Build-Module([string[]] $Property = @()) {
    dotnet build (Join-Path $root 'src/DbBackup.PowerShell') --configuration $Configuration --nologo --verbosity quiet @Property
}

function Test-Script {
    if (Get-Module -ListAvailable PSScriptAnalyzer) {
        Invoke-ScriptAnalyzer -Path $root -Recurse -Settings (Join-Path $root 'PSScriptAnalyzerSettings.psd1') -EnableExit
    }
    else {
        Write-Warning 'PSScriptAnalyzer is not installed: the scripts were not analysed.'
    }
}

switch ($Task) {
    'Build' {
        Build-Module
        Test-Script
        Write-Host "Built. Import it with: Import-Module $(Join-Path $root 'DbBackup.psd1')"
    }

    'Test' {
        # In this shell, if it is one that can be started by its path; otherwise in the .NET tool that the repository pins.
        $program, $tool = Get-SameShell
        if (-not $tool -and -not $env:DBBACKUP_TEST_PWSH) { $env:DBBACKUP_TEST_PWSH = $program }
        Push-Location $root
        try { dotnet test }
        finally { Pop-Location }
    }

    'Bench' {
        Build-Module
        dotnet run --configuration Release --project (Join-Path $root 'bench/DbBackup.Bench')
    }

    'Package' {
        Test-Script
        $version = (Import-PowerShellDataFile (Join-Path $root 'DbBackup.psd1')).ModuleVersion
        $Destination = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($Destination)
        $target = Join-Path $Destination "DbBackup/$version"
        Remove-Item -Recurse -Force -ErrorAction Ignore -LiteralPath $target
        New-Item -ItemType Directory -Force -Path (Join-Path $target module) | Out-Null
        # Laid out there by the build, so that nothing of an older build gets in.
        Build-Module "--property:ModuleRoot=$target/"
        Get-ChildItem -Recurse -LiteralPath $target -Filter *.pdb | Remove-Item
        'DbBackup.psd1', 'LICENSE', 'README.md', 'CHANGELOG.md' | ForEach-Object { Copy-Item -LiteralPath (Join-Path $root $_) -Destination $target }
        Copy-Item -Path (Join-Path $root 'module/*.ps1xml') -Destination (Join-Path $target module)
        Remove-Item -ErrorAction Ignore -LiteralPath (Join-Path $Destination "DbBackup.$version.nupkg")
        Compress-PSResource -Path $target -DestinationPath $Destination
        $archive = Join-Path $Destination "DbBackup-$version.zip"
        Compress-Archive -Path (Split-Path $target) -DestinationPath $archive -Force
        Write-Host "Packed DbBackup.$version.nupkg in $Destination, which Register-PSResourceRepository takes for a repository, for Install-PSResource;"
        Write-Host "and ${archive}: unpack it into a folder of `$env:PSModulePath."
    }

    'Demo' {
        Build-Module
        # A loaded engine cannot be unloaded, and its files stay locked on Windows: what imports the module gets a shell of its own.
        Invoke-SameShell -NoProfile -File (Join-Path $root 'samples/Demo.ps1')
    }
}
