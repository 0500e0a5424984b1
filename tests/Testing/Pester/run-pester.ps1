#Requires -Version 7.6
# Runs one Pester file and writes what came of each test as JSON. Started by PesterRun.cs.
param(
    [Parameter(Mandatory)] [string] $Pester,
    [Parameter(Mandatory)] [string] $File,
    [Parameter(Mandatory)] [string] $Results
)
$PSStyle.OutputRendering = 'PlainText'
# No preference is set here: the tests would inherit it.
Import-Module $Pester -ErrorAction Stop

$configuration = New-PesterConfiguration
$configuration.Run.Path = $File
$configuration.Run.PassThru = $true
$configuration.Output.Verbosity = 'Detailed'
$configuration.Output.RenderMode = 'Plaintext'
$run = Invoke-Pester -Configuration $configuration

function Get-Message($Errors) { @($Errors | Where-Object { $_ } | ForEach-Object { $_.DisplayErrorMessage ? "$($_.DisplayErrorMessage)`n$($_.DisplayStackTrace)" : "$_" }) -join "`n" }

@{
    # A file that cannot be read, and setups and cleanups of blocks that failed.
    Failures = @(
        $run.FailedContainers | ForEach-Object { Get-Message $_.ErrorRecord }
        $run.FailedBlocks | Where-Object ErrorRecord | ForEach-Object { "$($_.ExpandedName): $(Get-Message $_.ErrorRecord)" }
    )
    Tests = @($run.Tests | ForEach-Object {
            @{ Line = $_.StartLine; Name = $_.ExpandedPath; Result = "$($_.Result)"; Message = Get-Message $_.ErrorRecord }
        })
} | ConvertTo-Json -Depth 4 | Set-Content -LiteralPath $Results
