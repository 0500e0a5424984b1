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
}
