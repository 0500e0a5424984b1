using System.Management.Automation;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Platform;
using DbBackup.PowerShell.Arguments;
using DbBackup.PowerShell.Completion;
using DbBackup.PowerShell.Parameters;
using DbBackup.PowerShell.Pipeline;

namespace DbBackup.PowerShell.Commands;

/// <summary>Makes a backup of SQLite or PostgreSQL databases and the files beside them.</summary>
[Cmdlet(VerbsCommon.New, "DbBackup", SupportsShouldProcess = true, DefaultParameterSetName = PathSet)]
[OutputType(typeof(Backup))]
[ParameterGroup<ServerParameters>(PostgreSqlSet, Members = [nameof(ConnectionString)], Position = 0)]
[ParameterGroup<ServerParameters>(PostgreSqlSet, Members = [nameof(HostName)])]
[ParameterGroup<ServerParameters>(PostgreSqlSet, ContainerSet, ComposeSet, Members = [nameof(Port), nameof(Username), nameof(Credential)])]
[ParameterGroup<TestServerParameters>(PostgreSqlSet, ContainerSet, ComposeSet)]
[ParameterGroup<JobsParameters>(PostgreSqlSet)]
[ParameterGroup<DockerParameters>(ContainerSet, ComposeSet, VolumeSet, Members = [nameof(DockerHost)])]
[ParameterGroup<DockerParameters>(ContainerSet, Members = [nameof(Container)], Mandatory = true)]
[ParameterGroup<DockerParameters>(ComposeSet, Members = [nameof(ComposeProject)], Mandatory = true)]
[ParameterGroup<DockerParameters>(ComposeSet, Members = [nameof(ComposeFile), nameof(Service)])]
[ParameterGroup<LockParameters>]
[ParameterGroup<MethodParameters>]
public sealed partial class NewDbBackupCommand : BackupCreationCommandBase
{
    internal const string PostgreSqlSet = "PostgreSql";
    // Databases of a whole server that could not be backed up, while the others were.
    private readonly System.Collections.Concurrent.ConcurrentQueue<BackupException> _leftOut = new();

    private static readonly string[] s_sqliteFormats = ["Native", "Sql"];
    private static readonly string[] s_serverFormats = ["Custom", "Directory", "Plain"];
    private int _count;

    /// <summary>The databases; wildcards are allowed.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(DatabaseCompleter))]
    [ValidateNotNullOrEmpty]
    public string[]? Database { get; set; }

    /// <summary>One backup of all databases of the server, with its roles.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    public SwitchParameter AllDatabases { get; set; }

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
    [ArgumentCompleter(typeof(TableCompleter))]
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

    /// <summary>Rows without the tables that hold them.</summary>
    [Parameter(ParameterSetName = PostgreSqlSet)]
    [Parameter(ParameterSetName = ContainerSet)]
    [Parameter(ParameterSetName = ComposeSet)]
    public SwitchParameter DataOnly { get; set; }

