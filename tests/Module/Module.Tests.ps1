Describe 'The module' {
    BeforeAll { . $PSScriptRoot/common.ps1 }
    BeforeEach { $folder = Enter-NewFolder }
    AfterEach { Set-Location $RepositoryRoot }

    It 'exports exactly its cmdlets, with approved verbs' {
        $commands = Get-Command -Module DbBackup
        $commands.Name | Sort-Object | Should -Be @('Approve-DbBackupSigner', 'Compare-DbBackup', 'Connect-DbBackupRepository', 'Copy-DbBackup', 'Disable-DbBackupPlan', 'Enable-DbBackupPlan', 'Export-DbBackup', 'Export-DbBackupReport', 'Find-DbBackupSource', 'Get-DbBackup', 'Get-DbBackupPlan', 'Get-DbBackupRun', 'Get-DbBackupSigner', 'Get-DbBackupStatus', 'Get-DbSchemaRevision', 'Get-DbUpgrade', 'Import-DbBackup', 'Invoke-DbBackupPlan', 'Invoke-DbBackupRetention', 'Invoke-DbUpgrade', 'Lock-DbBackup', 'New-DbBackup', 'New-DbBackupKey', 'Register-DbBackupPlan', 'Remove-DbBackup', 'Remove-DbBackupSigner', 'Remove-DbUpgrade', 'Restore-DbBackup', 'Resume-DbUpgrade', 'Set-DbBackupPlan', 'Set-DbBackupRecipient', 'Start-DbBackupService', 'Test-DbBackup', 'Test-DbBackupRepository', 'Undo-DbRestore', 'Undo-DbUpgrade', 'Unlock-DbBackup', 'Unregister-DbBackupPlan')
        $commands.CommandType | Sort-Object -Unique | Should -Be 'Cmdlet'
        $commands.Verb | Where-Object { $_ -notin (Get-Verb).Verb } | Should -BeNullOrEmpty
    }

    It '<name> says that it emits <type>' -ForEach @(
        @{ Name = 'New'; Type = 'DbBackup.Backup' }, @{ Name = 'Get'; Type = 'DbBackup.Backup' }
        @{ Name = 'Test'; Type = 'DbBackup.BackupTestResult' }, @{ Name = 'Restore'; Type = 'DbBackup.RestoreResult', 'DbBackup.RestorePlan' }
        @{ Name = 'Compare'; Type = 'DbBackup.BackupDifference' }
        @{ Name = 'Remove'; Type = 'DbBackup.Backup' }, @{ Name = 'Import'; Type = 'DbBackup.Backup' }
        @{ Name = 'Export'; Type = 'System.IO.FileInfo', 'System.IO.DirectoryInfo' }) {
        (Get-Command "$Name-DbBackup").OutputType.Name | Should -Be $Type
    }

    It '<name> has the sets <sets>, by default <default>' -ForEach @(
        @{ Name = 'New'; Sets = 'Compose', 'Container', 'LiteralPath', 'Path', 'PostgreSql', 'Source', 'Volume'; Default = 'Path' }, @{ Name = 'Import'; Sets = 'LiteralPath', 'Path'; Default = 'Path' }
        @{ Name = 'Test'; Sets = 'InputObject', 'Name'; Default = 'Name' }, @{ Name = 'Restore'; Sets = 'InputObject', 'Name'; Default = 'Name' }
        @{ Name = 'Compare'; Sets = 'InputObject', 'Name'; Default = 'Name' }
        @{ Name = 'Remove'; Sets = 'InputObject', 'Name'; Default = 'Name' }, @{ Name = 'Export'; Sets = 'InputObject', 'Name'; Default = 'Name' }) {
        $command = Get-Command "$Name-DbBackup"
        $command.ParameterSets.Name | Sort-Object | Should -Be $Sets
        $command.DefaultParameterSet | Should -Be $Default
    }

    It 'keeps no old name of a parameter' {
        $old = 'Include', 'Only', 'DrillServer', 'Undo', 'Type', 'CodePath', 'CodeContainer', 'CodeService'
        $parameters = (Get-Command -Module DbBackup).Parameters.Values
        $parameters.Name | Where-Object { $_ -in $old } | Should -BeNullOrEmpty
        # An alias of -AdditionalPath.
        $parameters.Aliases | Where-Object { $_ -in $old } | Select-Object -Unique | Should -Be 'Include'
        (Get-ErrorOf { Restore-DbBackup x -Undo }).FullyQualifiedErrorId | Should -BeLike 'NamedParameterNotFound,*'
    }

    It 'shows no typed password in an error record: <_>' -ForEach @(
        'New-DbBackup postgresql://u:hazel@127.0.0.1:1/db'
        'New-DbBackup "postgresql://u:hazel@hazel@127.0.0.1:1/db?sslpassword=hazel"'
        "New-DbBackup -ConnectionString 'Host=127.0.0.1;Port=1;Username=u;Password=hazel hazel;Database=db'"
        "New-DbBackup -ConnectionString `"host=127.0.0.1 port=1 user=u password='hazel hazel' dbname=db`""
        "New-DbBackup -Verify ```n    postgresql://u:hazel@127.0.0.1:1/db"
        'Import-DbBackup https://u:hazel@host/x.dump'
        'Test-DbBackup none -Level Restore -TestServer postgresql://u:hazel@127.0.0.1:1; New-DbBackup none.db') {
        $problems = @(Get-ErrorOf ([scriptblock]::Create($_)))
        $problems | Should -Not -BeNullOrEmpty
        foreach ($problem in $problems) {
            $shown = ($problem | Format-List * -Force | Out-String -Width 9999) + ($problem.InvocationInfo | Format-List * | Out-String -Width 9999)
            $shown | Should -Not -Match hazel
            $problem.InvocationInfo.Line | Should -BeLike '*-DbBackup*'
        }
    }

    It 'shows no typed password with the error of a script, and every other command as it was typed' {
        $text = Invoke-FreshShell "Import-Module '$ModulePath'`nNew-DbBackup postgresql://u:hazel@127.0.0.1:1/db; New-DbBackup ./none.db"
        $text | Should -Match 'u:\*\*\*@127.0.0.1'
        $text | Should -Not -Match hazel
        (Get-ErrorOf { New-DbBackup ./none.db -Tag password }).InvocationInfo.Statement | Should -BeExactly 'New-DbBackup ./none.db -Tag password'
    }

    It '<_>-DbBackup, which changes something, has -WhatIf and -Confirm' -ForEach 'New', 'Restore', 'Remove', 'Export', 'Import' {
        (Get-Command "$_-DbBackup").Parameters.Keys | Should -Contain 'WhatIf'
        (Get-Command "$_-DbBackup").Parameters.Keys | Should -Contain 'Confirm'
    }

    It 'has a manifest that PowerShell accepts' {
        (Test-ModuleManifest $ModulePath -WarningVariable warnings).Name | Should -Be 'DbBackup'
        $warnings | Should -BeNullOrEmpty
    }

    It 'brings no copy of the shell, and keeps the packages of its engine apart' {
        $bin = Join-Path $RepositoryRoot 'module/bin'
        Get-ChildItem $bin -Recurse -Filter System.Management.Automation.dll | Should -BeNullOrEmpty
        (Get-ChildItem $bin -Filter *.dll).Name | Sort-Object | Should -Be 'DbBackup.dll', 'DbBackup.PowerShell.dll'
    }

    It 'resolves type literals and catches by type' {
        [DbBackup.Backup].FullName | Should -Be 'DbBackup.Backup'
        [DbBackup.BackupAge]'12h' | Should -Be ([DbBackup.BackupAge]'0.5d')
        $caught = try { New-DbBackup ./none.db -ErrorAction Stop; 'nothing' } catch [DbBackup.BackupException] { $_.Exception.Code }
        $caught | Should -Be 'SourceNotFound'
    }

    It 'is imported twice with -Force, and again after Remove-Module, in one session' {
        New-SampleDatabase ./pats.db
        $text = Invoke-FreshShell @"
Set-Location '$folder'
Import-Module '$ModulePath' -Force; Import-Module '$ModulePath' -Force
'forced ' + (New-DbBackup ./pats.db -Name one).Status
Remove-Module DbBackup
'gone ' + (`$null -eq (Get-Module DbBackup))
Import-Module '$ModulePath'
'again ' + (New-DbBackup ./pats.db -Name two).Status
"@
        $text | Should -Match 'forced Written'
        $text | Should -Match 'gone True'
        $text | Should -Match 'again Written'
    }

    It 'works where another module has loaded other versions of its packages' {
        New-SampleDatabase ./pats.db
        $text = Invoke-FreshShell @"
foreach (`$name in 'Microsoft.Data.Sqlite', 'SQLitePCLRaw.core', 'SQLitePCLRaw.provider.e_sqlite3', 'SQLitePCLRaw.batteries_v2') {
    `$assembly = [Reflection.Emit.PersistedAssemblyBuilder]::new([Reflection.AssemblyName]"`$name, Version=99.0.0.0", [object].Assembly)
    [void]`$assembly.DefineDynamicModule(`$name)
    `$assembly.Save("$folder/`$name.dll")
    [void][Runtime.Loader.AssemblyLoadContext]::Default.LoadFromAssemblyPath("$folder/`$name.dll")
}
Set-Location '$folder'
Import-Module '$ModulePath'
`$backup = New-DbBackup ./pats.db -Verify
"`$(`$backup.Status)"
([AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { `$_.GetName().Name -eq 'Microsoft.Data.Sqlite' } | ForEach-Object { `$_.GetName().Version.Major } | Sort-Object) -join ','
"@
        $text | Should -Match 'Matched\s+10,99'
    }

    It 'brings a current SQLite for <System>' -ForEach @(
        # The machine in the file's own header: ELF e_machine at 18, Mach-O cputype at 4, PE machine behind the offset at 0x3c.
        @{ System = 'linux-x64'; File = 'libe_sqlite3.so'; At = 18; Machine = 62 }
        @{ System = 'linux-arm64'; File = 'libe_sqlite3.so'; At = 18; Machine = 183 }
        @{ System = 'linux-arm'; File = 'libe_sqlite3.so'; At = 18; Machine = 40 }
        @{ System = 'linux-musl-x64'; File = 'libe_sqlite3.so'; At = 18; Machine = 62 }
        @{ System = 'linux-musl-arm64'; File = 'libe_sqlite3.so'; At = 18; Machine = 183 }
        @{ System = 'osx-x64'; File = 'libe_sqlite3.dylib'; At = 4; Machine = 7 }
        @{ System = 'osx-arm64'; File = 'libe_sqlite3.dylib'; At = 4; Machine = 12 }
        @{ System = 'win-x64'; File = 'e_sqlite3.dll'; At = $null; Machine = 0x8664 }
        @{ System = 'win-arm64'; File = 'e_sqlite3.dll'; At = $null; Machine = 0xaa64 }
    ) {
        $bytes = [IO.File]::ReadAllBytes((Join-Path (Split-Path $ModulePath) "module/bin/engine/runtimes/$System/native/$File"))
        $place = $At ?? ([BitConverter]::ToInt32($bytes, 0x3c) + 4)
        [BitConverter]::ToUInt16($bytes, $place) | Should -Be $Machine
        $text = [Text.Encoding]::Latin1.GetString($bytes)
        $release = [regex]::Match($text, '(?<=\0)(\d{4})-\d\d-\d\d \d\d:\d\d:\d\d [0-9a-f]{64}')
        [int] $release.Groups[1].Value | Should -BeGreaterOrEqual 2026 -Because 'the source id of its SQLite begins with the date of its release'
    }

    It 'is imported quickly and loads its engine only when it is used' {
        $text = Invoke-FreshShell @"
`$time = (Measure-Command { Import-Module '$ModulePath' }).TotalMilliseconds
"engine: " + [bool]([AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { `$_.GetName().Name -eq 'Microsoft.Data.Sqlite' })
"quick: " + (`$time -lt 1500)
"@
        $text | Should -Match 'engine: False\s+quick: True'
    }
}
