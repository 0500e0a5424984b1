using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>Imports dumps of PostgreSQL: each is read to its end before anything of it is stored.</summary>
internal static class PostgreSqlImport
{
    // SQL text shrinks to between a fifth and a tenth.
    private const int GuessedRatio = 8;

    /// <summary>Recognizes a dump; null for everything else.</summary>
    public static ForeignDump? Recognize(ForeignFile file) => DumpKinds.Of(file) is { } kind
        ? new ForeignDump(DescriptionOf(kind), (import, token) => ReadAsync(file, kind, import, token))
        {
            ReadCreated = () => DumpOrigin.Of(file, kind).Created,
            ReadSource = import => DumpOrigin.Of(file, kind).Database ?? import.NameOf(import.Origin),
        }
        : null;

    private static string DescriptionOf(DumpKind kind) => kind switch
    {
        DumpKind.Custom => "an archive of pg_dump in the custom format",
        DumpKind.Tar => "an archive of pg_dump in the tar format",
        DumpKind.Directory => "an archive of pg_dump in the directory format",
        DumpKind.Plain => "a SQL script of pg_dump",
        _ => "a SQL script of pg_dumpall",
    };

    private static async Task<ForeignContent> ReadAsync(ForeignFile file, DumpKind kind, ForeignImport import, CancellationToken cancellationToken)
    {
        string path = file.Path;
        if (file.Compression != PayloadCompression.None)
        {
            long size = new FileInfo(path).Length * (kind == DumpKind.Custom ? 1 : GuessedRatio);
            path = Path.Combine(await import.OpenScratchAsync(size, cancellationToken).ConfigureAwait(false), "imported");
            await file.DecompressAsync(path, cancellationToken).ConfigureAwait(false);
        }

        var dump = new ExistingDump(import.Origin, () => import.NameOf(import.Origin));
        IReadOnlyList<IBackupSource> sources = kind switch
        {
            DumpKind.Custom => await dump.ReadArchiveAsync(path, PayloadFormat.PostgreSqlCustom, cancellationToken).ConfigureAwait(false),
            DumpKind.Tar => await dump.ReadArchiveAsync(path, PayloadFormat.PostgreSqlTar, cancellationToken).ConfigureAwait(false),
            DumpKind.Directory => await dump.ReadArchiveAsync(path, PayloadFormat.PostgreSqlDirectory, cancellationToken).ConfigureAwait(false),
            _ => await dump.ReadScriptAsync(path, cancellationToken).ConfigureAwait(false),
        };
        return new ForeignContent(sources)
        {
            // A restore test needs a server; the dump itself was read to its end already.
            ProofLevel = import.HasTestServer || PostgreSqlTarget.EnvironmentNamesServer
                ? BackupTestLevel.Restore
                : BackupTestLevel.Structure,
        };
    }
}
