# Runs the commands that need the same, and holds the documents against what they did. Dot-sourced after common.ps1.
. $PSScriptRoot/extract.ps1

# Why the documents' world cannot be made here; null where it can.
function Find-WorldObstacle([string] $Need) {
    if (-not $IsLinux) { return 'it needs mount namespaces, which only Linux has' }
    foreach ($program in 'unshare', 'sqlite3', 'zstd', 'alembic') {
        if (-not (Get-Command $program -ErrorAction Ignore)) { return "the program $program was not found in PATH" }
    }
    if ($Need -eq 'postgresql' -and -not (Get-ChildItem /usr/lib/postgresql/*/bin/initdb -ErrorAction Ignore) -and -not (Get-Command initdb -ErrorAction Ignore)) {
        return 'there are no programs of a PostgreSQL server'
    }
    if ($Need -in 'docker', 'upgrade') {
        if (-not $env:DBBACKUP_TEST_DOCKERPREFIX) { return 'there is no Docker engine with the images of the tests' }
        $foreign = Find-ForeignObject
        if ($foreign) { return "the engine has $foreign, which is not the tests'" }
    }
    if ("$DocumentRoot/" -match '^/(srv|mnt)/') { return "the repository lies below /$($Matches[1]), which the documents' world covers" }
    if (-not (Test-Path /srv) -or -not (Test-Path /mnt)) { return 'there is no /srv or no /mnt to lay the world on' }
    & unshare @(Get-NamespaceOption) true 2>&1 | Out-Null
    if ($LASTEXITCODE) { 'this user may not make a mount namespace' }
}

# What a user has on the engine under a name of the documents.
function Find-ForeignObject {
    $names = 'wiki', 'pats-staging', 'partshub', 'partshub_old', 'staging-db', 'test-db', 'shop-backend-1'
    $own = @(docker ps --all --quiet --filter label=dbbackup.documents)
    foreach ($name in $names) { if (docker ps --all --quiet --filter "name=^$name`$" | Where-Object { $_ -notin $own }) { return "a container $name" } }
    foreach ($project in 'shop', 'pats') {
        if (docker ps --all --quiet --filter "label=com.docker.compose.project=$project" | Where-Object { $_ -notin $own }) { return "a compose project $project" }
    }
    $ownVolumes = @(docker volume ls --quiet --filter label=dbbackup.documents)
    foreach ($name in docker volume ls --quiet) { if ($name -match '^(shop_|wiki_data$|staging_data$|partshub_data$)' -and $name -notin $ownVolumes) { return "a volume $name" } }
}

# With a namespace of processes too, servers and guards end with the shell, however that ends.
function Get-NamespaceOption {
    $user = (id -u) -eq '0' ? @() : @('--user', '--map-current-user', '--keep-caps')
    $user + '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'
}

# A session with a server or an engine takes long. Of one whose commands all stand, in this order, in a longer session the results are those of
# that one: gives the command that is run for each, by the key of the other.
function Find-SameCommand([object[]] $Commands) {
    $same = @{}
    $sessions = @($Commands | Group-Object Session | Sort-Object Count -Descending)
    foreach ($session in $sessions) {
        foreach ($longer in $sessions | Where-Object { $_.Count -gt $session.Count -and -not $same.ContainsKey((Get-CommandKey $_.Group[0])) }) {
            $found = @{}
            $at = 0
            foreach ($command in $session.Group) {
                while ($at -lt $longer.Count -and "$($longer.Group[$at].Text) $($longer.Group[$at].Fails)" -cne "$($command.Text) $($command.Fails)") { $at++ }
                if ($at -eq $longer.Count) { break }
                $found[(Get-CommandKey $command)] = Get-CommandKey $longer.Group[$at++]
            }
            if ($found.Count -eq $session.Count) {
                foreach ($key in $found.Keys) { $same[$key] = $found[$key] }
                break
            }
        }
    }
    $same
}

function Get-CommandKey($Command) { "$($Command.Document):$($Command.Line) $($Command.Text)" }

# Runs the commands; gives what each of them did, by its key.
function Invoke-Document([object[]] $Commands, [string] $Need) {
    $world = Join-Path $TestDrive world
    foreach ($folder in 'srv', 'mnt', 'template') { New-Item -ItemType Directory -Force (Join-Path $world $folder) | Out-Null }
    @(Get-Content /etc/hosts) + '127.71.0.1 db.example.org' + '127.71.0.2 staging.example.org tests.example.org new.example.org' | Set-Content (Join-Path $world hosts)
    $plan = Join-Path $world plan.json
    $result = Join-Path $world result.json
    $same = $Need -eq 'nothing' ? @{} : (Find-SameCommand $Commands)
    @{ Need = $Need; Commands = @($Commands | Where-Object { -not $same.ContainsKey((Get-CommandKey $_)) } | Select-Object Document, Line, Text, Language, Session) } | ConvertTo-Json -Depth 5 | Set-Content -LiteralPath $plan
    $mounts = 'mount --bind "$1/srv" /srv && mount --bind "$1/mnt" /mnt && mount --bind "$1/hosts" /etc/hosts && shift && "$@"; code=$?; exit $code'
    $env:DBBACKUP_TEST_WORLD = $world
    # Two files have containers of the same names: one after the other.
    $lock = $Need -in 'docker', 'upgrade' ? (Wait-EngineLock) : $null
    try { $text = & unshare @(Get-NamespaceOption) sh -c $mounts sh $world @(Get-SameShell) -NoProfile -NonInteractive -File "$PSScriptRoot/shell.ps1" $plan $result 2>&1 | Out-String }
    finally {
        Remove-Item Env:DBBACKUP_TEST_WORLD
        if ($lock) {
            . $PSScriptRoot/world-docker.ps1
            Clear-Engine
            $lock.Dispose()
        }
    }
    if (-not (Test-Path -LiteralPath $result)) { throw "The documents' shell ended without a result: $text" }
    $results = @{}
    foreach ($one in Get-Content -LiteralPath $result -Raw | ConvertFrom-Json) { $results[$one.Key] = $one }
    foreach ($key in $same.Keys) { $results[$key] = $results[$same[$key]] }
    $results
}

function Wait-EngineLock {
    $limit = [DateTime]::UtcNow.AddMinutes(30)
    while ($true) {
        try { return [IO.File]::Open((Join-Path ([IO.Path]::GetTempPath()) dbbackup-documents.lock), 'OpenOrCreate', 'ReadWrite', 'None') }
        catch [IO.IOException] { if ([DateTime]::UtcNow -gt $limit) { throw 'Another run of the documents has the engine.' } }
        Start-Sleep -Milliseconds 500
    }
}

function Should-BeAsDocumented($Command, $Done) {
    $Done | Should -Not -BeNullOrEmpty -Because 'the command is run'
    $said = "$($Done.Host)`n$($Done.Said)`n$($Done.Text)"
    if ($Command.Fails) { $Done.Errors | Should -Not -BeNullOrEmpty -Because "the document says that it fails: $said" }
    else {
        $Done.Errors | Should -BeNullOrEmpty -Because $said
        $Done.Exit | Should -Be 0 -Because $said
    }
    $names = Get-CommandName $Command
    if ($names) { $Done.Effect | Should -BeTrue -Because "a command that does nothing shows nothing: $said" }
    # What a command of the module emits at the end of its pipeline is of the types that its help names.
    $last = Get-LastCommandName $Command
    if ($last -and $Done.Types) { $Done.Types | Should -BeIn (Get-Command $last).OutputType.Name }
    if ($null -ne $Command.Output) { Get-Shape $Done.Text | Should -BeExactly (Get-Shape $Command.Output) }
}

# Commands of the module in a statement.
function Get-CommandName($Command) {
    if ($Command.Language -ne 'powershell') { return }
    $tree = [Management.Automation.Language.Parser]::ParseInput($Command.Text, [ref]$null, [ref]$null)
    $tree.FindAll({ $args[0] -is [Management.Automation.Language.CommandAst] }, $true) | ForEach-Object { $_.GetCommandName() } | Where-Object { $_ -match '^\w+-Db' }
}

function Get-LastCommandName($Command) {
    if ($Command.Language -ne 'powershell') { return }
    $tree = [Management.Automation.Language.Parser]::ParseInput($Command.Text, [ref]$null, [ref]$null)
    $statement = $tree.EndBlock.Statements[-1]
    if ($statement -is [Management.Automation.Language.PipelineAst] -and $statement.PipelineElements[-1] -is [Management.Automation.Language.CommandAst]) {
        $statement.PipelineElements[-1].GetCommandName() -match '^\w+-Db' ? $statement.PipelineElements[-1].GetCommandName() : $null
    }
}

# What is left of an output when times, sizes, hashes and widths are taken out: names, columns, words. The two versions of compose
# name containers with hyphens or underscores.
function Get-Shape([string] $Text) {
    $shape = $Text -replace '\d{8}T\d{6}Z', '<time>' -replace '\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}( \d{1,2}:\d{2}(:\d{2})?)?( [+-]\d{2}:\d{2}| [AP]M)?', '<date>' `
        -replace '\b\d+(\.\d+)? ?([KMGT]i?B|B)\b', '<size>' -replace '\b[0-9a-f]{12,64}\b', '<hash>' -replace '\b\d+(\.\d+)? ?(ms|s|min|m|h|d)\b', '<span>' `
        -replace '\b\d{2}:\d{2}:\d{2}(\.\d+)?\b', '<span>' -replace '-{2,}', '--' -replace '\b([a-z]+)_([a-z]+)_(\d+)\b', '$1-$2-$3' -replace '[ \t]+', ' '
    (($shape -split '\r?\n').Trim() | Where-Object { $_ }) -join "`n"
}

# The commands that are run by a test file, grouped for -ForEach; for BeforeDiscovery.
function Get-RunCommand([string] $Need) {
    Get-AllDocumentCommand | Where-Object { $_.Need -eq $Need -and -not $_.Reason } | ForEach-Object {
        @{ Command = $_; Title = "$($_.Document):$($_.Line) $(($_.Text -split "`n")[0])"; Key = "$($_.Document):$($_.Line) $($_.Text)" }
    }
}

# What is true of a command that is not run: it is PowerShell, of commands and parameters that exist, where this system has the command.
function Should-BeParsed($Command) {
    $tree = [scriptblock]::Create($Command.Text).Ast
    foreach ($used in $tree.FindAll({ $args[0] -is [Management.Automation.Language.CommandAst] }, $true)) {
        $known = Get-Command $used.GetCommandName() -CommandType Cmdlet, Function -ErrorAction Ignore
        if (-not $known) { $used.GetCommandName() | Should -Not -Match '^\w+-Db'; continue }
        foreach ($parameter in $used.CommandElements | Where-Object { $_ -is [Management.Automation.Language.CommandParameterAst] }) {
            { $known.ResolveParameter($parameter.ParameterName) } | Should -Not -Throw -Because $Command.Text
        }
    }
}
