# What all test files share: the built module, sample databases, a way to look at errors. Dot-sourced in BeforeAll.
$script:RepositoryRoot = (Resolve-Path (Join-Path $PSScriptRoot '../..')).ProviderPath
$script:ModulePath = Join-Path $RepositoryRoot 'DbBackup.psd1'
$env:NO_COLOR = '1'
$PSStyle.OutputRendering = 'PlainText'
Remove-Item Env:DBBACKUP_REPOSITORY -ErrorAction Ignore
if (-not (Get-Module DbBackup)) { Import-Module $ModulePath }

# What the names of payload files end with beyond their format.
$script:SealedEnding = $env:DBBACKUP_TEST_BUCKET ? '.age' : ''

# In the world EncryptedS3 (PesterData.cs) all backups go to a bucket, encrypted: the file's commands are the same.
if ($env:DBBACKUP_TEST_BUCKET) {
    $script:TestKey = Join-Path $TestDrive world.key
    $script:TestRecipient = if (Test-Path $TestKey) { (Get-Content $TestKey)[1] -replace '^# public key: ' } else { (New-DbBackupKey $TestKey).Recipient }
    foreach ($command in 'New-DbBackup', 'Import-DbBackup', 'Invoke-DbUpgrade') { $global:PSDefaultParameterValues["${command}:Recipient"] = $TestRecipient }
    # The key is at hand wherever something is opened; what only lists would not look into the environment.
    $env:DBBACKUP_IDENTITY = $TestKey
    $global:PSDefaultParameterValues['Get-DbBackup:Identity'] = $TestKey
    $env:DBBACKUP_REPOSITORY = $env:DBBACKUP_TEST_BUCKET
}

# The repository of a file that does not use the default one, below the current folder.
function Use-TestRepository([string] $Name) {
    $env:DBBACKUP_REPOSITORY = $env:DBBACKUP_TEST_BUCKET ? ($env:DBBACKUP_TEST_BUCKET -replace '\?', "$Name`?") : (Join-Path $PWD $Name)
}

# All that lies in the repository in use, to compare.
function Get-RepositorySnapshot { Get-Snapshot ($env:DBBACKUP_TEST_BUCKET ? $env:DBBACKUP_TEST_BUCKETFOLDER : ($env:DBBACKUP_REPOSITORY ?? './backups')) }
. $RepositoryRoot/tools/SameShell.ps1

# On a machine without the stock program: its SQL, without its dot commands.
if (-not (Get-Command sqlite3 -CommandType Application -ErrorAction Ignore)) {
    function sqlite3 { $input | dotnet exec $env:DBBACKUP_TEST_HOST sql @args }
}

# First in an It: skips it where a program is missing, fails it in CI.
function Require-Tool([Parameter(ValueFromRemainingArguments)] [string[]] $Name) {
    $missing = $Name | Where-Object { -not (Get-Command $_ -CommandType Application -ErrorAction Ignore) }
    if (-not $missing) { return }
    if ($env:CI -eq 'true') { throw "This test may not be skipped here: not installed: $($missing -join ', ')." }
    Set-ItResult -Skipped -Because "not installed: $($missing -join ', ')"
}

# First in an It that this system cannot run, in CI neither.
function Skip-OnWindows {
    if ($IsWindows) { Set-ItResult -Skipped -Because 'this system is Windows' }
}

# A database with two tables; with a revision also Alembic's own.
function New-SampleDatabase([string] $Path, [int] $Rows = 50, [string] $Revision) {
    $sql = @"
create table applications (id integer primary key, company text not null, note blob);
create table documents (id integer primary key, application_id integer references applications (id), path text);
create index documents_application on documents (application_id);
insert into applications (company, note) with recursive n(i) as (select 1 union all select i + 1 from n where i < $Rows) select 'company ' || i, randomblob(64) from n;
insert into documents (application_id, path) select id, 'uploads/' || id || '.txt' from applications where id % 2 = 0;
"@
    if ($Revision) { $sql += "create table alembic_version (version_num varchar(32) primary key); insert into alembic_version values ('$Revision');" }
    $sql | sqlite3 $Path
    if ($LASTEXITCODE) { throw "sqlite3 could not make '$Path'." }
}

# A migration of the Alembic project in ./backend, and the lines of Python of its upgrade.
function Add-Migration([string] $Id, [string] $After, [string[]] $Upgrade = 'pass') {
    @(
        'from alembic import op'
        'import time'
        "revision = '$Id'"
        if ($After) { "down_revision = '$After'" } else { 'down_revision = None' }
        'branch_labels = None'
        'depends_on = None'
        'def upgrade():'
        $Upgrade.ForEach{ "    $_" }
    ) | Set-Content "./backend/migrations/versions/$($Id)_step.py"
}

