# The application of tests/docker/shop.py, and what holds of it after an upgrade. Dot-sourced after common.ps1.
function Get-FreePort {
    $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
    $listener.Start()
    try { $listener.LocalEndpoint.Port } finally { $listener.Stop() }
}

# What an address answers, once it answers with 200.
function Wait-TestAnswer([string] $Address, [int] $Seconds = 60) {
    $limit = [DateTime]::UtcNow.AddSeconds($Seconds)
    while ($true) {
        try { return "$(Invoke-RestMethod $Address -TimeoutSec 5)".Trim() }
        catch { if ([DateTime]::UtcNow -gt $limit) { throw "$Address does not answer: $_" } }
        Start-Sleep -Milliseconds 100
    }
}

# tests/docker/shop.py as a compose project: version 1 at Url, and 200 orders in its PostgreSQL. Backend says where the image comes
# from, and Dockerfile what it is built from.
function New-TestShop([string] $Backend, [string] $Dockerfile) {
    $port = Get-FreePort
    $folder = New-TestComposeProject @"
version: '2.4'
services:
  db:
    image: dbbackup-test/postgres:15
    environment: [POSTGRES_USER=shop, POSTGRES_PASSWORD=secret, POSTGRES_DB=shop, POSTGRES_INITDB_ARGS=--no-sync]
    command: ['-c', 'fsync=off']
    volumes: ['postgres_data:/var/lib/postgresql/data']
  backend:
    $Backend
    environment: [DATABASE_URL=postgresql://shop:secret@db/shop]
    depends_on: [db]
    ports: ['127.0.0.1:${port}:8000']
volumes:
  postgres_data:
"@
    if ($Dockerfile) { Set-Content -LiteralPath (Join-Path $folder Dockerfile) $Dockerfile }
    Invoke-Compose $folder up --detach | Out-Null
    Wait-TestPostgreSql (Invoke-Compose $folder ps -q db)
    Invoke-Compose $folder run --rm backend alembic upgrade head | Out-Null
    $shop = [pscustomobject]@{
        Folder = $folder
        Url    = "http://127.0.0.1:$port"
        Data   = {
            param($Shop)
            Invoke-ShopSql $Shop @'
select 'schema ' || version_num from alembic_version;
select 'orders ' || count(*) || ' ' || md5(string_agg(id || ' ' || note, ';' order by id)) from orders;
-- A restore keeps what was there before it beside, as it says.
select 'database ' || datname from pg_database where not datistemplate and datname not like 'shop\_before\_%' order by 1;
'@
        }
    }
    Invoke-ShopSql $shop "insert into orders (note) select 'order ' || i from generate_series(1, 200) i"
    $shop
}

# Compose gives the volumes without a name of a container that it makes anew to the next one, and then they go with none.
function Remove-TestShop($Shop) {
    $volumes = Invoke-Docker inspect --format '{{range .Mounts}}{{.Name}} {{end}}' (Invoke-Compose $Shop.Folder ps --all --quiet backend)
    Invoke-Compose $Shop.Folder down --volumes | Out-Null
    Invoke-Docker volume rm --force @($volumes -split ' ' -ne '') | Out-Null
}

function Invoke-ShopSql($Shop, [string] $Sql) { Invoke-ContainerSql (Invoke-Compose $Shop.Folder ps -q db) -User shop -Database shop $Sql }

# All that an upgrade which is taken back leaves as it was, as lines: version, health and data of a shop, and what the tests of this file have on the engine.
function Get-ShopState($Shop) {
    "version $(Wait-TestAnswer "$($Shop.Url)/version")"
    Wait-TestAnswer "$($Shop.Url)/health" | Out-Null
    & $Shop.Data $Shop
    # With the fields that show whose a container is under another name: it has a volume or a network of the tests.
    Invoke-Docker ps --all --no-trunc --format '{{.Names}} {{.State}} {{.Image}} {{.Mounts}} {{.Networks}}' |
        Where-Object { $_.Contains($env:DBBACKUP_TEST_DOCKERPREFIX) } | ForEach-Object { "container $(($_ -split ' ')[0..1])" } | Sort-Object
    # A volume without a name that nobody uses: where this user may look into it, a file says that it was a shop's.
    $volumes = Join-Path (Invoke-Docker info --format '{{.DockerRootDir}}') volumes
    Invoke-Docker volume ls --quiet | Where-Object { $_.Contains($env:DBBACKUP_TEST_DOCKERPREFIX) } | Sort-Object | ForEach-Object { "volume $_" }
    Invoke-Docker volume ls --quiet --filter dangling=true | Where-Object { $_ -notlike 'dbbackup-test-*' -and (Test-Path "$volumes/$_/_data/.keep" -ErrorAction Ignore) } | Sort-Object | ForEach-Object { "unused volume $_" }
}

function Should-BeState($Shop, [string[]] $Expected) {
    # Of many lines, those that differ. A volume without a name does not say whose it is: that of a test beside this one goes with
    # that test, one that an upgrade left behind stays.
    $limit = [datetime]::UtcNow.AddMinutes(2)
    do {
        $differences = Compare-Object $Expected (Get-ShopState $Shop) | ForEach-Object { "$($_.SideIndicator) $($_.InputObject)" } | Where-Object { $_ -notlike '<= unused volume *' }
        $foreign = $differences -and -not ($differences -notlike '=> unused volume *')
        if ($foreign) { Start-Sleep -Seconds 2 }
    } while ($foreign -and [datetime]::UtcNow -lt $limit)
    $differences | Should -BeNullOrEmpty
}

function Should-BeTakenBack($Result, $Failed, $Shop, [string[]] $Before) {
    "$($Result.State)" | Should -Be RolledBack
    $Failed | Should -HaveCount 1
    $Failed[0].FullyQualifiedErrorId | Should -BeLike 'UpgradeRolledBack,*'
    Should-BeState $Shop $Before
}

# The same with version 2: its schema, the rows of before, and nothing more on the engine than there was.
function Should-BeUpgraded($Result, $Shop, [string[]] $Before) {
    "$($Result.State) $($Result.Failure)".Trim() | Should -Be Succeeded
    $Result.Steps.State | Should -BeIn Done, Skipped
    $Result.Downtime | Should -BeGreaterThan ([timespan]::Zero)
    Should-BeState $Shop ($Before -replace '^version 1$', 'version 2' -replace '^schema r1$', 'schema r2')
}
