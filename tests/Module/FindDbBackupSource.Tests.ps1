Describe 'Find-DbBackupSource' {
    BeforeAll { . $PSScriptRoot/common.ps1 }
    AfterEach { Set-Location $RepositoryRoot }

    Context 'below a folder' {
        BeforeAll {
            $folder = Enter-NewFolder
            New-Folder ./app/data | Out-Null
            New-SampleDatabase ./app/data/pats.sqlite
            New-SampleDatabase ./other.db
            Set-Content ./no.db ('x' * 2000)
            New-DbBackup ./other.db -Compression None | Out-Null
        }
        BeforeEach { Set-Location -LiteralPath $folder }

        It 'finds databases by their content, and no backups' {
            $found = Find-DbBackupSource -Path . -Kind Sqlite
            $found.Name | Sort-Object | Should -Be other.db, pats.sqlite
            $found | Should -BeOfType ([DbBackup.BackupSource])
            ($found | Where-Object Name -EQ pats.sqlite).Path | Should -BeExactly (Join-Path $folder app/data/pats.sqlite)
            ($found | Where-Object Name -EQ pats.sqlite).Size | Should -Be (Get-Item ./app/data/pats.sqlite).Length
        }

        It 'narrows by name' {
            (Find-DbBackupSource pats* -Path .).Name | Should -BeExactly pats.sqlite
            Find-DbBackupSource nothing* -Path . | Should -BeNullOrEmpty
        }

        It 'says which folder or name is not there' {
            $record = Get-ErrorOf { Find-DbBackupSource -Path ./nowhere }
            $record.FullyQualifiedErrorId | Should -BeExactly 'SourceNotFound,DbBackup.PowerShell.Commands.FindDbBackupSourceCommand'
            "$($record.CategoryInfo.Category)" | Should -BeExactly ObjectNotFound
            (Get-ErrorOf { Find-DbBackupSource nothing -Path . }).FullyQualifiedErrorId | Should -BeLike 'SourceNotFound,*FindDbBackupSourceCommand'
        }

        It 'ends when nobody wants more' {
            @(Find-DbBackupSource -Path . | Select-Object -First 1) | Should -HaveCount 1
        }

        It 'shows a table' {
            $text = Find-DbBackupSource -Path . -Kind Sqlite | Out-String -Width 200
            $text | Should -Match 'Kind +Name +Where +Database/Path +State +Size'
            $text | Should -Match 'Sqlite +pats.sqlite .*data.pats.sqlite .*KB'
        }
    }

    It 'says where no engine answers' {
        $record = Get-ErrorOf { Find-DbBackupSource -DockerHost unix:///nowhere/docker.sock }
        $record.FullyQualifiedErrorId | Should -BeLike 'ServerUnreachable,*'
        $record.ErrorDetails.RecommendedAction | Should -Match '^\S.*[.)]$'
    }

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
        (Find-DbBackupSource shop -Container $db).Location | Should -BeExactly "docker:///compose/$name/db/postgresql/shop"
        "$($found | Where-Object Database -EQ shop)" | Should -BeExactly "docker:///compose/$name/db/postgresql/shop"
        (Get-ErrorOf { Find-DbBackupSource -Container no-such-container }).FullyQualifiedErrorId | Should -BeLike 'ContainerNotFound,*'

        function Complete([string] $Text) { (TabExpansion2 $Text $Text.Length).CompletionMatches.CompletionText }
        Complete "Find-DbBackupSource -ComposeProject $($name.Substring(0, $name.Length - 2))" | Should -Contain $name
        Complete "Find-DbBackupSource -ComposeProject $name -Service " | Should -Be app, db
        Complete "Find-DbBackupSource -ComposeProject ./$name -Service " | Should -Be app, db
        Complete "Find-DbBackupSource -ComposeProject $name -Volume " | Should -Be "${name}_pgdata"
        Complete "Find-DbBackupSource -ComposeProject $name -Container " | Should -Contain $db
        Complete 'Find-DbBackupSource -Kind P' | Should -Be PostgreSql
        { Complete 'Find-DbBackupSource -DockerHost unix:///nowhere -Container ' } | Should -Not -Throw
    }
}
