namespace DbBackup.Engine.Repository;

/// <summary>Keeps a backup from being removed until it is disposed.</summary>
internal sealed class BackupProtection(IDisposable claim) : IAsyncDisposable
{
    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        claim.Dispose();
        return ValueTask.CompletedTask;
    }
}
