using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Swap;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Restores;

/// <summary>Puts a database in the place of another, and keeps that one with an entry in the repository.</summary>
/// <param name="repository">Where the entry goes.</param>
/// <param name="maintenance">A session in the server's maintenance database.</param>
/// <param name="source">The source's name.</param>
/// <param name="replacedBy">The backup that takes its place.</param>
internal sealed class KeepingSwap(BackupRepository repository, PostgreSqlSession maintenance, string source, string replacedBy)
{
    /// <summary>Swaps.</summary>
    /// <param name="name">The name that applications use.</param>
    /// <param name="next">The database that gets it.</param>
    /// <param name="presentRevision">The schema revision of the present one, for the entry.</param>
    /// <param name="drop">Whether the present one is dropped afterwards instead of kept.</param>
    /// <param name="cancellationToken">Stops the work before it is committed.</param>
    public async Task<(Backup? Safety, TimeSpan Interruption)> RunAsync(string name, string next, string? presentRevision, bool drop, CancellationToken cancellationToken)
    {
        if (await PostgreSqlTarget.FindAsync(maintenance, name, cancellationToken).ConfigureAwait(false) is not { } present)
            return (null, await DatabaseSwap.RunAsync(maintenance, name, next, null, cancellationToken).ConfigureAwait(false));

        DateTimeOffset now = DateTimeOffset.UtcNow;
        string kept = KeptName.For(name, now);
        for (int number = 2; await PostgreSqlTarget.FindAsync(maintenance, kept, cancellationToken).ConfigureAwait(false) is not null; number++)
            kept = KeptName.For(name, now, number);
        var entry = new KeptDatabase(maintenance.Server.LocationOf(kept), present.ObjectId, name, maintenance.Server.Username, present.Size, replacedBy,
            await PostgreSqlTarget.ServerIdentifierAsync(maintenance, cancellationToken).ConfigureAwait(false));
        Backup? safety = drop ? null : await KeptDatabases.PublishAsync(repository, source, entry, presentRevision, maintenance.ServerVersion, now, cancellationToken).ConfigureAwait(false);
        TimeSpan interruption;
        try
        {
            interruption = await DatabaseSwap.RunAsync(maintenance, name, next, kept, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            if (safety is not null)
                await KeptDatabases.WithdrawAsync(repository, safety).ConfigureAwait(false);
            throw;
        }

        if (drop)
            await WorkDatabase.DropAsync(maintenance, kept, CancellationToken.None).ConfigureAwait(false);
        return (safety, interruption);
    }
}
