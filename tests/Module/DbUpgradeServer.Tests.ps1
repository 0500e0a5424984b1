Describe 'Upgrades from one PostgreSQL server to another' {
    BeforeAll {
        . $PSScriptRoot/common.ps1

        function Invoke-Sql([string] $Uri, [string] $Sql) {
            $said = $Sql | psql -X -q -A -t -v ON_ERROR_STOP=1 -f - $Uri 2>&1
            if ($LASTEXITCODE) { throw "$said" }
            $said
        }
        $old = $env:DBBACKUP_TEST_OLDERSERVER
        $new = $env:DBBACKUP_TEST_NEWERSERVER
        if ($old) {
            Invoke-Sql $old "create role app login password 'secret'; create database app owner app"
            Invoke-Sql ($old -replace 'postgres$', 'app') 'create table orders (id int primary key); insert into orders select generate_series(1, 500); alter table orders owner to app'
            # The passwords that Resume-DbUpgrade and Undo-DbUpgrade need, in the user's own file.
            $passwords = (New-TemporaryFile).FullName
            $old, $new | ForEach-Object {
                $uri = [uri]$_
                $password = [uri]::UnescapeDataString($uri.UserInfo.Split(':', 2)[1]) -replace '([\\:])', '\$1'
                "$($uri.Host):$($uri.Port):*:postgres:$password"
            } | Set-Content $passwords
            if (-not $IsWindows) { chmod 600 $passwords }
        }
    }
    BeforeEach {
        $folder = Enter-NewFolder
        $env:XDG_DATA_HOME = "$folder/data"
        if ($old) { $env:PGPASSFILE = $passwords }
    }
    AfterEach { Set-Location $RepositoryRoot; Remove-Item Env:XDG_DATA_HOME, Env:PGPASSFILE -ErrorAction Ignore }
    AfterAll { if ($passwords) { Remove-Item $passwords } }

    It 'shows the plan with -WhatIf and changes nothing' {
        Require-ServerPair
        $plan = Invoke-DbUpgrade -ConnectionString $old -To $new -WhatIf -PassThru
        $plan.ServerVersions | Should -Be 'PostgreSQL 15 to 17'
        "$plan" | Should -Match 'make the old server read-only, and end its sessions'
        "$plan" | Should -Not -Match ([regex]::Escape(([uri]$old).UserInfo.Split(':', 2)[1]))
        Get-DbUpgrade | Should -BeNullOrEmpty
        Invoke-Sql $new "select count(*) from pg_database where datname = 'app'" | Should -Be 0
    }

    It 'refuses a server that is the old one, and one that is older' {
        Require-ServerPair
        Should-BeFailure (Get-ErrorOf { Invoke-DbUpgrade -ConnectionString $old -To $old -Confirm:$false }) TargetInvalid Invoke-DbUpgrade OperationStopped
        $older = Get-ErrorOf { Invoke-DbUpgrade -ConnectionString $new -To $old -Confirm:$false }
        "$older" | Should -Match 'PostgreSQL 15, and the old one is 17'
        $older.ErrorDetails.RecommendedAction | Should -Match '-To'
    }

    It 'moves all databases and roles, leaves the old server read-only, and comes back' {
        Require-ServerPair
        $result = Invoke-DbUpgrade -ConnectionString $old -To $new -Database app -HealthCheck 'SELECT count(*) > 0 FROM orders' -Confirm:$false -WarningVariable warnings -WarningAction SilentlyContinue
        "$($result.State) $($result.Failure) $($result.Steps)".Trim() | Should -BeLike "Succeeded  *"
        $result.Steps.Name | Should -Be Preflight, Rehearsal, Maintenance, Backup, Migration, Check, Release
        $result | Out-String -Width 200 | Should -Match 'Release: Done.*is read-only until'
        "$warnings" | Should -Match 'roles are on the new server already.*postgres'
        Invoke-Sql ($new -replace 'postgres$', 'app') 'select count(*) from orders' | Should -Be 500
        { Invoke-Sql ($old -replace 'postgres$', 'app') 'delete from orders' } | Should -Throw '*read-only transaction*'
        Get-Content (Get-ChildItem $env:XDG_DATA_HOME -Recurse -File).FullName | Should -Not -Match ([regex]::Escape([uri]::UnescapeDataString(([uri]$old).UserInfo.Split(':', 2)[1])))

        Invoke-Sql ($new -replace 'postgres$', 'app') 'insert into orders values (501)'
        $undone = Get-DbUpgrade | Undo-DbUpgrade -Force -WarningVariable warnings -WarningAction SilentlyContinue
        "$($undone.State)" | Should -Be RolledBack
        "$warnings" | Should -Match "1 in 'app'"
        Invoke-Sql ($old -replace 'postgres$', 'app') 'delete from orders where id = 500; select count(*) from orders' | Should -Be 499
        Invoke-Sql ($new -replace 'postgres$', 'app') 'select count(*) from orders' | Should -Be 501
    }
}
