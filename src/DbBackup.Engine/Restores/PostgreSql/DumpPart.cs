using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Engines.PostgreSql.Verify;
using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>What of a dump is restored, all or some tables and schemas, and how the result is compared.</summary>
internal sealed class DumpPart(RestoreRequest request, Payload payload, BackupContent content)
{
    private const int MostJobs = 8;

    public DatabaseLoadOptions LoadOptions => new() { Jobs = request.Jobs ?? Math.Clamp(Environment.ProcessorCount, 1, MostJobs), WithoutOwners = request.NoOwner, KeepsGoing = request.AllowMismatch };

    /// <summary>Unpacks the dump.</summary>
    public Task<StagedDump> PrepareAsync(PostgreSqlSession maintenance, RestoreStage stage, CancellationToken cancellationToken)
    {
        var progress = new PayloadProgress(stage.Observer, stage.Activity, $"unpacking {payload.FileName}", payload.OriginalSize);
        return StagedDump.PrepareAsync(content, payload, maintenance.Server.Route, maintenance.ServerMajor, stage.ScratchFolder!, progress, cancellationToken);
    }

    /// <summary>Picks what is restored; null for everything.</summary>
    /// <param name="dump">The dump.</param>
    /// <param name="toExisting">True if it goes into a database that has the rest.</param>
    /// <exception cref="BackupException">The dump is SQL text, of which no part can be picked.</exception>
    public ArchiveSelection? Select(StagedDump dump, bool toExisting)
    {
        if (request.Tables.Count + request.Schemas.Count == 0)
            return null;
        if (dump.Listing is null)
        {
            throw new BackupFailure(
                ErrorCodes.FormatNotSupported,
                FailureCategory.NotSupported,
                $"'{dump.Payload.FileName}' is SQL text, of which no part can be restored alone.",
                "Restore all of it under another name (-Database), and copy what you need from there.")
            { Target = dump.Payload.FileName };
        }

        ArchiveSelection selection = ArchiveSelection.ForTables(dump.Listing, request.Schemas, request.Tables, keepForeignKeys: toExisting);
        if (toExisting)
            return selection;
        // An empty database has nothing that the tables rely on.
        HashSet<int> ids = [.. selection.Entries.Concat(selection.Needs).Select(entry => entry.DumpId)];
        return selection with { Entries = [.. dump.Listing.Entries.Where(entry => ids.Contains(entry.DumpId))] };
    }

    /// <summary>Compares what was loaded with the fingerprint.</summary>
    public async Task<IReadOnlyList<string>> DifferencesAsync(PostgreSqlSession session, Fingerprint expected, ArchiveSelection? part, IReadOnlyCollection<string> withoutExtensions, CancellationToken cancellationToken)
    {
        if (part is not null)
        {
            HashSet<string> chosen = [.. part.Tables.Select(QualifiedName)];
            expected = expected with
            {
                Tables = [.. expected.Tables.Where(table => chosen.Contains(QuotedName.Always(table.Name)))],
                Objects = new Dictionary<string, long>(),
                Settings = new Dictionary<string, string>(),
                Sequences = [],
            };
        }

        Fingerprint actual = await RestoredFingerprint.TakeAsync(session, expected, payload, otherLocale: false, cancellationToken, withoutExtensions, LoadOptions.Jobs).ConfigureAwait(false);
        if (part is not null)
            actual = actual with { SchemaSha256 = expected.SchemaSha256, Tables = [.. actual.Tables.Where(table => expected.Tables.Any(chosen => chosen.Name == table.Name))] };
        return expected.DifferencesFrom(actual);
    }

    /// <summary>Fails if objects of the dump need extensions that are left out.</summary>
    /// <param name="dump">The dump.</param>
    /// <param name="extensions">The extensions.</param>
    /// <param name="hint">The way that works.</param>
    public static void RequireNoneNeeds(StagedDump dump, IReadOnlyCollection<string> extensions, string hint)
    {
        if (extensions.Count == 0 || dump.Listing is null || SingleDatabaseExtensions.EntriesOf(dump.Listing, extensions).Dependents is not { Count: > 0 } dependents)
            return;
        throw new BackupFailure(
            ErrorCodes.TargetLacksObjects,
            FailureCategory.NotFound,
            $"'{dump.Payload.Database?.Name}' cannot be restored without the extension {string.Join(", ", extensions)}, which these objects need: {SingleDatabaseExtensions.Describe(dependents)}. Nothing was changed.",
            hint)
        { Target = dump.Payload.FileName };
    }

    /// <summary>The name of a dumped table as SQL has it.</summary>
    public static string QualifiedName(ArchiveEntry entry) => $"{QuotedName.Quote(entry.Schema)}.{QuotedName.Quote(entry.Name)}";

    /// <summary>Has the server count what its planner needs to know; without it, the first queries would be slow.</summary>
    public static async Task AnalyzeAsync(PostgreSqlConnectionSettings server, string name, RestoreStage stage)
    {
        try
        {
            stage.Report($"analyzing {name}");
            using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(server, name, CancellationToken.None).ConfigureAwait(false);
            await session.ExecuteAsync("ANALYZE", "analyzing", CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException failure)
        {
            stage.Observer.Warning($"'{name}' is restored, but ANALYZE failed: {failure.Message} Run it by hand; queries may be slow until then.");
        }
    }
}
