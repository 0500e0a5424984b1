# The commands of README, guides and help that need containers and volumes are run as they stand.
BeforeDiscovery {
    . $PSScriptRoot/documents/checks.ps1
    $commands = @(Get-RunCommand docker)
    $obstacle = Find-WorldObstacle docker
    $skip = $obstacle -and $env:CI -ne 'true'
}

Describe 'A command of the documents that needs Docker (Require-Docker)' -Skip:$skip {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        . $PSScriptRoot/documents/checks.ps1
        $results = Invoke-Document @((Get-RunCommand docker).Command) docker
    }
    It '<Title>' -ForEach $commands { Should-BeAsDocumented $Command $results[$Key] }
}
