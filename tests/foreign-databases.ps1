<#
.SYNOPSIS
    Backs up, tests and restores every database of a server, and compares each restored one with pg_dump's own text.
.DESCRIPTION
    For databases that others made: public schemas, sample data, the server's own regression database, a copy of production. The server
    should be one for tests: each database is restored beside itself, and then once in place. Prints one object for each database; a database
    is right if every column says True.
.EXAMPLE
    ./tests/foreign-databases.ps1 -HostName localhost -Port 5432 -Username postgres -Database 'f_*'
#>
param(
    [string] $HostName = 'localhost',
    [int] $Port = 5432,
    [string] $Username = 'postgres',
    [string] $Database = '*',
    [string] $Repository = (Join-Path ([IO.Path]::GetTempPath()) "foreign-$PID")
)
$ErrorActionPreference = 'Stop'
Import-Module (Join-Path $PSScriptRoot .. DbBackup.psd1)
$server = @{ HostName = $HostName; Port = $Port; Username = $Username }
$programs = @('-h', $HostName, '-p', $Port, '-U', $Username)

function Get-Text([string] $Name) {
    # Keys that pg_dump draws anew for each dump.
    (pg_dump @programs $Name) -notmatch '^\\(un)?restrict ' -join "`n"
}

# What pg_dump and pg_restore alone make of it: the server prints some expressions in another way once they were loaded from its own text.
function Test-Text([string] $Name, [string] $Before) {
    $text = Get-Text $Name
    if ($text -ceq $Before) { return $true }
    $control = "control_$PID"
    createdb @programs $control
    try {
        pg_dump @programs --format=custom --file "$Repository.control" $row.Database
        pg_restore @programs --dbname $control "$Repository.control"
        $text -ceq (Get-Text $control)
    }
    finally {
        dropdb @programs $control
        Remove-Item "$Repository.control"
    }
}

$names = psql @programs -d postgres -Atc 'select datname from pg_database where datallowconn and not datistemplate order by 1' | Where-Object { $_ -like $Database -and $_ -ne 'postgres' }
foreach ($name in $names) {
    $row = [ordered]@{ Database = $name; Tables = 0; Rows = 0; Proved = $false; Tested = $false; Beside = $false; InPlace = $false; Words = '' }
    try {
        $before = Get-Text $name
        $backup = New-DbBackup @server -Database $name -Verify -Repository $Repository -WarningAction SilentlyContinue
        $row.Proved = "$($backup.Status)" -eq 'Matched'
        $facts = $backup.Manifest.Payloads[0].Fingerprint
        $row.Tables = $facts.Tables.Count
        $row.Rows = $facts.TotalRows
        $results = foreach ($level in 'Checksum', 'Structure', 'Restore') { $backup | Test-DbBackup -Level $level -ErrorAction Continue }
        $row.Tested = ($results.Passed -notcontains $false) -and $results.Count -eq 3
        $row.Words = ($results.Failure | Where-Object { $_ }) -join '; '
        Restore-DbBackup -InputObject $backup @server -Database "${name}_beside" -Confirm:$false -WarningAction SilentlyContinue
        $row.Beside = Test-Text "${name}_beside" $before
        psql @programs -d postgres -qc "drop database ""${name}_beside""" | Out-Null
        Restore-DbBackup -InputObject $backup @server -Database $name -InPlace -Confirm:$false -WarningAction SilentlyContinue
        $row.InPlace = Test-Text $name $before
    }
    catch { $row.Words = "$($row.Words) $_".Trim() }
    [pscustomobject]$row
}
