using DbBackup.Engine.Docker.Restore;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Swap;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>Works out how databases that restores replaced get their names back. Those that have the names now are retained in turn.</summary>
internal static class RetainedDatabasePlanner
{
    /// <summary>Plans it.</summary>
    /// <param name="repository">The repository of the entries.</param>
    /// <param name="request">The restore.</param>
    /// <param name="entries">The entries; all of one server.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupException">The server does not answer, or a database is gone.</exception>
    public static async Task<RestorePart> PlanAsync(BackupRepository repository, RestoreRequest request, IReadOnlyList<Backup> entries, CancellationToken cancellationToken)
    {
        KeptDatabase first = entries[0].Manifest!.Kept!;
        PostgreSqlConnectionSettings server = await PostgreSqlTarget.ResolveAsync(request.Connection, first.Location, first.Username, cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, null, cancellationToken, [.. entries.Select(entry => entry.Manifest!.Kept!.Replaced)]).ConfigureAwait(false);
        await maintenance.RequireDirectAsync(cancellationToken).ConfigureAwait(false);
        var databases = new List<IIncomingDatabase>();
        var targets = new List<RestoreTarget>();
        var warnings = new List<string>();
        string? presentRevision = null;
        foreach (Backup entry in entries)
        {
            KeptDatabase kept = entry.Manifest!.Kept!;
            string name = await PostgreSqlTarget.RequireKeptAsync(maintenance, entry.Manifest!, cancellationToken).ConfigureAwait(false);
            (long ObjectId, long Size, bool MayRename)? present = await PostgreSqlTarget.FindAsync(maintenance, kept.Replaced, cancellationToken).ConfigureAwait(false);
            string? revision = present is null ? null : await LookAsync(server, maintenance, kept.Replaced, warnings, cancellationToken).ConfigureAwait(false);
            presentRevision ??= revision;
            databases.Add(new RetainedDatabase(repository, entry, revision));
            targets.Add(new RestoreTarget(PayloadOf(name, kept), server.LocationOf(kept.Replaced), RestoreAction.SwapBack, present?.Size ?? 0) { KeptAs = name });
        }

        ServerUsers? users = await ServerUsers.FindAsync(maintenance, [.. databases.Select(database => database.Name)], cancellationToken).ConfigureAwait(false);
        var part = new RestorePart([new ServerParticipant(repository, request, server, databases, 0)], targets)
        {
            Warnings = warnings,
            PresentRevision = presentRevision,
            Revision = entries.Count == 1 ? entries[0].SchemaRevision : null,
        };
        return await part.StoppingAsync(users, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<string?> LookAsync(
        PostgreSqlConnectionSettings server, PostgreSqlSession maintenance, string database, List<string> warnings, CancellationToken cancellationToken)
    {
        string? revision = null;
        try
        {
            using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, database, cancellationToken).ConfigureAwait(false);
            revision = await PostgreSqlCatalog.PresentRevisionAsync(session, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure) when (failure.Code is ErrorCodes.ServerFailed or ErrorCodes.PermissionDenied)
        {
            warnings.Add($"the present database cannot be read: {failure.Message}");
        }

        string sessions = await DatabaseSwap.DescribeSessionsAsync(maintenance, database, cancellationToken).ConfigureAwait(false);
        if (sessions.Length > 0)
            warnings.Add($"sessions in the present database are terminated: {sessions}");
        return revision;
    }

    private static Payload PayloadOf(string name, KeptDatabase kept) => new()
    {
        FileName = name,
        Kind = PayloadKind.Database,
        Format = PayloadFormat.PostgreSqlCustom,
        Compression = PayloadCompression.None,
        OriginalSize = kept.Size,
        StoredSize = kept.Size,
        OriginalSha256 = string.Empty,
        StoredSha256 = string.Empty,
        RestoreName = name,
    };
}
