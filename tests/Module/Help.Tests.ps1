BeforeDiscovery {
    $documents = Get-ChildItem "$PSScriptRoot/../../docs/en-US/*-Db*.md" | ForEach-Object { @{ Name = $_.BaseName; File = $_.FullName } }
}

Describe 'The help of <name>' -ForEach $documents {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        $command = Get-Command $Name
        $help = Get-Help $Name -Full
        $text = Get-Content -LiteralPath $File -Raw
        # What only objects of the pipeline fill is marked as hidden, and has no place in the help.
        $common = @([Management.Automation.PSCmdlet]::CommonParameters) + @($command.Parameters.Values | Where-Object { @($_.Attributes.Where({ $_ -is [Parameter] }).DontShow) -contains $true } | ForEach-Object Name)

        # The blocks of the parameters in the markdown: name, description, facts.
        $documented = [ordered]@{}
        foreach ($match in [regex]::Matches($text, '(?ms)^### -(?<name>\w+)\r?\n(?<description>.*?)```yaml\r?\n(?<facts>.*?)```')) {
            $facts = @{ Description = $match.Groups['description'].Value.Trim() }
            foreach ($line in $match.Groups['facts'].Value -split '\r?\n' | Where-Object { $_ -match ':' }) {
                $key, $value = $line -split ':', 2
                $facts[$key.Trim()] = $value.Trim()
            }
            $documented[$match.Groups['name'].Value] = $facts
        }

        function Get-TypeName([type] $Type) {
            $inner = [Nullable]::GetUnderlyingType($Type) ?? $Type
            $inner.Name
        }
    }

    It 'has a synopsis that is no syntax, a description and at least two examples' {
        $help.Synopsis.Trim() | Should -Match '^[A-Z].*\.$'
        $help.Synopsis | Should -Not -Match ([regex]::Escape("$Name ["))
        ($help.description | Out-String).Length | Should -BeGreaterThan 100
        @($help.examples.example).Count | Should -BeGreaterOrEqual 2
        (Get-Help $Name -Examples | Out-String) | Should -Match $Name
        (Get-Help $Name -Detailed | Out-String).Length | Should -BeGreaterThan 1000
    }

    It 'describes every parameter' {
        foreach ($parameter in $command.Parameters.Keys | Where-Object { $_ -notin $common }) {
            $described = $help.parameters.parameter | Where-Object name -EQ $parameter
            $described | Should -HaveCount 1 -Because "-$parameter is a parameter"
            ($described.description | Out-String).Trim().Length | Should -BeGreaterThan 20 -Because "-$parameter needs a description"
        }
        (Get-Help $Name -Parameter * | Measure-Object).Count | Should -Be ($command.Parameters.Keys | Where-Object { $_ -notin $common }).Count
    }

    It 'documents exactly the parameters that there are' {
        $documented.Keys | Sort-Object | Should -Be ($command.Parameters.Keys | Where-Object { $_ -notin $common } | Sort-Object)
    }

    It 'states each parameter''s type, sets, position, pipeline, aliases and values as they are' {
        $differences = foreach ($parameterName in $documented.Keys) {
            $facts = $documented[$parameterName]
            $real = $command.Parameters[$parameterName]
            if (-not $real) { continue }
            $sets = @($real.ParameterSets.Keys)
            $expected = [ordered]@{
                'Type' = Get-TypeName $real.ParameterType
                'Parameter Sets' = $sets -contains '__AllParameterSets' -or $sets.Count -eq $command.ParameterSets.Count ? '(All)' : (($sets | Sort-Object) -join ', ')
                'Aliases' = ($real.Aliases | Sort-Object) -join ', '
            }
            $set = @($real.ParameterSets.Values)[0]
            $expected['Required'] = "$($set.IsMandatory)"
            $expected['Position'] = $set.Position -eq [int]::MinValue ? 'Named' : "$($set.Position)"
            $ways = @(if ($set.ValueFromPipelineByPropertyName) { 'ByPropertyName' }; if ($set.ValueFromPipeline) { 'ByValue' })
            $expected['Accept pipeline input'] = $ways ? "True ($($ways -join ', '))" : 'False'
            $expected['Accept wildcard characters'] = "$([bool]($real.Attributes | Where-Object { $_ -is [Management.Automation.SupportsWildcardsAttribute] }))"
            $type = [Nullable]::GetUnderlyingType($real.ParameterType) ?? ($real.ParameterType.IsArray ? $real.ParameterType.GetElementType() : $real.ParameterType)
            $valid = ($real.Attributes | Where-Object { $_ -is [Management.Automation.ValidateSetAttribute] }).ValidValues
            $expected['Accepted values'] = ($valid ? $valid : ($type.IsEnum ? [enum]::GetNames($type) : @())) -join ', '
            foreach ($key in $expected.Keys) {
                $stated = "$($facts[$key])"
                if ($key -eq 'Aliases') { $stated = (($stated -split ', *' | Where-Object { $_ } | Sort-Object) -join ', ') }
                if ($stated -ne $expected[$key]) { "-$parameterName ${key}: stated '$stated', is '$($expected[$key])'" }
            }
            if ($facts.Description.Length -lt 20) { "-$parameterName has no description" }
        }
        $differences | Should -BeNullOrEmpty
    }

    It 'shows the syntax of each parameter set with the parameters that it has' {
        $blocks = @([regex]::Matches(($text -split '(?m)^## ' -match '^SYNTAX')[0], '(?ms)(?:^### (?<set>\w+)(?<default> \(Default\))?\s+)?```\s*(?<syntax>.*?)```'))
        $blocks | Should -HaveCount $command.ParameterSets.Count
        foreach ($block in $blocks) {
            $set = $command.ParameterSets | Where-Object { $command.ParameterSets.Count -eq 1 -or $_.Name -eq $block.Groups['set'].Value }
            $set | Should -HaveCount 1
            $set.Name -eq $command.DefaultParameterSet | Should -Be ($block.Groups['default'].Success -or $command.ParameterSets.Count -eq 1 -and $set.IsDefault)
            [regex]::Matches($block.Groups['syntax'].Value, '(?<=[\[\s])-(\w+)').ForEach({ $_.Groups[1].Value }) | Sort-Object |
                Should -Be ($set.Parameters.Name | Where-Object { $_ -notin $common } | Sort-Object)
            foreach ($parameter in $set.Parameters | Where-Object { $_.Name -notin $common -and $_.ParameterType -ne [switch] }) {
                $block.Groups['syntax'].Value | Should -Match ([regex]::Escape("<$(Get-TypeName $parameter.ParameterType)>")) -Because "-$($parameter.Name) is of that type"
            }
        }
    }

    It 'has examples that PowerShell can parse, of parameters that exist' {
        $blocks = [regex]::Matches($text, '(?ms)^```powershell[^\r\n]*\r?\n(.*?)```')
        $blocks.Count | Should -BeGreaterOrEqual 2
        foreach ($match in $blocks) {
            $errors = $null
            $ast = [Management.Automation.Language.Parser]::ParseInput($match.Groups[1].Value, [ref]$null, [ref]$errors)
            $errors | Should -BeNullOrEmpty
            foreach ($used in $ast.FindAll({ $args[0] -is [Management.Automation.Language.CommandAst] -and $args[0].GetCommandName() -like '*-Db*' }, $true)) {
                $known = Get-Command $used.GetCommandName()
                foreach ($parameter in $used.CommandElements | Where-Object { $_ -is [Management.Automation.Language.CommandParameterAst] }) {
                    { $known.ResolveParameter($parameter.ParameterName) } | Should -Not -Throw -Because "$($used.Extent.Text)"
                }
            }
        }
    }

    It 'names what the command really emits' {
        $stated = [regex]::Matches(($text -split '(?m)^## ' -match '^OUTPUTS')[0], '(?m)^### (\S+)').ForEach({ $_.Groups[1].Value }) | Where-Object { $_ -ne 'None' }
        $stated | Sort-Object | Should -Be ($command.OutputType.Name | Sort-Object)
    }
}

