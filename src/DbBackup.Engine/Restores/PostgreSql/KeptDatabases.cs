using DbBackup.Engine.Backups.Instructions;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Retention;

namespace DbBackup.Engine.Restores.PostgreSql;

/// <summary>
/// The entries by which a repository remembers databases that restores have kept on their servers. An entry is written before the
/// database is renamed, so that none is ever kept unknown.
/// </summary>
internal static class KeptDatabases
{
    /// <summary>Writes the entry.</summary>
    public static async Task<Backup> PublishAsync(
        BackupRepository repository, string source, KeptDatabase kept, string? schemaRevision, string serverVersion, DateTimeOffset now, CancellationToken cancellationToken)
    {
        IReadOnlyList<Backup> present = await repository.ListAsync(source, cancellationToken).ConfigureAwait(false);
        string name = BackupName.Automatic(now, BackupReason.Safety);
        for (int number = 2; present.Any(backup => backup.Name == name); number++)
            name = $"{BackupName.Automatic(now, BackupReason.Safety)}-{number}";
        var manifest = new Manifest
        {
            Id = Guid.NewGuid(),
            Name = name,
            Reason = BackupReason.Safety,
            Created = now.ToUniversalTime(),
            Completed = now.ToUniversalTime(),
            Source = new SourceInfo { Name = source, Engine = PostgreSqlSource.EngineName, EngineVersion = serverVersion, Location = kept.Location },
            Payloads = [],
            Host = Environment.MachineName,
            ModuleVersion = typeof(KeptDatabases).Assembly.GetName().Version?.ToString(3),
            Kept = kept with { SchemaRevision = schemaRevision },
            Notes = [$"The database '{kept.Replaced}' as it was before '{kept.ReplacedBy}' was restored. It lies on its server, not in this repository."],
        };
        KnownServers.OfUser.Remember([kept.Location]);
        await repository.PrepareAsync(allowNew: false, cancellationToken).ConfigureAwait(false);
        (byte[] instructions, manifest) = RestoreInstructions.WriteFor(manifest);
        await repository.Store.PutAsync(RepositoryKeys.FolderOfKept(manifest.Id) + RestoreInstructions.FileName, instructions, cancellationToken).ConfigureAwait(false);
        await repository.Store.PutAsync(RepositoryKeys.EntryOf(manifest.Id), await repository.WriteManifestAsync(manifest, null, SilentObserver.Instance, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        return (await repository.ListAsync(source, cancellationToken).ConfigureAwait(false)).First(backup => backup.Id == manifest.Id);
    }

    /// <summary>
    /// Takes back the entries of killed runs: those whose database still has, or has again, the name under which it would have been
    /// replaced. To be called under that name's <see cref="TargetLock"/>: a run that is alive is between the entry and the rename.
    /// </summary>
    public static async Task WithdrawUnusedAsync(
        BackupRepository repository, string source, PostgreSqlSession maintenance, string database, IOperationObserver observer, CancellationToken cancellationToken)
    {
        if (await PostgreSqlTarget.FindAsync(maintenance, database, cancellationToken).ConfigureAwait(false) is not { } present)
            return;
        string? server = await PostgreSqlTarget.ServerIdentifierAsync(maintenance, cancellationToken).ConfigureAwait(false);
        foreach (Backup entry in await repository.ListAsync(source, cancellationToken).ConfigureAwait(false))
        {
            if (entry.Manifest?.Kept is not { } kept || kept.Replaced != database || kept.ObjectId != present.ObjectId || !IsOn(maintenance.Server, kept))
                continue;
            // Another server has come to the same place, and counts its oids from the beginning.
            if (kept.ServerIdentifier is not null && server is not null && kept.ServerIdentifier != server)
                continue;
            await WithdrawAsync(repository, entry).ConfigureAwait(false);
            observer.Warning($"Took back the entry '{entry}', which a killed run had left: its database is '{database}' itself.");
        }
    }

    /// <summary>Takes an entry back whose database was not renamed after all, or has its old name again.</summary>
    public static Task WithdrawAsync(BackupRepository repository, Backup entry) => new BackupRemoval(repository).WithdrawKeptAsync(entry);

    private static bool IsOn(PostgreSqlConnectionSettings server, KeptDatabase kept) =>
        PostgreSqlConnectionSettings.DatabaseOf(kept.Location) is { } name && server.LocationOf(name) == kept.Location;
}
