using DbBackup.Engine.Engines.Instructions;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Export;
using DbBackup.Engine.Engines.PostgreSql.Instructions;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Engines.PostgreSql.Verify;
using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Engines.PostgreSql;

/// <summary>PostgreSQL, as the rest of the house sees it.</summary>
internal sealed class PostgreSqlEngine : IServerEngine
{
    public string Name => PostgreSqlSource.EngineName;

    public IReadOnlyCollection<string> Formats { get; } =
    [
        nameof(PayloadFormat.PostgreSqlCustom),
        nameof(PayloadFormat.PostgreSqlDirectory),
        nameof(PayloadFormat.PostgreSqlTar),
        nameof(PayloadFormat.PostgreSqlPlain),
    ];

    public string StockTools => "the client programs of PostgreSQL";

    public string ForeignFiles => "dumps of pg_dump in all four formats and of pg_dumpall";

    public ForeignDump? Recognize(ForeignFile file) => PostgreSqlImport.Recognize(file);

    public Task<DatabaseTestOutcome> TestAsync(DatabaseTestRun run, CancellationToken cancellationToken) => PostgreSqlTest.RunAsync(run, cancellationToken);

    public string ExportName(Payload payload, string name, ExportFormat format) => PostgreSqlExport.NameOf(payload, name, format);

    public Task ExportAsync(BackupContent content, Payload payload, string path, ExportFormat format, CancellationToken cancellationToken) =>
        PostgreSqlExport.WriteAsync(content, payload, path, format, cancellationToken);

    public Task<SchemaDefinitions?> ReadDefinitionsAsync(BackupContent content, Payload payload, Func<long, Task<string>> openScratch, CancellationToken cancellationToken) =>
        ComparedSchema.OfPayloadAsync(content, payload, cancellationToken);

    public Func<string, bool> TableFilter(string pattern)
    {
        TablePattern wanted = TablePattern.Parse(pattern, mostParts: 2);
        return name => QuotedName.Split(name) is var (schema, table) && wanted.FitsTable(schema, table);
    }

    public async Task<ILiveServer> FindLiveAsync(Manifest manifest, string backup, PostgreSqlConnectionRequest connection, CancellationToken cancellationToken)
    {
        PostgreSqlTarget.RequireNamed(connection, manifest, backup);
        string? username = manifest.Payloads.Select(payload => payload.Database?.Username).FirstOrDefault(name => name is not null);
        return new LivePostgreSqlServer(
            await PostgreSqlTarget.ResolveAsync(connection, PostgreSqlTarget.LocationOf(manifest), username, cancellationToken).ConfigureAwait(false), connection.Server is ServerAddress.OfText);
    }

    public IReadOnlyList<string> Programs { get; } = ["createdb", "psql", "pg_restore"];

    public string ProgramsOf => "PostgreSQL's programs";

    public string UserVariable => "PGUSER";

    public void WriteInstructions(InstructionText text, Manifest manifest, IReadOnlyList<Payload> payloads, bool inContainer) =>
        PostgreSqlInstructions.Write(text, manifest, payloads, inContainer);

    public void WriteKeptInstructions(InstructionText text, Manifest manifest, KeptDatabase kept) => KeptDatabaseInstructions.Write(text, manifest, kept);

    public Task<string> FindKeptAsync(Manifest manifest, PostgreSqlConnectionRequest connection, CancellationToken cancellationToken) =>
        WithKeptAsync(manifest, connection, (_, _) => Task.CompletedTask, cancellationToken);

    public Task<string> DropKeptAsync(Manifest manifest, PostgreSqlConnectionRequest connection, CancellationToken cancellationToken) =>
        WithKeptAsync(manifest, connection, (maintenance, name) => WorkDatabase.DropAsync(maintenance, name, cancellationToken), cancellationToken);

    private static async Task<string> WithKeptAsync(
        Manifest manifest, PostgreSqlConnectionRequest connection, Func<PostgreSqlSession, string, Task> use, CancellationToken cancellationToken)
    {
        KeptDatabase kept = manifest.Kept!;
        PostgreSqlConnectionSettings server = await PostgreSqlTarget.ResolveAsync(connection, kept.Location, kept.Username, cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(server, null, cancellationToken).ConfigureAwait(false);
        string name = await PostgreSqlTarget.RequireKeptAsync(maintenance, manifest, cancellationToken).ConfigureAwait(false);
        await use(maintenance, name).ConfigureAwait(false);
        return name;
    }
}
