namespace DbBackup.Engine.Repository.Stores;

/// <summary>The place of a backup in a repository.</summary>
/// <param name="Source">The source's name.</param>
/// <param name="Name">The backup's name.</param>
public sealed record BackupKey(string Source, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Source}/{Name}";
}
