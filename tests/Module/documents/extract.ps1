# The commands that the documents show. A fence says what it is with its first word (powershell, sh, output, text, yaml, json, sql),
# and more with the next ones: what its commands need (postgresql, docker, upgrade) where that is not what the document needs,
# A line of a table says the same for its inline code in a comment: <!-- upgrade -->.
# "fresh" where a script begins that does not follow what is above it, "fails" where the text says that the command fails, "windows" for what only Windows has.
$script:DocumentRoot = (Resolve-Path (Join-Path $PSScriptRoot '../../..')).ProviderPath
$script:DocumentNeeds = @{
    'docs/guides/sqlite.md'            = 'docker'
    'docs/guides/docker.md'            = 'docker'
    'docs/guides/postgresql.md'        = 'postgresql'
    'docs/guides/upgrades.md'          = 'upgrade'
    'docs/guides/from-your-scripts.md' = 'docker'
    'docs/en-US/Get-DbUpgrade.md'      = 'upgrade'
    'docs/en-US/Invoke-DbUpgrade.md'   = 'upgrade'
    'docs/en-US/Resume-DbUpgrade.md'   = 'upgrade'
    'docs/en-US/Undo-DbUpgrade.md'     = 'upgrade'
    'docs/en-US/Remove-DbUpgrade.md'   = 'upgrade'
    'docs/en-US/Find-DbBackupSource.md' = 'docker'
}

# README, guides and help: what tells users which commands to type.
function Get-DocumentName {
    'README.md'
    foreach ($folder in 'docs/guides', 'docs/en-US') {
        (Get-ChildItem (Join-Path $DocumentRoot $folder) -Filter *.md).Name | Sort-Object | ForEach-Object { "$folder/$_" }
    }
}

# The blocks of a document, in order: Language, Words, Line (of the first line of the text), Text; inline code has the language "inline".
function Get-DocumentBlock([string] $Document) {
    $lines = [IO.File]::ReadAllLines((Join-Path $DocumentRoot $Document))
    $fence = $null
    for ($i = 0; $i -lt $lines.Count; $i++) {
        $line = $lines[$i]
        if ($line -match '^\s*```(?<info>.*)$') {
            if ($fence) {
                $fence.Text = ($lines[($fence.Line - 1)..($i - 1)] -join "`n")
                if ($fence.Line -gt $i) { $fence.Text = '' }
                [pscustomobject]$fence
                $fence = $null
            }
            else {
                $words = @($Matches.info.Trim() -split '\s+')
                $fence = [ordered]@{ Language = $words[0]; Words = @($words | Select-Object -Skip 1); Line = $i + 2; Text = '' }
            }
        }
        elseif (-not $fence) {
            $words = @(if ($line -match '<!-- (?<need>[a-z]+) -->') { $Matches.need })
            foreach ($span in [regex]::Matches($line, '(?<!`)`(?!`)(?<code>[^`]+)`')) {
                [pscustomobject]@{ Language = 'inline'; Words = $words; Line = $i + 1; Text = $span.Groups['code'].Value.Replace('\|', '|') }
            }
        }
    }
    if ($fence) { throw "${Document}:$($fence.Line - 1): the fence has no end." }
}

# The commands of a document, in order: each top-level statement of a powershell fence, each sh fence, and each inline code that runs
# a command of the module with arguments. Output is what the document shows as the output of the fence, at its last statement.
function Get-DocumentCommand([string] $Document) {
    $usual = $DocumentNeeds[$Document] ?? 'nothing'
    $last = $null
    $number = 0
    $fresh = ''
    foreach ($block in Get-DocumentBlock $Document) {
        $number++
        if ($block.Words -contains 'fresh') { $fresh = " $number" }
        if ($block.Language -eq 'output') {
            if (-not $last) { throw "${Document}:$($block.Line): there is no command before this output." }
            $last.Output = $block.Text
            continue
        }
        $commands = switch ($block.Language) {
            'powershell' { Split-Statement $block }
            'sh' { [pscustomobject]@{ Line = $block.Line; Text = $block.Text } }
            'inline' { if ($block.Text -match '(?:^|\s)[A-Z][a-z]+-Db[A-Z]\w+' -and $block.Text -match '\s') { [pscustomobject]@{ Line = $block.Line; Text = $block.Text } } }
        }
        foreach ($command in $commands) {
            $last = [pscustomobject]@{
                Document = $Document; Line = $command.Line; Text = $command.Text; Language = $block.Language -eq 'sh' ? 'sh' : 'powershell'
                Need     = @($block.Words | Where-Object { $_ -in 'postgresql', 'docker', 'upgrade', 'windows', 'nothing' })[0] ?? $usual
                Fails    = $block.Words -contains 'fails'; Output = $null; Reason = $null
                # Of a help page each example stands alone; the commands of other documents follow each other.
                Session  = $Document -like 'docs/en-US/*-Db*' ? "$Document $number" : "$Document$fresh"
            }
            $last
        }
        if ($block.Language -ne 'inline' -and -not $commands) { $last = $null }
    }
}

function Split-Statement($Block) {
    $errors = $null
    $tree = [Management.Automation.Language.Parser]::ParseInput($Block.Text, [ref]$null, [ref]$errors)
    # What cannot be parsed is one command, which fails where it is run.
    if ($errors) { return [pscustomobject]@{ Line = $Block.Line; Text = $Block.Text } }
    foreach ($statement in $tree.EndBlock.Statements) {
        [pscustomobject]@{ Line = $Block.Line + $statement.Extent.StartLineNumber - 1; Text = $statement.Extent.Text }
    }
}

# All commands, with the reason of those that no test runs (exclusions.psd1). Commands that only Windows has need none.
function Get-AllDocumentCommand {
    $exclusions = (Import-PowerShellDataFile (Join-Path $PSScriptRoot exclusions.psd1)).Commands
    foreach ($document in Get-DocumentName) {
        foreach ($command in Get-DocumentCommand $document) {
            $command.Reason = ($exclusions | Where-Object { $_.Document -eq $document -and $_.Text -eq $command.Text } | Select-Object -First 1).Reason
            if ($command.Need -eq 'windows') { $command.Reason = 'Only Windows has it.' }
            $command
        }
    }
}