Describe 'All help' {
    BeforeAll { . $PSScriptRoot/common.ps1 }

    It 'covers each cmdlet' {
        (Get-ChildItem "$RepositoryRoot/docs/en-US/*-Db*.md").BaseName | Sort-Object | Should -Be ((Get-Command -Module DbBackup).Name | Sort-Object)
    }

    It 'has about_DbBackup' {
        (Get-Help about_DbBackup | Out-String) | Should -Match 'What you can rely on'
    }

    It 'has code in the guides and the topic that PowerShell can parse' {
        $parsed = 0
        foreach ($file in Get-ChildItem "$RepositoryRoot/docs" -Recurse -Filter *.md) {
            foreach ($match in [regex]::Matches((Get-Content $file -Raw), '(?ms)^```powershell[^\r\n]*\r?\n(.*?)```')) {
                $errors = $null
                [void][Management.Automation.Language.Parser]::ParseInput($match.Groups[1].Value, [ref]$null, [ref]$errors)
                $errors | Should -BeNullOrEmpty -Because $file.Name
                $parsed++
            }
        }
        $parsed | Should -BeGreaterThan 50
    }

    It 'is found in a shell of another language' {
        $text = Invoke-FreshShell "[cultureinfo]::CurrentUICulture = 'de-DE'; Import-Module '$ModulePath'; (Get-Help Get-DbBackup).Synopsis"
        $text | Should -Match 'Lists the backups'
    }

    It 'keeps what is hidden hidden: no secrets in errors, manifests and help' {
        $folder = Enter-NewFolder
        New-SampleDatabase ./pats.db
        $env:SOME_PASSWORD = 'hunter2-very-secret'
        try {
            $backup = New-DbBackup ./pats.db -Verify -Verbose 4>&1 | ForEach-Object { "$_" }
            $backup.Count | Should -BeGreaterThan 1
            Get-ChildItem ./backups -Recurse -File | Select-String -Pattern 'hunter2' -SimpleMatch | Should -BeNullOrEmpty
            $backup -match 'hunter2' | Should -BeNullOrEmpty
        }
        finally { Remove-Item Env:SOME_PASSWORD; Set-Location $RepositoryRoot }
    }
}
