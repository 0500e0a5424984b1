# The server that the other files' PostgreSQL tests stand on.
Describe 'The PostgreSQL server of the tests' {
    BeforeAll { . $PSScriptRoot/common.ps1 }

    It 'answers under odd names, and leaves the environment as it was' {
        Require-PostgreSql
        $database = New-TestPostgreSqlDatabase "Odd `"name`" = 'x'"
        Invoke-Psql $database.Name "create table t (a int, b text); insert into t values (1, 'ä'), (2, null)"
        Invoke-Psql $database.Name 'select * from t order by a' | Should -Be '1|ä', '2|'
        { Invoke-Psql $database.Name 'select * from missing' } | Should -Throw '*does not exist*'
        $env:PGPASSWORD | Should -BeNullOrEmpty
        Remove-TestPostgreSqlDatabase $database
        Invoke-Psql postgres "select count(*) from pg_database where datname like 'Odd%'" | Should -Be 0
    }

    It 'is reached by its URI' {
        Require-PostgreSql
        $database = New-TestPostgreSqlDatabase
        & (Join-Path $PostgreSqlServer.BinFolder psql) -X -A -t -c 'select current_database()' $database.Uri | Should -Be $database.Name
    }
}
