# The commands of README, guides and help that need PostgreSQL servers are run as they stand.
BeforeDiscovery {
    . $PSScriptRoot/documents/checks.ps1
    $commands = @(Get-RunCommand postgresql)
    $obstacle = Find-WorldObstacle postgresql
    $skip = $obstacle -and $env:CI -ne 'true'
}

Describe 'A command of the documents that needs PostgreSQL' -Skip:$skip {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        . $PSScriptRoot/documents/checks.ps1
        $results = Invoke-Document @((Get-RunCommand postgresql).Command) postgresql
    }
    It '<Title>' -ForEach $commands { Should-BeAsDocumented $Command $results[$Key] }
}
