Describe 'Tab completion of what a Docker engine has' {
    BeforeAll {
        . $PSScriptRoot/common.ps1
        Set-Location (New-Folder (Join-Path $TestDrive place))
    }
    AfterAll { Set-Location $RepositoryRoot }

    It 'knows images, but not what an upgrade keeps for the way back' {
        Require-Docker
        $image = "$(New-TestDockerName image):2"
        $kept = "dbbackup-kept:$(New-TestDockerName image)"
        Invoke-Docker tag dbbackup-test/app:1 $image
        Invoke-Docker tag dbbackup-test/app:1 $kept
        try {
            $start = $image.Substring(0, $image.Length - 4)
            Complete "Invoke-DbUpgrade -Container x -Image $start" | Should -Be $image
            Complete 'Invoke-DbUpgrade -Container x -Image ' | Should -Contain dbbackup-test/app:1
            Complete 'Invoke-DbUpgrade -Container x -Image ' | Should -Not -Match 'dbbackup-kept|<none>'
            Complete "Invoke-DbUpgrade -Container x -DockerHost unix:///nowhere -Image $start" | Should -Not -Contain $image
        }
        finally { Invoke-Docker rmi $image $kept | Out-Null }
    }

    It 'knows the databases of the service that has the server, and the work tree from which a project was started' {
        Require-Docker
        $project = New-TestComposeProject @'
version: '2.4'
services:
  db:
    image: dbbackup-test/postgres:15
    environment: [POSTGRES_PASSWORD=secret, POSTGRES_DB=shop, POSTGRES_INITDB_ARGS=--no-sync]
'@
        $name = Split-Path $project -Leaf
        git init -q $project
        git -C $project -c user.name=a -c user.email=a@example.com commit -q --allow-empty -m one
        git -C $project tag v1
        Invoke-Compose $project up --detach | Out-Null
        Wait-TestPostgreSql (Invoke-Compose $project ps -q db)
        Complete "Invoke-DbUpgrade -ComposeProject $name -Service web -DatabaseService db -Database " | Should -Be postgres, shop
        Complete "Invoke-DbUpgrade -ComposeProject ./$name -DatabaseService db -Database s" | Should -Be shop
        Complete "Invoke-DbUpgrade -ComposeProject $name -Service db -Database " | Should -Not -Contain shop
        Complete "Invoke-DbUpgrade -ComposeProject $name -DatabaseService no -Database " | Should -Not -Contain shop
        Complete "New-DbBackup -ComposeProject $name -Service db -Database " | Should -Contain shop
        Complete "Invoke-DbUpgrade -ComposeProject $name -GitRef v" | Should -Be v1
    }
}
