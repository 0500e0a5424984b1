# Backups compared with what is live in containers and volumes.
BeforeAll { . (Join-Path $PSScriptRoot 'common.ps1') }

Describe 'Compare-DbBackup with Docker' {
    BeforeEach { Enter-NewFolder | Out-Null }
    AfterEach { Set-Location $RepositoryRoot }

    It 'finds the live database in the container that the backup came from, and in another' {
        Require-Docker
        $server = New-TestPostgreSqlContainer
        Invoke-ContainerSql $server 'create table people (id int, name text); insert into people select i, ''x'' from generate_series(1, 10) i'
        New-DbBackup -Container $server -Username postgres -Name first -Source app -Fingerprint Content | Out-Null
        Compare-DbBackup app/first -WarningVariable warnings | Should -BeNullOrEmpty
        $warnings | Should -BeNullOrEmpty
        Invoke-ContainerSql $server 'delete from people where id > 4; alter table people add more int'
        $found = Compare-DbBackup app/first
        ($found | ForEach-Object { "$($_.Kind) $($_.Name) $($_.Change)" }) -join ', ' | Should -Be 'Schema table public.people Changed, Table public.people Changed'
        $found[1].After | Should -Be 4
        $other = New-TestPostgreSqlContainer
        Invoke-ContainerSql $other 'create table people (id int, name text)'
        (Compare-DbBackup app/first -Container $other -Username postgres).After | Should -Be 0
        Should-BeFailure (Get-ErrorOf { Compare-DbBackup app/first -Container "$other-not" }) ContainerNotFound Compare ObjectNotFound
    }

    It 'compares the files of a volume, and pauses nobody' {
        Require-Docker
        $volume = New-TestVolume
        $app = New-TestContainer -Option '--volume', "${volume}:/data"
        Invoke-Docker exec $app sh -c 'mkdir /data/attachments && echo one > /data/attachments/1.txt && echo two > /data/attachments/2.txt && echo skip > /data/x.tmp'
        New-DbBackup -Volume $volume -Name first -Source files -Exclude *.tmp | Out-Null
        Compare-DbBackup files/first | Should -BeNullOrEmpty
        Invoke-Docker exec $app sh -c 'rm /data/attachments/1.txt; echo new > /data/attachments/2.txt; echo three > /data/attachments/3.txt'
        $found = Compare-DbBackup files/first
        ($found | ForEach-Object { "$($_.Name) $($_.Change)" }) -join ', ' | Should -Be "$volume/attachments/1.txt Removed, $volume/attachments/2.txt Changed, $volume/attachments/3.txt Added"
        $copy = New-TestVolume
        Invoke-Docker run --rm --volume "${volume}:/from" --volume "${copy}:/to" dbbackup-test/app:1 sh -c 'cp -a /from/. /to'
        @(Compare-DbBackup files/first -Volume $copy).Count | Should -Be 3
        (Compare-DbBackup files/first -Container $app -ContainerPath /data | ForEach-Object Change) -join ' ' | Should -Be 'Removed Changed Added'
        Should-BeFailure (Get-ErrorOf { Compare-DbBackup files/first -Volume "$copy-not" }) VolumeNotFound Compare ObjectNotFound
        Should-BeFailure (Get-ErrorOf { Compare-DbBackup files/first -ContainerPath '/x/../..' }) InvalidArgument Compare InvalidArgument
    }
}
