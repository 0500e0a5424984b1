# Vamsa's database in compose must be up and ready before it can be restored: its guide waits with pg_isready. The complete
# system failure, and the database that is merely off, need no waiting by hand.
Describe 'Vamsa''s family tree survives the loss of its containers' {
    BeforeAll {
        . $PSScriptRoot/../Module/common.ps1
        if (-not $env:DBBACKUP_TEST_DOCKERPREFIX) { return }
        Set-Location (New-Folder (Join-Path $TestDrive vamsa))
        Use-TestRepository backups
        $project = New-TestComposeProject @'
version: '2.4'
services:
  db:
    image: dbbackup-test/postgres:15
    environment: [POSTGRES_USER=vamsa, POSTGRES_PASSWORD=secret, POSTGRES_DB=vamsa, POSTGRES_INITDB_ARGS=--no-sync]
    command: ['-c', 'fsync=off']
    volumes: ['postgres_data:/var/lib/postgresql/data']
    healthcheck:
      test: [CMD, pg_isready, -q, -h, 127.0.0.1, -U, vamsa]
      interval: 1s
      retries: 60
volumes:
  postgres_data:
'@
        # Every person with both parents, in one value: what is equal in it is equal in all.
        $content = "select count(*), md5(string_agg(concat_ws(',', id, name, mother, father), ';' order by id)) from people"
        function Read-Vamsa([string] $Sql) { Invoke-ContainerSql (Invoke-Compose $project ps -q db) -User vamsa -Database vamsa $Sql }
        Invoke-Compose $project up --detach | Out-Null
        Wait-TestPostgreSql (Invoke-Compose $project ps -q db)
        Read-Vamsa @'
create table people (id serial primary key, name text not null, mother int references people, father int references people);
insert into people (name) select 'Person ' || i from generate_series(1, 500) i;
update people set mother = 1 + id % 100, father = 1 + id % 99 where id > 100;
'@
        $expected = Read-Vamsa $content
    }
    AfterAll {
        Set-Location $RepositoryRoot
        Remove-Item Env:DBBACKUP_REPOSITORY -ErrorAction Ignore
    }

    It 'backs up the only service there is, and verifies it' {
        Require-Docker
        $expected | Should -BeLike '500|*'
        (New-DbBackup -ComposeProject $project -Source vamsa -Format Plain -Compression Gzip -Verify).Status | Should -Be Matched
        (Get-DbBackup -Source vamsa -Latest).Manifest.Payloads.FileName | Should -BeLike "*.sql.gz$SealedEnding"
    }

    It 'scenario 1: accidental deletion; the state before is kept' {
        Require-Docker
        Read-Vamsa 'delete from people where id > 400'
        $result = Restore-DbBackup -Source vamsa -Latest -Force -PassThru
        $result.Status | Should -Be Matched
        $result.SafetyBackup.KeptOnServer | Should -Not -BeNullOrEmpty
        Read-Vamsa $content | Should -Be $expected
    }

    It 'the database is stopped: the restore starts it and waits until it answers' {
        Require-Docker
        Read-Vamsa 'update people set mother = null, father = null'
        Invoke-Compose $project stop db | Out-Null
        (Restore-DbBackup -Source vamsa -Latest -ComposeProject $project -Force -PassThru).Status | Should -Be Matched
        Read-Vamsa $content | Should -Be $expected
    }

    It 'a backup of a stopped database fails, says how to start it, and leaves no backup' {
        Require-Docker
        Invoke-Compose $project stop db | Out-Null
        $before = Get-RepositorySnapshot
        $failure = Get-ErrorOf { New-DbBackup -ComposeProject $project -Source vamsa }
        Should-BeFailure $failure ContainerNotRunning New
        Get-RepositorySnapshot | Should -Be $before
        Invoke-Compose $project start db | Out-Null
        Wait-TestPostgreSql (Invoke-Compose $project ps -q db)
    }

    It 'scenario 3: complete system failure; containers and volume are gone, and the restore makes them anew' {
        Require-Docker
        Invoke-Compose $project down --volumes
        Invoke-Docker volume ls --quiet --filter "name=$(Split-Path $project -Leaf)" | Should -BeNullOrEmpty
        $result = Get-DbBackup -Source vamsa -Reason Manual | Restore-DbBackup -ComposeProject $project -Force -PassThru
        $result.Status | Should -Be Matched
        Read-Vamsa $content | Should -Be $expected
        Read-Vamsa "insert into people (name, mother) values ('Person 501', 500) returning id" | Should -Be 501
    }

    It 'quarterly: a restore test in the container, with spot checks' {
        Require-Docker
        $test = Get-DbBackup -Source vamsa -Reason Manual | Test-DbBackup -Level Restore -Assert 'select count(*) = 500 from people'
        $test.Passed | Should -BeTrue
        $test.Status | Should -Be Matched
    }
}
