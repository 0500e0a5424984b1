using System.Globalization;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>Reads dumps that somebody made to their end, and says what they hold. What is cut off or damaged is refused.</summary>
/// <param name="origin">The file or folder as the person named it, for messages.</param>
/// <param name="defaultName">Gives the database's name where the dump does not state it.</param>
internal sealed class ExistingDump(string origin, Func<string> defaultName)
{
    /// <summary>Reads an archive of pg_dump.</summary>
    /// <param name="path">The archive, decompressed; a folder for the directory format.</param>
    /// <param name="format">Its form.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupException">It is damaged, or cannot be restored for itself.</exception>
    public async Task<IReadOnlyList<IBackupSource>> ReadArchiveAsync(string path, string format, CancellationToken cancellationToken)
    {
        FileStamp stamp = FileStamp.Of(path);
        if (format == PayloadFormat.PostgreSqlDirectory)
            DumpFolder.RequireFiles(path);
        PostgreSqlClient client = await PostgreSqlClients.ForArchiveAsync(null, null, null, cancellationToken).ConfigureAwait(false);
        if (format == PayloadFormat.PostgreSqlTar)
            await RequireWholeTarAsync(path, cancellationToken).ConfigureAwait(false);
        ArchiveListing listing;
        DumpallScript? script = null;
        try
        {
            listing = ArchiveListing.Parse(await DumpContents.ListAsync(client, path, withDependencies: true, cancellationToken).ConfigureAwait(false));
            await DatabaseLoad.ToTextAsync(
                client, path, text => Task.Run(() => script = DumpallScript.Scan(text, cancellationToken), cancellationToken), cancellationToken, withDatabase: true).ConfigureAwait(false);
        }
        catch (ToolFailedException failure)
        {
            throw Unreadable(client, failure);
        }

        if (script is not { IsWhole: true, Databases: [var database] })
            throw CutOff("pg_restore does not come to the end of it");
        // pg_restore makes a text of it for a restore in one transaction.
        if ((script.UnsafeAt ?? script.CommandAt) is { } command)
            throw PsqlInput.Unsafe(origin, command);
        stamp.RequireUnchanged();
        string name = listing.Database ?? defaultName();
        DatabaseInfo info = Describe(database, name) with
        {
            ServerVersion = listing.ServerVersion,
            ClientVersion = listing.ClientVersion,
            OldestServerMajor = Major(listing.ServerVersion) is { } server ? PostgreSqlClients.OldestServer(Major(listing.ClientVersion) ?? 0, server) : null,
            IsPartial = listing.WithoutBasis("FK CONSTRAINT").Count > 0,
        };
        RequireTables([database]);
        string stem = PostgreSqlSource.FileStem(name);
        bool folder = format == PayloadFormat.PostgreSqlDirectory;
        var payload = new CapturedPayload
        {
            FileName = stem + (format == PayloadFormat.PostgreSqlCustom ? ".dump" : ".tar"),
            Kind = PayloadKind.Database,
            Format = format,
            Scope = info.IsPartial ? BackupScope.Partial : BackupScope.Whole,
            RestoreName = folder ? stem : stem + (format == PayloadFormat.PostgreSqlCustom ? ".dump" : ".tar"),
            OpenRead = () => Open(path),
            WriteTo = !folder ? null : async (target, progress, token) =>
            {
                ArchiveSummary summary = await new FolderArchiver().WriteAsync(path, target, progress, token).ConfigureAwait(false);
                return new StreamSummary(summary.Entries, summary.Warnings);
            },
        };
        return [new DumpFileSource(origin, name, stamp.Bytes, payload, Facts(database, info), stamp)];
    }

