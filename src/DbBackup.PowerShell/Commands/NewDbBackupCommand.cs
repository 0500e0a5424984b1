using System.Management.Automation;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Makes a backup of SQLite or PostgreSQL databases and the files beside them.</summary>
[Cmdlet(VerbsCommon.New, "DbBackup", SupportsShouldProcess = true, DefaultParameterSetName = PathSet)]
[OutputType(typeof(Backup))]
public sealed partial class NewDbBackupCommand : BackupCreationCommandBase
{
    internal const string PostgreSqlSet = "PostgreSql";
    private static readonly string[] s_sqliteFormats = ["Native", "Sql"];
    private int _count;

    /// <summary>The server, and who connects.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [ValidateNotNullOrEmpty]
    public string? ConnectionString { get; set; }

    /// <summary>The server.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [ValidateNotNullOrEmpty]
    [Alias("Host")]
    public string? HostName { get; set; }

    /// <summary>Its port.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    [ValidateRange(1, 65535)]
    public int? Port { get; set; }

    /// <summary>The databases; wildcards are allowed.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(DatabaseCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Database { get; set; }

    /// <summary>The role that connects.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    [ValidateNotNullOrEmpty]
    public string? Username { get; set; }

    /// <summary>The role and its password.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    [Credential]
    public PSCredential? Credential { get; set; }

    /// <summary>One backup of all databases of the server, with its roles.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    public SwitchParameter AllDatabases { get; set; }

    /// <summary>How many tables are dumped at once.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [ValidateRange(1, 64)]
    public int? Jobs { get; set; }

    /// <summary>Only these schemas.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    [SupportsWildcards]
    public string[] Schema { get; set; } = [];

    /// <summary>Only these tables.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    [SupportsWildcards]
    public string[] Table { get; set; } = [];

    /// <summary>Not these tables.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    [SupportsWildcards]
    public string[] ExcludeTable { get; set; } = [];

    /// <summary>Of these tables no rows.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    [SupportsWildcards]
    public string[] ExcludeTableData { get; set; } = [];

    /// <summary>The server on which -Verify restores the backup.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    [ValidateNotNullOrEmpty]
    public string? TestServer { get; set; }

    /// <summary>Folders or files beside the database.</summary>
    [Parameter]
    [Alias("Include")]
    [SupportsWildcards]
    public string[] AdditionalPath { get; set; } = [];

    /// <summary>How the database is stored.</summary>
    [Parameter]
    [ValidateSet("Native", "Sql", "Custom", "Directory", "Plain")]
    public string? Format { get; set; }

    /// <summary>How deep the fingerprint goes.</summary>
    [Parameter]
    public FingerprintLevel Fingerprint { get; set; }

    /// <summary>How long to wait for a locked database, in seconds.</summary>
    [Parameter]
    [ValidateRange(1, 86400)]
    public int LockTimeout { get; set; } = 30;

    /// <summary>Accepts a database without tables.</summary>
    [Parameter]
    public SwitchParameter AllowEmpty { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName == PostgreSqlSet)
        {
            TryEach(HostName ?? "PostgreSQL", () => BackUpServer(ConnectionArguments.ToRequest(ConnectionString, HostName, Port, Username, Credential), [], null));
            return;
        }

        if (ParameterSetName is ContainerSet or ComposeSet or VolumeSet or SourceSet)
        {
            TryEach(DockerName, BackUpInDocker);
            return;
        }