# A database large enough that its backup can be stopped in the middle.
function New-LargeDatabase([string] $Path, [int] $Megabytes) {
    "pragma synchronous = off; pragma journal_mode = off; create table t (x blob); insert into t with recursive n(i) as (select 1 union all select i + 1 from n where i < $Megabytes * 16) select randomblob(32768) || zeroblob(32768) from n;" | sqlite3 $Path | Out-Null
}

function Get-RowCount([string] $Path, [string] $Table = 'applications') { [int](sqlite3 $Path "select count(*) from $Table") }

function New-Folder([string] $Path) { (New-Item -ItemType Directory -Force $Path).FullName }

# A place of its own for each test: a working directory with a repository's parent, and the location set to it.
function Enter-NewFolder {
    $folder = New-Folder (Join-Path $TestDrive ([guid]::NewGuid().ToString('n').Substring(0, 8)))
    Set-Location -LiteralPath $folder
    $folder
}

# Makes a backup look older than it is.
function Set-BackupDate($Backup, [datetimeoffset] $Created) {
    # With the hash and the signature that belong to it, see docs/format.md.
    dotnet exec $env:DBBACKUP_TEST_HOST datebackup $Backup.Repository "$($Backup.Source)/$($Backup.Name)/backup.json" $Created.ToUniversalTime().ToString('o')
    if ($LASTEXITCODE -ne 0) { throw "The backup was not dated: $Backup" }
}

# Flips one bit in the middle of a backup's first payload.
function Edit-Payload($Backup) {
    $file = Join-Path $Backup.Location $Backup.Manifest.Payloads[0].FileName
    Set-ItemProperty -LiteralPath $file IsReadOnly $false
    $bytes = [IO.File]::ReadAllBytes($file)
    $bytes[$bytes.Length / 2] = $bytes[$bytes.Length / 2] -bxor 1
    [IO.File]::WriteAllBytes($file, $bytes)
}

# The error records of a command, whether it goes on after them or not.
function Get-ErrorOf([scriptblock] $Command) {
    try { & $Command 2>&1 | Where-Object { $_ -is [Management.Automation.ErrorRecord] } }
    catch { $_ }
}

function Should-BeFailure($Record, [string] $Id, [string] $Command, [string] $Category, [string] $Target) {
    $Record | Should -HaveCount 1
    $class = $Command.Contains('-') ? $Command.Replace('-', '') : "${Command}DbBackup"
    $Record.FullyQualifiedErrorId | Should -BeExactly "$Id,DbBackup.PowerShell.Commands.${class}Command"
    if ($Category) { "$($Record.CategoryInfo.Category)" | Should -BeExactly $Category }
    if ($Target) { "$($Record.TargetObject)" | Should -BeLike $Target }
    $Record.Exception | Should -BeOfType ([DbBackup.BackupException])
    $Record.Exception.Code | Should -BeExactly $Id
    # The next step, as a full sentence.
    $Record.ErrorDetails.RecommendedAction | Should -Match '^\S.*[.)]$'
}

# Runs a script in a shell of its own, without anybody to answer; gives its output as text.
function Invoke-FreshShell([string] $Script, [string[]] $Arguments = @('-NonInteractive')) {
    $file = Join-Path $TestDrive "$([guid]::NewGuid().ToString('n')).ps1"
    Set-Content -LiteralPath $file "`$PSStyle.OutputRendering = 'PlainText'`n$Script"
    (Invoke-SameShell -NoProfile @Arguments -File $file 2>&1 | Out-String)
}

# A completer gives up after two seconds: on a busy machine, a server or an engine can take longer to answer.
function Complete([string] $Text) {
    foreach ($attempt in 1..5) {
        $found = (TabExpansion2 $Text $Text.Length).CompletionMatches.CompletionText
        if ($found) { return $found }
    }
}

# What a -WhatIf prints goes to the host alone: a transcript hears it.
function Get-WhatIfText([scriptblock] $Command) {
    $file = Join-Path $TestDrive "$([guid]::NewGuid().ToString('n')).log"
    Start-Transcript -LiteralPath $file -UseMinimalHeader | Out-Null
    try { & $Command | Out-Null } finally { Stop-Transcript | Out-Null }
    Get-Content -LiteralPath $file -Raw
}

