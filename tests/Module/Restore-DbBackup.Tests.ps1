Describe 'Restore-DbBackup' {
    BeforeAll { . $PSScriptRoot/common.ps1; . $PSScriptRoot/scripted-host.ps1 }
    BeforeEach {
        $folder = Enter-NewFolder
        New-SampleDatabase ./pats.db -Revision 041bd0560732
        New-Folder ./uploads | Out-Null
        'one' | Set-Content ./uploads/1.txt
        $backup = New-DbBackup ./pats.db -AdditionalPath ./uploads -Name before
        'delete from documents; delete from applications where id > 10' | sqlite3 ./pats.db
        'two' | Set-Content ./uploads/2.txt
        'changed' | Set-Content ./uploads/1.txt
    }
    AfterEach { Set-Location $RepositoryRoot; Remove-Item Env:DBBACKUP_REPOSITORY -ErrorAction Ignore }

    Context 'what it does' {
        It 'brings database and files back, keeps what was there, and emits nothing' {
            $backup | Restore-DbBackup -Force | Should -BeNullOrEmpty
            Get-RowCount ./pats.db | Should -Be 50
            (Get-ChildItem ./uploads).Name | Should -Be 1.txt
            Get-Content ./uploads/1.txt | Should -Be one
            $safety = Get-DbBackup -Reason Safety
            $safety | Should -HaveCount 1
            ($safety.Manifest.Payloads[0].Fingerprint.Tables | Where-Object Name -EQ applications).Rows | Should -Be 10
            # And back again.
            $safety | Restore-DbBackup -Force
            Get-RowCount ./pats.db | Should -Be 10
            Get-Content ./uploads/2.txt | Should -Be two
        }

        It 'says what it did with -PassThru' {
            $result = Restore-DbBackup before -Source pats -Force -PassThru
            $result | Should -BeOfType ([DbBackup.RestoreResult])
            $result.Restored | Should -Be "$folder/pats.db", "$folder/uploads"
            "$($result.Status)" | Should -Be Matched
            $result.SafetyBackup.Reason | Should -Be Safety
            $text = $result | Out-String -Width 150
            $text | Should -Match 'Backup +: pats/before'
            $text | Should -Match 'SafetyBackup +: pats/.*safety'
        }

        It 'restores the newest good one of a source with -Latest' {
            New-DbBackup ./pats.db -Name second -AllowCollapse | Out-Null
            (Restore-DbBackup -Source pats -Latest -Force -PassThru).Name | Should -Be second
            (Restore-DbBackup -Latest -Force -PassThru).Name | Should -Be second
        }

        It 'refuses several backups of one source, and takes the newest of each' {
            New-DbBackup ./pats.db -Name second -AllowCollapse | Out-Null
            $problem = Get-ErrorOf { Get-DbBackup -Source pats | Restore-DbBackup -Force }
            Should-BeFailure $problem BackupAmbiguous Restore InvalidArgument
            "$problem" | Should -Match 'before'
            Get-DbBackup -Reason Safety | Should -BeNullOrEmpty
            (Get-DbBackup -Latest | Restore-DbBackup -Force -PassThru).Name | Should -Be second
        }

        It 'restores a part with -Content <content>' -ForEach @(@{ Content = 'Database'; Rows = 50; File = 'changed' }, @{ Content = 'Files'; Rows = 10; File = 'one' }) {
            $backup | Restore-DbBackup -Content $Content -Force
            Get-RowCount ./pats.db | Should -Be $Rows
            Get-Content ./uploads/1.txt | Should -Be $File
        }

        It 'restores to another place, a file or a folder, without touching the original' {
            $backup | Restore-DbBackup -Destination ./old.db -Content Database -Force
            Get-RowCount ./old.db | Should -Be 50
            $backup | Restore-DbBackup -Destination ./old/ -Force
            Get-RowCount ./old/pats.db | Should -Be 50
            Get-Content ./old/uploads/1.txt | Should -Be one
            New-Folder ./there | Out-Null
            $backup | Restore-DbBackup -Destination ./there -Content Database -Force
            Get-RowCount ./there/pats.db | Should -Be 50
            Get-RowCount ./pats.db | Should -Be 10
            Get-DbBackup -Reason Safety | Should -BeNullOrEmpty
        }

        It 'takes no safety backup with -NoSafetyBackup' {
            $backup | Restore-DbBackup -Force -NoSafetyBackup
            Get-DbBackup -Reason Safety | Should -BeNullOrEmpty
        }

        It 'takes stale -wal and -journal files away' {
            'x' | Set-Content ./pats.db-journal
            'x' | Set-Content ./pats.db-wal
            $backup | Restore-DbBackup -Force
            Test-Path ./pats.db-journal, ./pats.db-wal | Should -Be $false, $false
            Get-RowCount ./pats.db | Should -Be 50
        }

        It 'takes objects from a file and from a job, and by their properties' {
            $backup | Export-Clixml ./one.xml
            (Import-Clixml ./one.xml | Restore-DbBackup -Force -PassThru).Name | Should -Be before
            $remote = Start-Job { param($m, $f) Import-Module $m; Get-DbBackup before -Repository $f/backups } -ArgumentList $ModulePath, $folder | Receive-Job -Wait -AutoRemoveJob
            Set-Location $TestDrive
            ($remote | Restore-DbBackup -Force -PassThru).Restored | Should -Contain "$folder/pats.db"
        }

        It 'says that the schema revision changes, with the commands that follow' {
            "update alembic_version set version_num = 'ffff'" | sqlite3 ./pats.db
            $result = $backup | Restore-DbBackup -Force -PassThru -WarningVariable warnings -WarningAction SilentlyContinue
            "$warnings" | Should -Match 'alembic (stamp 041bd0560732|upgrade head)'
            $result.NextCommands | Should -Contain 'alembic upgrade head'
            Get-WhatIfText { $backup | Restore-DbBackup -WhatIf } | Should -Match "What if: Restore 'pats/before'"
        }
    }

    Context 'what it says before' {
        It 'prints the plan under -WhatIf, asks nothing and changes nothing' {
            $before = Get-Snapshot .
            $text = Get-WhatIfText { $backup | Restore-DbBackup -WhatIf }
            $text | Should -Match "What if: Restore 'pats/before'"
            $text | Should -Match ([regex]::Escape("replace the database '$folder/pats.db'"))
            $text | Should -Match ([regex]::Escape("replace the folder '$folder/uploads'"))
            $text | Should -Match 'safety backup'
            Get-WhatIfText { $backup | Restore-DbBackup -WhatIf -Force } | Should -Match 'What if'
            Get-WhatIfText { $WhatIfPreference = $true; $backup | Restore-DbBackup -Force } | Should -Match 'What if'
            Get-Snapshot . | Should -Be $before
        }

        It 'emits the plan under -WhatIf -PassThru, shown in its own words' {
            $plan = $backup | Restore-DbBackup -WhatIf -PassThru
            $plan | Should -BeOfType ([DbBackup.RestorePlan])
            $plan.Overwrites | Should -BeTrue
            $plan.Targets.Path | Should -Be "$folder/pats.db", "$folder/uploads"
            ($plan | Out-String) | Should -Match "(?m)^  replace the database"
        }
    }

    Context 'in a session that cannot ask' {
        It 'refuses at once and names the parameter' {
            $before = Get-Snapshot .
            $text = Invoke-FreshShell @"
Import-Module '$ModulePath'; Set-Location '$folder'
try { Get-DbBackup before | Restore-DbBackup -ErrorAction Stop } catch { `$_.FullyQualifiedErrorId; `$_.ErrorDetails.RecommendedAction }
try { Restore-DbBackup -ErrorAction Stop } catch { `$_.FullyQualifiedErrorId; `$_.ErrorDetails.RecommendedAction }
try { Get-DbBackup before | Remove-DbBackup -Force -ErrorAction Stop } catch { `$_.FullyQualifiedErrorId; `$_.ErrorDetails.RecommendedAction }
"@
            ([regex]::Matches($text, 'ConfirmationRequired,DbBackup.PowerShell.Commands.Re')) | Should -HaveCount 3
            # -Force does more than answer.
            $text | Should -Not -Match '-Force'
            $text | Should -Match '-Name'
            $text | Should -Match '-Confirm:\$false'
            Get-Snapshot . | Should -Be $before
        }

        It 'goes on where the answer was given in advance: <_>' -ForEach '-Force', '-Confirm:$false', '-WhatIf' {
            $text = Invoke-FreshShell "Import-Module '$ModulePath'; Set-Location '$folder'; Get-DbBackup before | Restore-DbBackup -ErrorAction Stop $_; 'done'"
            $text | Should -Match 'done'
            Get-RowCount ./pats.db | Should -Be ($_ -eq '-WhatIf' ? 10 : 50)
        }

        It 'goes on where $ConfirmPreference is None' {
            Invoke-FreshShell "Import-Module '$ModulePath'; Set-Location '$folder'; `$ConfirmPreference = 'None'; Get-DbBackup before | Restore-DbBackup" | Should -BeNullOrEmpty
            Get-RowCount ./pats.db | Should -Be 50
        }
    }

    Context 'at a prompt' {
        It 'lists the candidates, takes the choice, shows the plan, asks and restores' {
            New-SampleDatabase ./other.db
            New-DbBackup ./other.db -Name third | Out-Null
            $shown = Invoke-AtPrompt 'Restore-DbBackup' -Lines 9, x, 2 -Choices Yes
            $shown.Errors | Should -BeNullOrEmpty
            $shown.Text | Should -Match '(?m)^ +# +Name +Source +Age +Size +Tested +Revision'
            $shown.Text | Should -Match '(?m)^ +1 +third +other .*never'
            $shown.Text | Should -Match '(?m)^ +2 +before +pats .*never +041bd0560732'
            $shown.Text | Should -Match 'type a number from 1 to 2'
            $shown.Text | Should -Match "Restore 'pats/before'"
            $shown.Text | Should -Match 'replace the database'
            $shown.Text | Should -Match 'Restored.*pats\.db'
            $shown.Text | Should -Match 'go back'
            $shown.Questions | Should -Be 1
            Get-RowCount ./pats.db | Should -Be 50
        }

        It 'restores nothing on Enter, on No, and after an answer that never comes' {
            (Invoke-AtPrompt 'Restore-DbBackup' -Lines '').Errors | Should -BeNullOrEmpty
            (Invoke-AtPrompt 'Restore-DbBackup' -Lines 1 -Choices No).Errors | Should -BeNullOrEmpty
            (Invoke-AtPrompt 'Restore-DbBackup before' -Choices No).Questions | Should -Be 1
            Get-RowCount ./pats.db | Should -Be 10
        }

        It 'lists only the named source, and asks nothing under -Force or -WhatIf' {
            New-SampleDatabase ./other.db
            New-DbBackup ./other.db -Name third | Out-Null
            $shown = Invoke-AtPrompt 'Restore-DbBackup -Source pats -WhatIf' -Lines 1
            $shown.Text | Should -Not -Match 'third'
            $shown.Questions | Should -Be 0
            (Invoke-AtPrompt 'Restore-DbBackup before -Force').Questions | Should -Be 0
            Get-RowCount ./pats.db | Should -Be 50
        }

        It 'asks once for all with Yes to All, also when removing' {
            New-DbBackup ./pats.db -Name second -AllowCollapse | Out-Null
            New-DbBackup ./pats.db -Name third -AllowCollapse | Out-Null
            (Invoke-AtPrompt 'Get-DbBackup before, second | Remove-DbBackup' -Choices 'Yes to All').Questions | Should -Be 1
            (Get-DbBackup).Name | Should -Be third
        }

        It 'asks before other commands with -Confirm' {
            (Invoke-AtPrompt 'New-DbBackup ./pats.db -Name asked -Confirm' -Choices No).Questions | Should -Be 1
            (Get-DbBackup).Name | Should -Be before
            (Invoke-AtPrompt 'New-DbBackup ./pats.db -Name asked -Confirm' -Choices Yes).Questions | Should -Be 1
            (Get-DbBackup).Name | Should -Contain asked
        }
    }

    Context 'what it refuses' {
        It 'does not replace a database that another process holds, and names the process' {
            Require-Tool sqlite3
            $process = [Diagnostics.Process]::Start([Diagnostics.ProcessStartInfo]@{ FileName = 'sqlite3'; Arguments = "`"$folder/pats.db`""; RedirectStandardInput = $true; RedirectStandardOutput = $true })
            try {
                $process.StandardInput.WriteLine('select count(*) from applications;')
                $process.StandardInput.Flush()
                $process.StandardOutput.ReadLine() | Should -Be 10
                $record = Get-ErrorOf { $backup | Restore-DbBackup -Content Database -Confirm:$false }
                Should-BeFailure $record TargetInUse Restore ResourceBusy "*pats.db"
                "$record" | Should -Match "sqlite3 \(process $($process.Id)\)"
                $record.Exception.CanRetry | Should -BeTrue
                Get-RowCount ./pats.db | Should -Be 10
                # With -Force it goes through SQLite into the open file: the connection sees it.
                $backup | Restore-DbBackup -Content Database -Force
                $process.StandardInput.WriteLine('select count(*) from applications;')
                $process.StandardInput.Flush()
                $process.StandardOutput.ReadLine() | Should -Be 50
            }
            finally { $process.StandardInput.Close(); if (-not $process.WaitForExit(3000)) { $process.Kill() } }
        }

        It 'refuses a damaged backup and leaves what is there' {
            Edit-Payload $backup
            $before = Get-FileHash ./pats.db
            Should-BeFailure (Get-ErrorOf { $backup | Restore-DbBackup -Force }) BackupDamaged Restore InvalidData
            (Get-FileHash ./pats.db).Hash | Should -Be $before.Hash
            Get-Content ./uploads/2.txt | Should -Be two
            Get-ChildItem . -Force | Where-Object Name -Match 'part|restore|\.db-' | Should -BeNullOrEmpty
        }

        It 'refuses a manifest from a newer version' {
            $file = Join-Path $backup.Location backup.json
            Set-ItemProperty $file IsReadOnly $false
            (Get-Content $file -Raw) -replace '"formatVersion": *1', '"formatVersion": 99' | Set-Content $file
            Should-BeFailure (Get-ErrorOf { Restore-DbBackup before -Force }) ManifestTooNew Restore
        }

        It 'refuses names that fit none or several' {
            New-SampleDatabase ./other.db
            New-DbBackup ./other.db -Name before | Out-Null
            Should-BeFailure (Get-ErrorOf { Restore-DbBackup before -Force }) BackupAmbiguous Restore InvalidArgument
            Should-BeFailure (Get-ErrorOf { Restore-DbBackup -Latest -Force }) BackupAmbiguous Restore InvalidArgument
            Should-BeFailure (Get-ErrorOf { Restore-DbBackup none -Force }) BackupNotFound Restore ObjectNotFound
            Should-BeFailure (Get-ErrorOf { Restore-DbBackup -Source none -Latest -Force }) BackupNotFound Restore ObjectNotFound
            Should-BeFailure (Get-ErrorOf { Restore-DbBackup before -Source pats -Repository ./none -Force }) RepositoryNotFound Restore ObjectNotFound
            Should-BeFailure (Get-ErrorOf { Restore-DbBackup before -Source pats -Destination ./pats.db -Force }) TargetInvalid Restore InvalidArgument
            Should-BeFailure (Get-ErrorOf { Restore-DbBackup before -Source other -Content Files -Force }) InvalidArgument Restore InvalidArgument
        }

        It 'refuses an imported backup without a place, unless -Destination says where' {
            Import-DbBackup ./pats.db -Source imported -Name in -Created 1d | Out-Null
            $record = Get-ErrorOf { Restore-DbBackup in -Source imported -Confirm:$false }
            Should-BeFailure $record TargetInvalid Restore InvalidArgument
            $record.ErrorDetails.RecommendedAction | Should -Match '-Destination'
            Restore-DbBackup in -Source imported -Destination ./placed.db -Confirm:$false
            Get-RowCount ./placed.db | Should -Be 10
        }
    }
}
