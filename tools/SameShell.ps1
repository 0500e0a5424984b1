# The one way to start another shell of the kind that runs this: the process of a PowerShell that is a .NET tool is "dotnet".

# The program, and the arguments that precede the shell's own.
function Get-SameShell {
    $program = [Environment]::ProcessPath
    $program
    if ((Split-Path $program -LeafBase) -eq 'dotnet') { Join-Path $PSHOME pwsh.dll }
}

# Runs it: Invoke-SameShell -NoProfile -File ./script.ps1
function Invoke-SameShell {
    $program, [string[]] $before = Get-SameShell
    & $program @before @args
}
