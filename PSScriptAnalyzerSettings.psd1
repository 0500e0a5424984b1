# For Invoke-ScriptAnalyzer -Path . -Recurse -Settings ./PSScriptAnalyzerSettings.psd1
@{
    Severity     = @('Error', 'Warning')
    ExcludeRules = @(
        # build.ps1 talks to a person, and Write-Host is how.
        'PSAvoidUsingWriteHost'
        # Pester's own form: what BeforeAll sets is used in It.
        'PSUseDeclaredVarsMoreThanAssignments'
        # Should-BeFailure reads as its caller wants it read.
        'PSUseApprovedVerbs'
        # Helpers of tests are no commands for people.
        'PSUseShouldProcessForStateChangingFunctions'
        # Where Age -gt 7d is the very form that is promised, and tested.
        'PSAvoidUsingCmdletAliases'
    )
    Rules        = @{
        PSUseConsistentIndentation = @{ Enable = $true; IndentationSize = 4; Kind = 'space'; PipelineIndentation = 'IncreaseIndentationForFirstPipeline' }
        PSUseConsistentWhitespace  = @{ Enable = $true }
        PSUseCompatibleSyntax      = @{ Enable = $true; TargetVersions = @('7.6') }
    }
}