    /// <summary>Reads a script of pg_dump or pg_dumpall.</summary>
    /// <param name="path">The script, decompressed.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>Of a cluster first its roles and tablespaces, then its databases.</returns>
    /// <exception cref="BackupException">It is cut off, or cannot be restored for itself.</exception>
    public async Task<IReadOnlyList<IBackupSource>> ReadScriptAsync(string path, CancellationToken cancellationToken)
    {
        FileStamp stamp = FileStamp.Of(path);
        DumpallScript script = await Task.Run(
            () =>
            {
                using FileStream text = Open(path);
                return DumpallScript.Scan(text, cancellationToken);
            },
            cancellationToken).ConfigureAwait(false);
        if (!script.IsWhole || (script.IsCluster && !script.IsComplete))
            throw CutOff($"it does not end in \"PostgreSQL database {(script.IsCluster ? "cluster " : string.Empty)}dump complete\"");
        if (script.UnsafeAt is { } command)
            throw PsqlInput.Unsafe(origin, command);
        stamp.RequireUnchanged();
        if (!script.IsCluster)
        {
            if (script.Databases is not [var only])
                throw Unfit($"'{origin}' holds {script.Databases.Count} dumps one after the other.", "Cut it into files with one dump each, and import them one by one.");
            RequireTables([only]);
            return [Script(path, stamp, only, only.Name.Length > 0 ? only.Name : defaultName(), LeftOut(script, only, stamp.Bytes))];
        }

        // The templates are every server's own.
        List<DumpallDatabase> databases = [.. script.Databases.Where(database => database.Name is not ("template0" or "template1"))];
        if (databases.Count == 0)
            throw Unfit($"'{origin}' holds roles and no database.", "Keep it as it is, and run it with psql where its roles are needed; make a new one without --globals-only for a backup.");
        RequireTables(databases);
        string[] notes =
        [
            .. script.Databases.Except(databases).Where(database => database.Report.CreatedTables.Count > 0)
                .Select(database => $"Tables of {database.Name} were left out: it is a template and no application's database."),
        ];
        return [Globals(path, stamp, script), .. databases.Select((database, index) => Script(path, stamp, database, database.Name, index == 0 ? notes : []))];
    }

    private static FileStream Open(string path) => RegularFile.Open(path, inSequence: true);

    // 15.18, 19devel, 18beta1.
    private static int? Major(string? version) =>
        int.TryParse(string.Concat((version ?? string.Empty).TakeWhile(char.IsAsciiDigit)), NumberStyles.None, CultureInfo.InvariantCulture, out int major) ? major : null;

