# The commands of README, guides and help that need no server are run as they stand.
BeforeDiscovery {
    . $PSScriptRoot/documents/checks.ps1
    $skipped = Get-AllDocumentCommand | Where-Object Reason | ForEach-Object {
        @{ Command = $_; Title = "$($_.Document):$($_.Line) $(($_.Text -split "`n")[0])" }
    }
    $documents = Get-DocumentName | ForEach-Object { @{ Document = $_ } }
    $commands = @(Get-RunCommand nothing)
    $obstacle = Find-WorldObstacle nothing
    $skip = $obstacle -and $env:CI -ne 'true'
}

Describe 'A command of the documents' -Skip:$skip {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        . $PSScriptRoot/documents/checks.ps1
        $results = Invoke-Document @((Get-RunCommand nothing).Command) nothing
    }
    It '<Title>' -ForEach $commands { Should-BeAsDocumented $Command $results[$Key] }
}

Describe 'A command of the documents that no test runs' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        . $PSScriptRoot/documents/checks.ps1
    }
    It '<Title>: can be parsed, and has parameters that exist' -ForEach $skipped {
        if ($Command.Language -eq 'powershell') { Should-BeParsed $Command }
        $Command.Reason | Should -Match '^\S.*\.$'
    }
    It 'is in its document' {
        $all = Get-AllDocumentCommand
        foreach ($one in (Import-PowerShellDataFile "$PSScriptRoot/documents/exclusions.psd1").Commands) {
            @($all | Where-Object { $_.Document -eq $one.Document -and $_.Text -eq $one.Text }).Count | Should -BeGreaterThan 0 -Because "$($one.Document): $($one.Text)"
        }
    }
}

Describe 'The document <Document>' -ForEach $documents {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        . $PSScriptRoot/documents/checks.ps1
    }
    It 'says of each fence what it is' {
        $text = [IO.File]::ReadAllText((Join-Path $DocumentRoot $Document))
        # A help page has the syntax in fences without a language.
        $syntax = [regex]::Match($text, '(?ms)^## SYNTAX.*?^## ')
        $syntaxLines = $syntax.Success ? ($text.Substring(0, $syntax.Index) -split "`n").Count, ($text.Substring(0, $syntax.Index + $syntax.Length) -split "`n").Count : (0, 0)
        foreach ($block in Get-DocumentBlock $Document | Where-Object { $_.Line -lt $syntaxLines[0] -or $_.Line -gt $syntaxLines[1] }) {
            $block.Language | Should -BeIn 'powershell', 'sh', 'output', 'text', 'yaml', 'json', 'inline' -Because "line $($block.Line)"
            foreach ($word in $block.Words) { $word | Should -BeIn 'postgresql', 'docker', 'upgrade', 'nothing', 'windows', 'fails', 'fresh' -Because "line $($block.Line)" }
        }
    }
    It 'has commands that are run by one of the tests' {
        foreach ($command in Get-DocumentCommand $Document) { $command.Need | Should -BeIn 'nothing', 'postgresql', 'docker', 'upgrade', 'windows' }
        foreach ($need in (Get-DocumentCommand $Document).Need | Where-Object { $_ -ne 'windows' } | Select-Object -Unique) {
            Select-String -Path "$PSScriptRoot/Documents*.Tests.ps1" -Pattern "Invoke-Document @\(\(Get-RunCommand $need\)" | Should -Not -BeNullOrEmpty
        }
    }
    It 'names commands of the module that there are' {
        foreach ($name in [regex]::Matches([IO.File]::ReadAllText((Join-Path $DocumentRoot $Document)), '\b[A-Z][a-z]+-Db[A-Z]\w+').Value | Select-Object -Unique) {
            Get-Command $name -Module DbBackup -ErrorAction Ignore | Should -Not -BeNullOrEmpty -Because $name
        }
    }
}

Describe 'The README' {
    BeforeAll { . $PSScriptRoot/common.ps1 }
    It 'has each command of the module in its table' {
        $text = [IO.File]::ReadAllText((Join-Path $RepositoryRoot README.md))
        foreach ($name in (Get-Command -Module DbBackup).Name) { $text | Should -Match "(?m)^\| \[$name\]\(docs/en-US/$name\.md\) \| \S" }
    }
    It 'links each guide' {
        $text = [IO.File]::ReadAllText((Join-Path $RepositoryRoot README.md))
        foreach ($file in Get-ChildItem "$RepositoryRoot/docs", "$RepositoryRoot/docs/guides" -Filter *.md) {
            $text | Should -Match ([regex]::Escape("]($([IO.Path]::GetRelativePath($RepositoryRoot, $file.FullName).Replace('\', '/')))"))
        }
    }
    It 'has no line that is longer than 140 characters' {
        foreach ($line in [IO.File]::ReadAllLines((Join-Path $RepositoryRoot README.md))) { $line.Length | Should -BeLessOrEqual 140 -Because $line }
    }
}