function Get-Snapshot([string] $Folder) {
    Get-ChildItem -LiteralPath $Folder -Recurse -Force | ForEach-Object {
        "$($_.FullName) $(if (-not $_.PSIsContainer) { (Get-FileHash -LiteralPath $_.FullName).Hash })"
    } | Sort-Object | Join-String -Separator "`n"
}

# The PostgreSQL server that PesterRun.cs starts for files that say Require-PostgreSql; null where there is none.
$script:PostgreSqlServer = if ($env:DBBACKUP_TEST_PGHOST) {
    [pscustomobject]@{
        Host = $env:DBBACKUP_TEST_PGHOST; Port = [int]$env:DBBACKUP_TEST_PGPORT; User = $env:DBBACKUP_TEST_PGUSER
        Password = $env:DBBACKUP_TEST_PGPASSWORD; SocketFolder = $env:DBBACKUP_TEST_PGSOCKET; BinFolder = $env:DBBACKUP_TEST_PGBIN
    }
}

# First in an It that needs the server: skips it on a machine without one, fails it in CI.
function Require-PostgreSql {
    if ($PostgreSqlServer) { return }
    if ($env:CI -eq 'true') { throw 'This test may not be skipped here: there is no PostgreSQL server.' }
    Set-ItResult -Skipped -Because 'there is no PostgreSQL server (run the file through dotnet test)'
}

# First in an It that needs a server and another one of a newer major version, which PesterRun.cs starts for files that say so.
function Require-ServerPair {
    if ($env:DBBACKUP_TEST_OLDERSERVER -and $env:DBBACKUP_TEST_NEWERSERVER) { return }
    if ($env:CI -eq 'true') { throw 'This test may not be skipped here: there are no PostgreSQL servers of two versions.' }
    Set-ItResult -Skipped -Because 'there are no PostgreSQL servers of two versions (run the file through dotnet test)'
}