    private static string[] LeftOut(DumpallScript script, DumpallDatabase database, long length)
    {
        var notes = new List<string>();
        if (script.CommandAt is { } command)
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"Commands to psql were left out, the first at byte {command}: no dump of pg_dump has them."));
        long kept = database.Ranges.Sum(range => range.Length);
        if (database.IsCreated)
            notes.Add("The statements with which the script creates its database and connects to it were left out: a restore does that itself, under any name.");
        else if (length - kept > 16)
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"{length - kept} bytes of the file that are not pg_dump's were left out ({script.Globals.Sum(range => range.Length)} of them before its first line)."));
        return [.. notes];
    }

    private static DatabaseInfo Describe(DumpallDatabase database, string name)
    {
        PlainDumpReport report = database.Report;
        int? server = Major(report.ServerVersion);
        var info = new DatabaseInfo
        {
            Name = name,
            Owner = database.Owner,
            Encoding = database.Encoding ?? report.Encoding,
            Collation = database.Collate,
            CharacterType = database.Ctype,
            LocaleProvider = database.LocaleProvider?.ToLowerInvariant(),
            ProviderLocale = database.Options.GetValueOrDefault("ICU_LOCALE") ?? database.Options.GetValueOrDefault("BUILTIN_LOCALE"),
            Roles = report.Roles,
            Extensions = [.. report.Extensions.Select(extension => new DatabaseExtension(extension, string.Empty))],
            ServerVersion = report.ServerVersion,
            ClientVersion = report.ClientVersion,
            OldestServerMajor = server is null ? null : Math.Max(server.Value, report.SetsTransactionTimeout ? PostgreSqlClients.FirstWithTransactionTimeout : 0),
        };
        return DumpedProperties.Apply(info, database);
    }

    private static CaptureFacts Facts(DumpallDatabase database, DatabaseInfo info, params string[] notes)
    {
        Fingerprint? fingerprint = FingerprintOf(database);
        return new CaptureFacts(fingerprint, database.Report.SchemaRevision)
        {
            Database = info,
            Notes = fingerprint is null
                ? [.. notes, $"The rows of {info.Name} are not counted table by table ({(database.Report.UsesInserts ? "they are INSERT statements" : "they are loaded through partitioned tables")}), so a restore test can only tell that a restore runs through."]
                : notes,
        };
    }

    // Every table that a restore makes is among them, also those without rows; tables of extensions come with these.
    private static Fingerprint? FingerprintOf(DumpallDatabase database)
    {
        PlainDumpReport report = database.Report;
        if (report.UsesInserts || report.Tables.Any(table => report.PartitionedTables.Contains(table.Name)))
            return null;
        Dictionary<string, DumpedTable> rows = report.Tables.ToDictionary(table => table.Name, StringComparer.Ordinal);
        // The rows of a dump in another encoding than its database's are other bytes than a restored database gives.
        bool content = Major(report.ServerVersion) is >= PostgreSqlCapture.OldestServerOfContent && (database.Encoding is null || report.Encoding is null || database.Encoding == report.Encoding);
        string? none = content ? new CopyRows().Result().Hash : null;
        return new Fingerprint
        {
            Level = content ? FingerprintLevel.Content : FingerprintLevel.Rows,
            SchemaSha256 = string.Empty,
            Tables =
            [
                .. report.CreatedTables.Distinct().Order(StringComparer.Ordinal).Select(table => !rows.TryGetValue(table, out DumpedTable? dumped)
                    ? new TableFingerprint(table, 0) { ContentHash = none }
                    : new TableFingerprint(table, dumped.Rows) { ContentHash = content ? dumped.Hash : null, Columns = content ? dumped.Columns : null }),
            ],
        };
    }

    // Of a tar that is cut off, pg_restore 15 reads what is there and exits with 0, or never ends.
    private async Task RequireWholeTarAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            using FileStream tar = Open(path);
            await TarInspector.ReadToEndAsync(tar, requireEndMark: true, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupFailure failure)
        {
            throw CutOff(failure.Message.TrimEnd('.'), failure);
        }
    }

    private DumpFileSource Script(string path, FileStamp stamp, DumpallDatabase database, string name, string[] notes)
    {
        string file = PostgreSqlSource.FileStem(name) + ".sql";
        long size = database.Ranges.Sum(range => range.Length);
        var payload = new CapturedPayload
        {
            FileName = file,
            Kind = PayloadKind.Database,
            Format = PayloadFormat.PostgreSqlPlain,
            RestoreName = file,
            Length = size,
            OpenRead = () => new RangeStream(Open(path), database.Ranges),
        };
        return new DumpFileSource(origin, name, size, payload, Facts(database, Describe(database, name), notes), stamp);
    }

    private DumpFileSource Globals(string path, FileStamp stamp, DumpallScript script)
    {
        long size = script.Globals.Sum(range => range.Length);
        var payload = new CapturedPayload
        {
            FileName = "globals.sql",
            Kind = PayloadKind.Globals,
            Format = PayloadFormat.PostgreSqlPlain,
            RestoreName = "globals.sql",
            Length = size,
            OpenRead = () => new RangeStream(Open(path), script.Globals),
        };
        return new DumpFileSource(origin, defaultName(), size, payload, null, stamp);
    }

    private void RequireTables(IReadOnlyList<DumpallDatabase> databases)
    {
        foreach (PlainDumpReport report in databases.Select(database => database.Report))
        {
            if (report.CreatedTables.Count + report.PartitionedTables.Count + report.Extensions.Count == 0 && (report.Tables.Count > 0 || report.UsesInserts))
                throw Unfit($"'{origin}' holds rows, but not the tables for them (pg_dump --data-only), so no database can be made of it.", "Make a dump without --data-only.");
        }

        if (databases.Any(database => database.Report.CreatedTables.Count + database.Report.PartitionedTables.Count > 0))
            return;
        throw new BackupFailure(
            ErrorCodes.SourceEmpty,
            FailureCategory.InvalidData,
            $"'{origin}' holds no table.",
            "Check that it is the dump of the right database, made by a role that can see its tables.")
        { Target = origin };
    }

    private BackupFailure Unreadable(PostgreSqlClient client, ToolFailedException failure)
    {
        if (failure.LastLines.Contains("unsupported version", StringComparison.Ordinal))
        {
            return new BackupFailure(
                ErrorCodes.ClientTooOld,
                FailureCategory.MissingTool,
                $"'{origin}' was written by a newer pg_dump than the newest pg_restore here ({client.Version}, in '{client.Folder}') can read: {DumpFailures.FirstError(failure.LastLines)}",
                "Install the client of that version of PostgreSQL, or a newer one.",
                failure)
            { Target = origin };
        }

        return CutOff($"pg_restore says {DumpFailures.FirstError(failure.LastLines)}".TrimEnd('.'), failure);
    }

    private BackupFailure CutOff(string reason, Exception? inner = null) => new(
        ErrorCodes.DumpIncomplete,
        FailureCategory.InvalidData,
        $"'{origin}' is not whole: {reason}. Nothing was imported.",
        "It was cut off or damaged, or re-encoded on its way (a pipeline of PowerShell does that to an archive); use another dump.",
        inner)
    { Target = origin };

    private BackupFailure Unfit(string message, string hint) => new(ErrorCodes.ImportNotRecognized, FailureCategory.NotSupported, message, hint) { Target = origin };
}
