# The Docker functions of common.ps1 are themselves what they say.
BeforeAll { . (Join-Path $PSScriptRoot 'common.ps1') }

Describe 'The Docker engine of the tests' {
    It 'runs a server, an application and a volume' {
        Require-Docker
        $volume = New-TestVolume
        $server = New-TestPostgreSqlContainer -Option '--volume', "${volume}:/var/lib/postgresql/data"
        Invoke-ContainerSql $server 'select 6 * 7' | Should -Be '42'
        $app = New-TestContainer -Option '--volume', "${volume}:/data:ro"
        Invoke-Docker exec $app cat /data/PG_VERSION | Should -Be '15'
        { Invoke-Docker exec $app false } | Should -Throw '*exited with 1*'
    }

    It 'runs a compose project' {
        Require-Docker
        $project = New-TestComposeProject -Parent $TestDrive "version: '2.4'`nservices:`n  cache:`n    image: dbbackup-test/redis:7"
        Invoke-Compose $project up --detach
        $container = Invoke-Compose $project ps -q cache
        Invoke-Docker inspect --format '{{.Name}}' $container | Should -BeLike "/$env:DBBACKUP_TEST_DOCKERPREFIX-project-*"
    }
}
