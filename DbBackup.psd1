@{
    RootModule           = 'module/bin/DbBackup.PowerShell.dll'
    # Before the types: the type data name one of its types.
    RequiredAssemblies   = @('module/bin/DbBackup.dll')
    ModuleVersion        = '0.1.0'
    GUID                 = '5b0c2e0e-6f0e-4f63-9f0e-3c1d5f6f8b21'
    Author               = 'DbBackup contributors'
    CompanyName          = 'DbBackup contributors'
    Copyright            = '(c) DbBackup contributors. MIT licence.'
    Description          = 'Backs up, proves, restores and rotates the databases and files of self-hosted applications: backups that are never half, restores that never leave less than there was.'
    PowerShellVersion    = '7.6'
    CompatiblePSEditions = @('Core')
    FormatsToProcess     = @('module/DbBackup.Format.ps1xml')
    TypesToProcess       = @('module/DbBackup.Types.ps1xml')
    FunctionsToExport    = @()
    CmdletsToExport      = @(
        'New-DbBackup'
        'Get-DbBackup'
        'Test-DbBackup'
        'Test-DbBackupRepository'
        'Get-DbBackupSigner'
        'Approve-DbBackupSigner'
        'Remove-DbBackupSigner'
        'Compare-DbBackup'
        'Restore-DbBackup'
        'Undo-DbRestore'
        'Remove-DbBackup'
        'Copy-DbBackup'
        'Connect-DbBackupRepository'
        'Invoke-DbBackupRetention'
        'Lock-DbBackup'
        'Unlock-DbBackup'
        'Export-DbBackup'
        'Import-DbBackup'
        'New-DbBackupKey'
        'Set-DbBackupRecipient'
        'Register-DbBackupPlan'
        'Get-DbBackupPlan'
        'Set-DbBackupPlan'
        'Unregister-DbBackupPlan'
        'Invoke-DbBackupPlan'
        'Enable-DbBackupPlan'
        'Disable-DbBackupPlan'
        'Start-DbBackupService'
        'Get-DbBackupRun'
        'Get-DbSchemaRevision'
        'Get-DbBackupStatus'
        'Export-DbBackupReport'
        'Find-DbBackupSource'
        'Invoke-DbUpgrade'
        'Get-DbUpgrade'
        'Resume-DbUpgrade'
        'Undo-DbUpgrade'
        'Remove-DbUpgrade'
    )
    VariablesToExport    = @()
    AliasesToExport      = @()
    PrivateData          = @{
        PSData = @{
            Tags         = @('PSEdition_Core', 'Windows', 'Linux', 'MacOS', 'Backup', 'Restore', 'Database', 'SQLite', 'PostgreSQL')
            ReleaseNotes = 'See CHANGELOG.md.'
        }
    }
}