        foreach (PathItem item in ResolveItems())
            TryEach(item.Given, () => BackUp(item));
    }

    private void BackUp(PathItem item)
    {
        if (item.Resolved is not { } path)
            throw item.Failure!;
        if (item.ByWildcard && !SqliteFile.IsDatabase(path))
        {
            WriteVerbose($"Passed over '{path}': it is not a SQLite database.");
            return;
        }

        if (++_count > 1 && Source is not null)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.InvalidArgument,
                $"-Source '{Source}' names one source, but '{path}' is a second database.",
                "Leave -Source out (each database gets its own name), or back them up one by one.")
            { Target = path };
        }

        if (Format is not null && !s_sqliteFormats.Contains(Format, StringComparer.OrdinalIgnoreCase))
            throw WrongFormat("a SQLite database", s_sqliteFormats);
        var sources = new List<IBackupSource>
        {
            new SqliteSource(path, Enum.Parse<SqliteFormat>(Format ?? "Native", ignoreCase: true), TimeSpan.FromSeconds(LockTimeout), AllowEmpty),
        };
        sources.AddRange(ResolveAdditionalPaths().Select(include => new FolderSource(include)));
        Create(DescribeWithFingerprint(sources), path, "Back up");
    }

    private void BackUpServer(PostgreSqlConnectionRequest connection, IReadOnlyList<IBackupSource> files, IApplicationPause? pause)
    {
        PostgreSqlConnectionSettings server = Run((_, token) => PostgreSqlServer.ResolveAsync(connection, token));
        foreach (string warning in server.Warnings)
            WriteWarning(warning);
        PostgreSqlDumpOptions options = DumpOptions();
        if (AllDatabases)
        {
            IReadOnlyList<string> all = Run((_, token) => PostgreSqlServer.DatabasesAsync(server, token));
            IEnumerable<IBackupSource> databases = all.Where(name => Database is null || Fits(name))
                .Select(name => new PostgreSqlSource(server, name, options with { AllowEmpty = true }));
            CreateServerBackup([new PostgreSqlGlobalsSource(server), .. databases, .. files], server.LocationOf(null), connection, pause);
            return;
        }

        IReadOnlyList<string> chosen = ChooseDatabases(server);
        if (chosen.Count > 1 && files.Count > 0)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.InvalidArgument,
                $"Files belong to one restore point, but {chosen.Count} databases are meant: {string.Join(", ", chosen.Take(5))}.",
                "Name one database, or put all into one backup with -AllDatabases.");
        }

        if (chosen.Count > 1 && Source is not null)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.InvalidArgument,
                $"-Source '{Source}' names one source, but {chosen.Count} databases are meant: {string.Join(", ", chosen.Take(5))}.",
                "Leave -Source out (each database gets its own name), or put all into one backup with -AllDatabases.");
        }

        foreach (string name in chosen)
            TryEach(name, () => CreateServerBackup([new PostgreSqlSource(server, name, options), .. files], server.LocationOf(name), connection, pause));
    }

    private IReadOnlyList<string> ChooseDatabases(PostgreSqlConnectionSettings server)
    {
        string[] named = Database ?? (server.Database is { } one ? [one] : throw new BackupFailure(
            ErrorCodes.InvalidArgument,
            FailureCategory.InvalidArgument,
            $"No database of '{server.LocationOf(null)}' was named.",
            "Name it with -Database (wildcards are allowed) or in the connection string, or take them all with -AllDatabases."));
        // A database may be called "a*b": only what has a wildcard is looked up.
        if (Database is null || !named.Any(WildcardPattern.ContainsWildcardCharacters))
            return named;
        IReadOnlyList<string> all = Run((_, token) => PostgreSqlServer.DatabasesAsync(server, token));
        var chosen = new List<string>();
        foreach (string pattern in named)
        {
            List<string> matches = !WildcardPattern.ContainsWildcardCharacters(pattern) || all.Contains(pattern)
                ? [pattern]
                : [.. all.Where(name => new WildcardPattern(pattern, WildcardOptions.None).IsMatch(name))];
            if (matches.Count == 0)
            {
                throw new BackupFailure(
                    ErrorCodes.SourceNotFound,
                    FailureCategory.NotFound,
                    $"No database of '{server.LocationOf(null)}' matches '{pattern}'.",
                    $"These are there: {string.Join(", ", all.Take(10))}.")
                { Target = pattern };
            }

            chosen.AddRange(matches.Except(chosen));
        }

        return chosen;
    }

    private bool Fits(string name) => Database!.Any(pattern => new WildcardPattern(pattern, WildcardOptions.None).IsMatch(name));

    private void CreateServerBackup(IEnumerable<IBackupSource> databases, string location, PostgreSqlConnectionRequest connection, IApplicationPause? pause)
    {
        BackupRequest request = DescribeWithFingerprint([.. databases, .. ResolveAdditionalPaths().Select(include => new FolderSource(include))]) with
        {
            TestServer = TestServer is not null ? ConnectionArguments.ToRequest(TestServer) : connection,
            Pause = pause,
        };
        Create(request, location, "Back up");
    }

    private PostgreSqlDumpOptions DumpOptions()
    {
        if (Format is not null && !Enum.TryParse<PostgreSqlFormat>(Format, ignoreCase: true, out _))
            throw WrongFormat("a PostgreSQL database", ["Custom", "Directory", "Plain"]);
        return new PostgreSqlDumpOptions
        {
            Format = Format is null ? PostgreSqlFormat.Auto : Enum.Parse<PostgreSqlFormat>(Format, ignoreCase: true),
            Jobs = Jobs,
            Schemas = Schema,
            Tables = Table,
            ExcludedTables = ExcludeTable,
            ExcludedTableData = ExcludeTableData,
            LockTimeout = TimeSpan.FromSeconds(LockTimeout),
            AllowEmpty = AllowEmpty,
        };
    }

    private BackupRequest DescribeWithFingerprint(IReadOnlyList<IBackupSource> sources) => Describe(sources) with
    {
        Fingerprint = MyInvocation.BoundParameters.ContainsKey(nameof(Fingerprint)) ? Fingerprint
            : Verify ? FingerprintLevel.Content : FingerprintLevel.Rows,
    };

    private BackupFailure WrongFormat(string what, IEnumerable<string> formats) => new(
        ErrorCodes.InvalidArgument,
        FailureCategory.InvalidArgument,
        $"{char.ToUpperInvariant(what[0])}{what[1..]} has no format '{Format}'.",
        $"Its formats are {string.Join(", ", formats)}; or leave -Format out.")
    { Target = Format };

    private IEnumerable<string> ResolveAdditionalPaths()
    {
        foreach (string include in AdditionalPath)
        {
            if (!WildcardPattern.ContainsWildcardCharacters(include))
            {
                yield return System.IO.Path.TrimEndingDirectorySeparator(ResolvePath(include));
                continue;
            }

            // A wildcard that finds nothing would leave the uploads out, and nobody would notice.
            foreach (string match in ExpandWildcard(include))
                yield return match;
        }
    }
}