# Runs statements or a script for psql; gives rows as lines, columns divided by "|". The password stays out of the argument list.
function Invoke-Psql([string] $Database, [string] $Sql) {
    $variables = @{
        PGHOST = $PostgreSqlServer.Host; PGPORT = "$($PostgreSqlServer.Port)"; PGUSER = $PostgreSqlServer.User
        # As an argument, a name with "=" in it would be read as a connection string.
        PGPASSWORD = $PostgreSqlServer.Password; PGDATABASE = $Database; PGCLIENTENCODING = 'UTF8'; PGOPTIONS = '-c client_min_messages=warning'
    }
    $before = @{}
    try {
        foreach ($name in $variables.Keys) {
            $before[$name] = [Environment]::GetEnvironmentVariable($name)
            [Environment]::SetEnvironmentVariable($name, $variables[$name])
        }
        $output = $Sql | & (Join-Path $PostgreSqlServer.BinFolder psql) -X -q -A -t -v ON_ERROR_STOP=1 -f - 2>&1
        if ($LASTEXITCODE) { throw "psql exited with ${LASTEXITCODE}: $($output -join "`n")" }
        $output
    }
    finally {
        foreach ($name in $before.Keys) { [Environment]::SetEnvironmentVariable($name, $before[$name]) }
    }
}

function ConvertTo-SqlName([string] $Name) { '"' + $Name.Replace('"', '""') + '"' }

# An empty database under a unique name: Name, Uri (with the password). It lives as long as the server, or until Remove-TestPostgreSqlDatabase.
function New-TestPostgreSqlDatabase([string] $Name = 'test') {
    $unique = "${Name}_$([guid]::NewGuid().ToString('n').Substring(0, 8))"
    Invoke-Psql postgres "create database $(ConvertTo-SqlName $unique) template template0"
    [pscustomobject]@{
        Name = $unique
        Uri  = 'postgresql://{0}:{1}@{2}:{3}/{4}' -f $PostgreSqlServer.User, [uri]::EscapeDataString($PostgreSqlServer.Password),
            $PostgreSqlServer.Host, $PostgreSqlServer.Port, [uri]::EscapeDataString($unique)
    }
}

function Remove-TestPostgreSqlDatabase($Database) {
    Invoke-Psql postgres "drop database if exists $(ConvertTo-SqlName $Database.Name) with (force)"
}

# First in an It that needs Docker: skips it on a machine without an engine or the tests' images, fails it in CI. PesterRun.cs
# gives files that say Require-Docker the beginning of their names, and removes all that has it when they are over.
function Require-Docker {
    if ($env:DBBACKUP_TEST_DOCKERPREFIX) { return }
    if ($env:CI -eq 'true' -or $env:DBBACKUP_TEST_DOCKER -eq '1') { throw 'This test may not be skipped here: there is no Docker engine with the images of the tests.' }
    Set-ItResult -Skipped -Because 'there is no Docker engine with the images of the tests (run the file through dotnet test)'
}

function Invoke-Docker {
    $output = & docker @args 2>&1
    if ($LASTEXITCODE) { throw "docker $args exited with ${LASTEXITCODE}: $($output -join "`n")" }
    # What it says on its standard error is not its answer.
    $output | Where-Object { $_ -isnot [Management.Automation.ErrorRecord] }
}

function New-TestDockerName([string] $What = 'object') { "$env:DBBACKUP_TEST_DOCKERPREFIX-$What-$([guid]::NewGuid().ToString('n').Substring(0, 8))" }

# Starts a container in the background: New-TestContainer dbbackup-test/app:1 -Option --volume, data:/data -Command python3, ...; gives its name.
function New-TestContainer([string] $Image = 'dbbackup-test/app:1', [string[]] $Option = @(), [string[]] $Command = @(), [string] $Name = (New-TestDockerName container)) {
    Invoke-Docker run --detach --name $Name @Option $Image @Command | Out-Null
    $Name
}

# A server whose superuser is postgres with the password "secret", unless the options say otherwise; it answers when its name is given.
function New-TestPostgreSqlContainer([string] $Image = 'dbbackup-test/postgres:15', [string[]] $Option = @()) {
    $name = New-TestContainer $Image -Option (@('--env', 'POSTGRES_PASSWORD=secret', '--env', 'POSTGRES_INITDB_ARGS=--no-sync') + $Option) -Command '-c', 'fsync=off'
    Wait-TestPostgreSql $name
    $name
}

# Waits through TCP: while the image makes its cluster, the server listens on no address. It asks again in the container: a process that
# the engine starts takes twenty times as much of the processors.
function Wait-TestPostgreSql([string] $Container, [int] $Seconds = 120) {
    $limit = [DateTime]::UtcNow.AddSeconds($Seconds)
    do {
        & docker exec $Container sh -c 'for i in $(seq 100); do pg_isready -q -h 127.0.0.1 && exit 0; sleep 0.05; done; exit 1' 2>&1 | Out-Null
        if (-not $LASTEXITCODE) { return }
    } while ([DateTime]::UtcNow -lt $limit -and (Invoke-Docker inspect --format '{{.State.Running}}' $Container) -eq 'true')
    throw "PostgreSQL does not answer in ${Container}: $(& docker logs --tail 50 $Container 2>&1 | Out-String)"
}

function Invoke-ContainerSql([string] $Container, [string] $Sql, [string] $Database = 'postgres', [string] $User = 'postgres') {
    Invoke-Docker exec $Container psql -X -q -A -t -v ON_ERROR_STOP=1 -h 127.0.0.1 -U $User -d $Database -c $Sql
}

function New-TestVolume { Invoke-Docker volume create (New-TestDockerName volume) }

# A folder with a compose file, named (and so the project) after the prefix; below the current folder unless a parent is given.
function New-TestComposeProject([string] $Yaml, [string] $Parent = (Get-Location).ProviderPath) {
    $folder = New-Folder (Join-Path $Parent (New-TestDockerName project))
    Set-Content -LiteralPath (Join-Path $folder 'docker-compose.yml') $Yaml
    $folder
}

# Invoke-Compose <folder> up --detach: version 2 where it is installed, and 1 otherwise.
function Invoke-Compose([string] $Folder, [Parameter(ValueFromRemainingArguments)] [string[]] $Arguments) {
    if ($null -eq $script:isComposePlugin) {
        & docker compose version 2>&1 | Out-Null
        $script:isComposePlugin = -not $LASTEXITCODE
    }
    $all = @('--project-directory', $Folder, '--file', (Join-Path $Folder 'docker-compose.yml')) + $Arguments
    $output = if ($script:isComposePlugin) { & docker compose @all 2>&1 } else { & docker-compose @all 2>&1 }
    if ($LASTEXITCODE) { throw "compose $Arguments exited with ${LASTEXITCODE}: $($output -join "`n")" }
    $output | Where-Object { $_ -isnot [Management.Automation.ErrorRecord] }
}

# An error of a command of this module, whatever the command.
function Should-BeFailureOf($Record, [string] $Id) {
    $Record | Should -HaveCount 1
    $Record.FullyQualifiedErrorId | Should -BeLike "$Id,DbBackup.PowerShell.Commands.*"
    $Record.Exception | Should -BeOfType ([DbBackup.BackupException])
    $Record.ErrorDetails.RecommendedAction | Should -Match '^\S.*[.)]$'
}