    /// <summary>Folders or files beside the database.</summary>
    [Parameter]
    [Alias("Include")]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] AdditionalPath { get; set; } = [];

    /// <summary>What is left out of folders, container paths and volumes; wildcards are allowed.</summary>
    [Parameter]
    [SupportsWildcards]
    [ValidateNotNullOrEmpty]
    public string[] Exclude { get; set; } = [];

    /// <summary>How the database is stored.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(DumpFormatCompleter))]
    public string? Format { get; set; }

    /// <summary>How deep the fingerprint goes.</summary>
    [Parameter]
    public FingerprintLevel Fingerprint { get; set; }

    /// <summary>Accepts a database without tables.</summary>
    [Parameter]
    public SwitchParameter AllowEmpty { get; set; }

    /// <summary>Accepts that the source holds far less than in its last backup.</summary>
    [Parameter]
    public SwitchParameter AllowCollapse { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName == PostgreSqlSet)
        {
            TryEach(HostName ?? "PostgreSQL", () => BackUp(ServerIntent(GetServerParameters().ToRequest())));
            return;
        }

        if (ParameterSetName is ContainerSet or ComposeSet or VolumeSet or SourceSet)
        {
            TryEach(DockerName, () => BackUp(DockerIntent()));
            return;
        }

        foreach (PathItem item in ResolveItems())
            TryEach(item.Given, () => BackUp(item));
    }

    private void BackUp(PathItem item)
    {
        if (item.Url is { } url && (UrlText.IsPostgreSql(url) || UrlText.IsKeyValues(url)))
        {
            BackUp(ServerIntent(ConnectionArguments.ToRequest(url)));
            return;
        }

        if (item.Resolved is not { } path)
            throw item.Failure!;
        if (item.ByWildcard && !SqliteFile.IsDatabase(path))
        {
            WriteVerbose($"Skipped '{path}': it is not a SQLite database.");
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

        BackUp(SqliteIntent(path));
    }

    // The plan that is confirmed, or shown by -WhatIf, is the plan that is run.
    private void BackUp(BackupIntent intent)
    {
        PlannedBackups plan = Run((observer, token) => BackupPlanner.PlanAsync(
            intent with { AdditionalPaths = [.. ResolveAdditionalPaths()], Exclude = Exclude, SourceName = Source }, observer, token));
        try
        {
            foreach (PlannedBackup planned in plan.Backups)
            {
                TryEach(planned.Name, () => Create(Describe(planned), planned.ToString(), "Back up"));
                // After the backup of the others: -ErrorAction Stop ends the pipeline with the error.
                while (_leftOut.TryDequeue(out BackupException? failure))
                    WriteError(ErrorRecords.From(failure));
            }
        }
        finally
        {
            Run(async (_, _) =>
            {
                await plan.DisposeAsync().ConfigureAwait(false);
                return true;
            });
        }
    }

    private BackupIntent.OfSqlite SqliteIntent(string path)
    {
        if (Format is not null && !s_sqliteFormats.Contains(Format, StringComparer.OrdinalIgnoreCase))
            throw WrongFormat("a SQLite database", s_sqliteFormats);
        return new BackupIntent.OfSqlite(path)
        {
            Format = Enum.Parse<SqliteFormat>(Format ?? "Native", ignoreCase: true),
            LockTimeout = GetLockParameters().ToTime(),
            AllowEmpty = AllowEmpty,
        };
    }

    private BackupIntent.OfServer ServerIntent(PostgreSqlConnectionRequest connection)
    {
        NameFilter[] names = [.. (Database ?? []).Select(Filter)];
        DatabaseChoice databases = AllDatabases ? new DatabaseChoice.WholeServer(names)
            : Database is null ? new DatabaseChoice.OfConnection() : new DatabaseChoice.Named(names);
        return new BackupIntent.OfServer(connection, databases, DumpOptions());
    }

    // PostgreSQL's names have upper and lower case.
    private static NameFilter Filter(string name) => UrlText.IsUrl(name)
        ? throw new BackupFailure(
            ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "-Database names databases, and a URL was given.", "Give the URL by position or with -ConnectionString.")
        : new(name, !WildcardPattern.ContainsWildcardCharacters(name), new WildcardPattern(name, WildcardOptions.None).IsMatch);

    private PostgreSqlDumpOptions DumpOptions()
    {
        if (Format is not null && !s_serverFormats.Contains(Format, StringComparer.OrdinalIgnoreCase))
            throw WrongFormat("a PostgreSQL database", s_serverFormats);
        return new PostgreSqlDumpOptions
        {
            Format = Format is null ? PostgreSqlFormat.Auto : Enum.Parse<PostgreSqlFormat>(Format, ignoreCase: true),
            Jobs = Jobs,
            Schemas = Schema,
            Tables = Table,
            ExcludedTables = ExcludeTable,
            ExcludedTableData = ExcludeTableData,
            DataOnly = DataOnly,
            LockTimeout = GetLockParameters().ToTime(),
            AllowEmpty = AllowEmpty,
        };
    }

    private BackupRequest Describe(PlannedBackup planned) => Describe(planned.Sources) with
    {
        Fingerprint = MyInvocation.BoundParameters.ContainsKey(nameof(Fingerprint)) ? Fingerprint
            : Verify || DiscardUnverified ? FingerprintLevel.Content : FingerprintLevel.Rows,
        TestServer = TestServer is not null && planned.TestServer is not null ? ConnectionArguments.ToRequest(TestServer) : planned.TestServer,
        Pause = planned.Pause,
        Method = GetMethodParameters().ToChoice(),
        AllowCollapse = AllowCollapse,
        LeaveOut = AllDatabases ? _leftOut.Enqueue : null,
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
