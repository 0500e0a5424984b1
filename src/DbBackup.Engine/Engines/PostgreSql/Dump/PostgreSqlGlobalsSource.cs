using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>What belongs to a server as a whole: roles with their passwords' hashes and memberships, and tablespaces.</summary>
/// <param name="server">The server and role.</param>
internal sealed class PostgreSqlGlobalsSource(PostgreSqlConnectionSettings server) : IBackupSource
{
    /// <inheritdoc/>
    public string Engine => PostgreSqlSource.EngineName;

    /// <inheritdoc/>
    public string DefaultName => (server.Route?.Name ?? (server.IsLocal ? "localhost" : server.Host) + (server.Port == 5432 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $"_{server.Port}"))) + "_cluster";

    /// <inheritdoc/>
    public string Location => server.LocationOf(null);

    /// <inheritdoc/>
    public bool IsPath => false;

    /// <inheritdoc/>
    public bool IsOfThisMachine => server.IsOfThisMachine;

    /// <inheritdoc/>
    public async Task<SourcePreview> InspectAsync(CancellationToken cancellationToken)
    {
        using PostgreSqlSession session = await PostgreSqlSession.OpenMaintenanceAsync(server, server.Database, cancellationToken).ConfigureAwait(false);
        await PostgreSqlClients.ForAsync(session, "pg_dumpall", cancellationToken).ConfigureAwait(false);
        return new SourcePreview(1 << 16, 0);
    }

    /// <inheritdoc/>
    public async Task<Capture> CaptureAsync(CaptureContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        using PostgreSqlSession session = await PostgreSqlSession.OpenMaintenanceAsync(server, server.Database, cancellationToken).ConfigureAwait(false);
        PostgreSqlClient client = await PostgreSqlClients.ForAsync(session, "pg_dumpall", cancellationToken).ConfigureAwait(false);
        // Only a superuser may read pg_authid, where the passwords' hashes are.
        bool withPasswords = await session.IsTrueAsync("SELECT has_table_privilege('pg_authid', 'SELECT')", "looking at the server", cancellationToken).ConfigureAwait(false);
        long roles = await session.NumberAsync("SELECT count(*) FROM pg_roles WHERE rolname !~ '^pg_'", "looking at the server", cancellationToken).ConfigureAwait(false);
        (string database, string? serverOptions) = (session.Database, session.ToolOptions);
        return new Capture
        {
            Taken = context.Clock.GetUtcNow(),
            EngineVersion = session.ServerVersion,
            Payloads =
            [
                new CapturedPayload
                {
                    FileName = "globals.sql",
                    Kind = PayloadKind.Globals,
                    Format = PayloadFormat.PostgreSqlPlain,
                    RestoreName = "globals.sql",
                    OriginalPath = Location,
                    WriteTo = (target, progress, token) => WriteAsync(client, database, serverOptions, withPasswords, roles, target, progress, token),
                },
            ],
            Tools = new Dictionary<string, string> { ["pg_dumpall"] = client.Version },
            Notes = withPasswords ? [] : [$"The role '{server.Username}' is not allowed to read passwords, so the roles' passwords are not in this backup; a superuser's backup has their hashes."],
        };
    }

    private async Task<StreamSummary> WriteAsync(
        PostgreSqlClient client, string database, string? serverOptions, bool withPasswords, long roles, Stream target, IProgress<long> progress, CancellationToken cancellationToken)
    {
        List<string> arguments = ["--globals-only", "--no-password", $"--dbname={PostgreSqlConnectionSettings.ToolDatabase(database)}"];
        if (!withPasswords)
            arguments.Add("--no-role-passwords");
        using ToolProcess tool = await client.StartAsync("pg_dumpall", arguments, server.ForDatabase(database).ToToolEnvironment(serverOptions), ToolUse.Ask, cancellationToken).ConfigureAwait(false);
        using CancellationTokenRegistration stop = cancellationToken.Register(tool.Kill);
        var text = new MemoryStream();
        await tool.Output.CopyToAsync(text, cancellationToken).ConfigureAwait(false);
        int exitCode = await tool.WaitAsync(cancellationToken).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (exitCode != 0)
            throw await DumpFailures.ExplainAsync(server, database, tool.Name, exitCode, tool.Errors, cancellationToken).ConfigureAwait(false);
        string script = System.Text.Encoding.UTF8.GetString(text.ToArray());
        text.Position = 0;
        int found = (await RoleScript.ReadAsync(text, cancellationToken).ConfigureAwait(false)).Roles.Count;
        if (found < roles || !script.Contains("PostgreSQL database cluster dump complete", StringComparison.Ordinal))
        {
            throw new BackupFailure(
                ErrorCodes.DumpIncomplete,
                FailureCategory.InvalidData,
                $"pg_dumpall wrote {found} of {roles} roles, or not to its end. Nothing was kept.",
                "Try again; if it happens again, run pg_dumpall --globals-only by hand and look at what it writes.")
            { Target = Location };
        }

        await target.WriteAsync(text.GetBuffer().AsMemory(0, (int)text.Length), cancellationToken).ConfigureAwait(false);
        progress.Report(text.Length);
        return new StreamSummary(null, []);
    }
}
