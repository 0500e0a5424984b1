namespace DbBackup.Engine.Migrations;

/// <summary>A program that migrates schemas, beside the code whose migrations it knows.</summary>
internal interface IMigrationTool
{
    /// <summary>The history that the code knows. No database is asked, and none is changed.</summary>
    /// <exception cref="BackupException">The program or the code's migrations cannot be read, with the program's own words.</exception>
    Task<MigrationHistory> HistoryAsync(CancellationToken cancellationToken);
}
