namespace DbBackup.Engine.Engines;

/// <summary>Tells at which revision of their schemas databases are, live ones and those in backups.</summary>
public static class SchemaRevisions
{
    /// <summary>Reads the revision of a database file that may be in use.</summary>
    /// <exception cref="BackupException">The file is missing, no database that an engine knows, or locked for longer than the time given.</exception>
    public static SchemaRevision OfFile(string path, TimeSpan lockTimeout, CancellationToken cancellationToken)
    {
        IFileEngine engine = DatabaseEngines.OfFile(path);
        return new SchemaRevision { Target = path, Engine = engine.Name, Revision = engine.ReadSchemaRevision(path, lockTimeout, cancellationToken) };
    }

    /// <summary>The revisions of the databases in a backup, from its manifest.</summary>
    public static IReadOnlyList<SchemaRevision> OfBackup(Backup backup, Manifest manifest)
    {
        ArgumentNullException.ThrowIfNull(backup);
        ArgumentNullException.ThrowIfNull(manifest);
        if (manifest.Kept is { } kept)
            return [new SchemaRevision { Target = backup.ToString(), Engine = manifest.Source.Engine, Database = kept.Replaced, Revision = kept.SchemaRevision }];
        return
        [
            .. manifest.Payloads.Where(payload => payload.Kind == PayloadKind.Database).Select(payload => new SchemaRevision
            {
                Target = backup.ToString(),
                Engine = manifest.Source.Engine,
                Database = payload.Database?.Name ?? payload.RestoreName,
                Revision = payload.SchemaRevision,
            }),
        ];
    }
}
