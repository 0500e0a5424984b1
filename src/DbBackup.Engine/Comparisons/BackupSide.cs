using System.Globalization;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Comparisons;

/// <summary>Makes a side of a backup: what its manifest says, and its payloads where that is not enough.</summary>
internal static class BackupSide
{
    /// <summary>Makes it.</summary>
    /// <param name="repository">The repository of the backup.</param>
    /// <param name="backup">The backup.</param>
    /// <param name="content">Only what is of this kind; null for everything.</param>
    /// <param name="openScratch">Makes room for an unpacked copy.</param>
    /// <exception cref="BackupException">The manifest cannot be used, or the backup holds nothing of that kind.</exception>
    public static ComparedSide Of(BackupRepository repository, Backup backup, ContentKind? content, Func<long, Task<string>> openScratch)
    {
        Manifest manifest = BackupRepository.RequireManifest(backup);
        if (manifest.Kept is { } kept)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.NotSupported,
                $"'{backup}' is the database '{kept.Location}', which a restore has kept on its server. It has no payload to compare.",
                "Compare with a backup of the repository: Get-DbBackup lists them; KeptOnServer is empty for those.")
            { Target = backup.ToString() };
        }

        List<Payload> payloads = BackupSelection.Payloads(backup, content);
        var key = new BackupKey(backup.Source, backup.Name);
        var opened = repository.ContentOf(key, manifest);
        Payload? globals = payloads.Find(payload => payload.Kind == PayloadKind.Globals);
        return new ComparedSide(
            backup.ToString(),
            [.. payloads.Where(payload => payload.Kind == PayloadKind.Database).Select(payload => Database(opened, payload, openScratch))],
            [.. payloads.Where(payload => payload.Kind == PayloadKind.Files).Select(payload => Files(opened, payload))],
            globals is null ? null : new ComparedGlobals(token => DatabaseEngines.Of(globals).ReadDefinitionsAsync(opened, globals, openScratch, token)));
    }

    /// <summary>The name by which people know a payload's database.</summary>
    public static string NameOf(Payload payload) => payload.Database?.Name ?? payload.Within ?? payload.RestoreName;

    private static ComparedDatabase Database(BackupContent content, Payload payload, Func<long, Task<string>> openScratch)
    {
        IDatabaseEngine engine = DatabaseEngines.Of(payload);
        return new ComparedDatabase(engine, NameOf(payload), payload.OriginalPath)
        {
            IsPartial = payload.Scope != BackupScope.Whole,
            Summary = DatabaseChanges.Summary(payload.Fingerprint) ?? ByteSize.Format(payload.OriginalSize),
            TakeFacts = (_, _, _) => Task.FromResult<CaptureFacts?>(new CaptureFacts(payload.Fingerprint, payload.SchemaRevision)),
            ReadDefinitions = token => engine.ReadDefinitionsAsync(content, payload, openScratch, token),
        };
    }

    private static ComparedFiles Files(BackupContent content, Payload payload) => new(payload.RestoreName, payload.OriginalPath)
    {
        Sha256 = payload.OriginalSha256,
        Summary = payload.EntryCount is { } entries ? string.Create(CultureInfo.InvariantCulture, $"{entries} entries, {ByteSize.Format(payload.OriginalSize)}") : ByteSize.Format(payload.OriginalSize),
        Read = async (read, token) =>
        {
            using PayloadReader tar = content.OpenOriginal(payload, token);
            await read(tar).ConfigureAwait(false);
            // The end proves that it was whole.
            await tar.CopyToAsync(Stream.Null, token).ConfigureAwait(false);
        },
    };
}
