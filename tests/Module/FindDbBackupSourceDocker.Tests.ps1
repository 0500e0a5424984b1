Describe 'Find-DbBackupSource on a Docker engine' {
    BeforeAll { . $PSScriptRoot/common.ps1 }
    AfterEach { Set-Location $RepositoryRoot }

    It 'finds and completes a project''s databases, files and volumes' {
        Require-Docker
        Set-Location (New-Folder (Join-Path $TestDrive compose))
        $project = New-TestComposeProject @'
version: '2.4'
services:
  db:
    image: dbbackup-test/postgres:15
    environment: [POSTGRES_PASSWORD=secret, POSTGRES_DB=shop, POSTGRES_INITDB_ARGS=--no-sync]
    volumes: ["pgdata:/var/lib/postgresql/data"]
  app:
    image: dbbackup-test/app:1
    volumes: ["./data:/app/data"]
volumes:
  pgdata:
'@
        New-Folder (Join-Path $project data) | Out-Null
        New-SampleDatabase (Join-Path $project data/pats.db)
        Invoke-Compose $project up --detach | Out-Null
        $name = Split-Path $project -Leaf
        $db = Invoke-Docker inspect --format '{{.Name}}' (Invoke-Compose $project ps -q db)
        $db = $db.TrimStart('/')
        Wait-TestPostgreSql $db

        $found = Find-DbBackupSource -ComposeProject $name
        $found | ForEach-Object { "$($_.Kind) $($_.Service) $($_.Database)$($_.ContainerPath)" } | Sort-Object |
            Should -Be 'Folder app /app/data', 'PostgreSql db postgres', 'PostgreSql db shop', 'Sqlite app /app/data/pats.db', 'Volume db /var/lib/postgresql/data'
        Find-DbBackupSource -ComposeProject "./$name" -Kind PostgreSql -Service d* | ForEach-Object Database | Should -Be postgres, shop
        # Compose files are named from where the shell is, in compose's order.
        "version: '2.4'`nservices:`n  app:`n    environment: [MARK=prod]" | Set-Content (Join-Path $project prod.yml)
        $files = "$name/docker-compose.yml", "$name/prod.yml"
        Find-DbBackupSource -ComposeProject "./$name" -ComposeFile $files -Kind PostgreSql | ForEach-Object Database | Should -Be postgres, shop
        Find-DbBackupSource -ComposeProject $name -ComposeFile $files -Kind PostgreSql | ForEach-Object Database | Should -Be postgres, shop
        $text = Get-WhatIfText { New-DbBackup -ComposeProject "./$name" -ComposeFile $files -Service db -Database shop -AllowEmpty -WhatIf }
        $text | Should -Match "compose/$name/db"
        (Get-ErrorOf { Find-DbBackupSource -ComposeProject "./$name" -ComposeFile none.yml }).FullyQualifiedErrorId | Should -BeLike 'SourceNotFound,*'
        (Get-ErrorOf { Find-DbBackupSource -ComposeFile $files }).FullyQualifiedErrorId | Should -BeLike 'InvalidArgument,*'
        (Find-DbBackupSource shop -Container $db).Location | Should -BeExactly "docker:///compose/$name/db/postgresql/shop"
        "$($found | Where-Object Database -EQ shop)" | Should -BeExactly "docker:///compose/$name/db/postgresql/shop"
        (Get-ErrorOf { Find-DbBackupSource -Container no-such-container }).FullyQualifiedErrorId | Should -BeLike 'ContainerNotFound,*'

        Complete "Find-DbBackupSource -ComposeProject $($name.Substring(0, $name.Length - 2))" | Should -Contain $name
        Complete "Find-DbBackupSource -ComposeProject $name -Service " | Should -Be app, db
        Complete "Find-DbBackupSource -ComposeProject ./$name -Service " | Should -Be app, db
        Complete "Find-DbBackupSource -ComposeProject $name -Volume " | Should -Be "${name}_pgdata"
        Complete "Find-DbBackupSource -ComposeProject $name -Container " | Should -Contain $db
        Complete 'Find-DbBackupSource -Kind P' | Should -Be PostgreSql
        Complete 'Find-DbBackupSource -DockerHost unix:///nowhere -Container ' | Should -Not -Contain $db
    }
}
