# The commands of README, guides and help that upgrade are run as they stand.
BeforeDiscovery {
    . $PSScriptRoot/documents/checks.ps1
    $commands = @(Get-RunCommand upgrade)
    $obstacle = Find-WorldObstacle upgrade
    $skip = $obstacle -and $env:CI -ne 'true'
}

Describe 'A command of the documents about upgrades (Require-Docker)' -Skip:$skip {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        . $PSScriptRoot/documents/checks.ps1
        $results = Invoke-Document @((Get-RunCommand upgrade).Command) upgrade
    }
    It '<Title>' -ForEach $commands { Should-BeAsDocumented $Command $results[$Key] }
}
