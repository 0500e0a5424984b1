# Runs the commands of documents, one after another as a user would: those of one document, or of one example of a help page, in one
# session, each session in a fresh world. Works in a mount namespace of its own (Invoke-Document in checks.ps1), in which /srv, /mnt and /etc/hosts are the world's.
param([string] $Plan, [string] $Result)
$ErrorActionPreference = 'Stop'
. $PSScriptRoot/../common.ps1
. $PSScriptRoot/../scripted-host.ps1
. $PSScriptRoot/world.ps1

function Get-Tree { Get-ChildItem /srv, /mnt -Recurse -Force -File -ErrorAction Ignore | ForEach-Object { "$($_.FullName) $($_.Length) $($_.LastWriteTimeUtc.Ticks)" } | Join-String -Separator "`n" }

function Invoke-InSession([powershell] $Shell, [ScriptedHost] $Prompt, $Command) {
    $before = Get-Tree
    $Prompt.Asked.Text.Clear() | Out-Null
    $Prompt.Asked.Questions = 0
    $Shell.Commands.Clear()
    $Shell.Streams.ClearStreams()
    $watch = [Diagnostics.Stopwatch]::StartNew()
    $failure = $null
    # A script of another shell runs where the session is.
    $text = $Command.Language -eq 'sh' ? "`$global:LASTEXITCODE = 0; @'`n$($Command.Text)`n'@ | sh -e" : "`$global:LASTEXITCODE = 0`n$($Command.Text)"
    $output = try { , $Shell.AddScript($text).Invoke() } catch { $failure = $_; , @() }
    $seconds = $watch.Elapsed.TotalSeconds
    # What programs write on their standard error is no failure; their exit code says that.
    $errors = @($Shell.Streams.Error | Where-Object { $_.FullyQualifiedErrorId -notlike 'NativeCommandError*' } | ForEach-Object { "$_" })
    $said = @($Shell.Streams.Error | Where-Object { $_.FullyQualifiedErrorId -like 'NativeCommandError*' } | ForEach-Object { "$_" })
    if ($failure) { $errors += "$($failure.Exception.InnerException ?? $failure.Exception)" }
    $Shell.Commands.Clear()
    $code = $Shell.AddScript('$global:LASTEXITCODE').Invoke()[0]
    $value = if ($Command.Text -match '^\$(?<name>\w+) = ') { $Shell.Commands.Clear(); @($Shell.AddScript("`$$($Matches.name)").Invoke() | Where-Object { $null -ne $_ }).Count } else { 0 }
    $shown = @(foreach ($record in $Shell.Streams.Warning) { "WARNING: $record" })
    [pscustomobject]@{
        Key     = "$($Command.Document):$($Command.Line) $($Command.Text)"
        Errors  = $errors
        Exit    = [int]$code
        Types   = @($output | Where-Object { $null -ne $_ } | ForEach-Object { $_.GetType().FullName } | Select-Object -Unique)
        Text    = (@($shown) + @($output | Out-String -Width 200) -join "`n")
        Host    = "$($Prompt.Asked.Text)"
        Said    = $said -join "`n"
        # It emitted something, asked, said what it would do, set a variable, or wrote: else it did nothing.
        Effect  = [bool](@($output | Where-Object { $null -ne $_ }).Count -or $Prompt.Asked.Questions -or "$($Prompt.Asked.Text)" -match 'What if:' -or $value -or (Get-Tree) -ne $before)
        Seconds = [math]::Round($seconds, 2)
    }
}

$work = Get-Content -LiteralPath $Plan -Raw | ConvertFrom-Json
if (Test-Path "$PSScriptRoot/world-$($work.Need).ps1") { . "$PSScriptRoot/world-$($work.Need).ps1" }
$watch = [Diagnostics.Stopwatch]::StartNew()
New-World
$results = @([pscustomobject]@{ Key = 'the world'; Seconds = [math]::Round($watch.Elapsed.TotalSeconds, 2) })
foreach ($session in $work.Commands | Group-Object Session) {
    Reset-World $session.Group
    $prompt = [ScriptedHost]::new()
    $prompt.Asked.Agrees = $true
    $runspace = [runspacefactory]::CreateRunspace($prompt)
    $runspace.Open()
    $shell = [powershell]::Create($runspace)
    try {
        $shell.AddScript('$PSStyle.OutputRendering = "PlainText"; Set-Location /srv/pats; Import-Module DbBackup').Invoke() | Out-Null
        $results += foreach ($command in $session.Group) { Invoke-InSession $shell $prompt $command }
    }
    finally { $shell.Dispose(); $runspace.Dispose() }
    # After each, so that a run that is ended leaves what it found.
    ConvertTo-Json -Depth 5 -InputObject $results | Set-Content -LiteralPath $Result
}
