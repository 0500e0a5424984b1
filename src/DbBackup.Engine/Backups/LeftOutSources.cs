using DbBackup.Engine.Engines;

namespace DbBackup.Engine.Backups;

/// <summary>
/// The databases of a server that could not be backed up: one bad database must not cost the others. The first source, with the server's
/// roles, is never left out, nor is anything for the sake of a failing repository.
/// </summary>
/// <param name="request">The backup.</param>
internal sealed class LeftOutSources(BackupRequest request)
{
    private readonly List<(IBackupSource Source, BackupException Failure)> _failed = [];

    /// <summary>The sources without those that failed.</summary>
    public IReadOnlyList<IBackupSource> Remaining => [.. request.Sources.Where(source => !_failed.Exists(each => each.Source == source))];

    /// <summary>What the backup says of them.</summary>
    public IEnumerable<string> Notes => _failed.Select(each => $"'{each.Source.DefaultName}' is not in this backup: {each.Failure.Message}");

    /// <summary>Does something with a source, and leaves it out if that fails and may.</summary>
    /// <returns>The result; null if the source is left out.</returns>
    public async Task<T?> TryAsync<T>(IBackupSource source, Func<Task<T>> work)
        where T : class
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (BackupException failure) when (MayBeLeftOut(source, failure))
        {
            _failed.Add((source, failure));
            request.LeaveOut!(failure);
            return null;
        }
    }

    /// <summary>Fails where no database is left.</summary>
    /// <exception cref="BackupException">The first failure.</exception>
    public void RequireAny()
    {
        if (_failed.Count > 0 && !Remaining.Skip(1).Any(source => !source.IsPath))
            throw _failed[0].Failure;
    }

    private bool MayBeLeftOut(IBackupSource source, BackupException failure) =>
        request.LeaveOut is not null && !source.IsPath && source != request.Sources[0]
        && failure.Code is not (ErrorCodes.NotEnoughSpace or ErrorCodes.WriteFailed or ErrorCodes.ConnectionPooled);
}
