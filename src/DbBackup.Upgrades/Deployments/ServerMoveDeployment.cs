using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Repository;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades.Deployments;

/// <summary>
/// A server whose databases and roles go to another one, of the same or a newer major version. From maintenance on the old server is read-only, so that no
/// row is written where it would be left behind; its users are pointed at the new one by whoever runs them.
/// </summary>
/// <param name="move">The completed subject.</param>
/// <param name="request">The request.</param>
internal sealed class ServerMoveDeployment(UpgradeSubject.ServerMove move, UpgradeRequest request) : IDeployment
{
    private const string ReadOnly = "default_transaction_read_only";
    private const string Closing = "making the old server read-only";
    private const string Opening = "letting the old server accept writes";
    private const string LoadTimeSql = "SELECT pg_conf_load_time()::text";
    private const string OthersSql = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    private const int MostLooks = 10;
    private static readonly TimeSpan s_reloadTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(500);

    private readonly NewServer _new = new(move.From, move.To, request);

    /// <summary>Finds out what the servers are.</summary>
    /// <exception cref="BackupException">One of them cannot be reached, or the new one is older.</exception>
    public static async Task<UpgradeSubject.ServerMove> CompleteAsync(UpgradeSubject.ServerMove move, CancellationToken cancellationToken)
    {
        (PostgreSqlConnectionRequest from, int fromMajor) = await ResolveAsync(move.From, "-Container or -ComposeProject with -Image", cancellationToken).ConfigureAwait(false);
        (PostgreSqlConnectionRequest to, int toMajor) = await ResolveAsync(move.To, "the address of its published port", cancellationToken).ConfigureAwait(false);
        if (toMajor < fromMajor)
        {
            string place = PostgreSqlConnectionSettings.Resolve(to).LocationOf(null);
            throw new BackupFailure(
                ErrorCodes.TargetInvalid, FailureCategory.Refused, $"The new server '{place}' is PostgreSQL {toMajor}, and the old one is {fromMajor}: a dump does not load into an older version. Nothing was changed.", "Name a server of the same or a newer version with -To.")
            { Target = place };
        }

        return new UpgradeSubject.ServerMove(from, to with { Database = null }) { FromMajor = fromMajor, ToMajor = toMajor };
    }

    public IReadOnlyList<string> Steps { get; } =
    [
        UpgradeSteps.Preflight, UpgradeSteps.Rehearsal, UpgradeSteps.Maintenance, UpgradeSteps.Backup, UpgradeSteps.Migration, UpgradeSteps.Check, UpgradeSteps.Release,
    ];

    public bool HasNewVersion => true;

    private string OldPlace => PostgreSqlConnectionSettings.Resolve(move.From).LocationOf(null);

    private string NewPlace => PostgreSqlConnectionSettings.Resolve(move.To).LocationOf(null);

    private ServerChange Change => new(OldPlace, $"at '{OldPlace}'", move.FromMajor, move.ToMajor)
    {
        SuperuserHint = "Connect to it as a superuser (-Username, -Credential).",
        VersionHint = "Roll this upgrade back (Undo-DbUpgrade), and start a new one.",
        RoomHint = "Free some room on the new server's disk.",
    };

    public async Task<DeploymentRecord> InspectAsync(CancellationToken cancellationToken)
    {
        NewServerRecord before = await _new.RequireFitAsync(cancellationToken).ConfigureAwait(false);
        await ServerPreflight.RequireAsync(move.From, move.To, Change, request.Force, cancellationToken).ConfigureAwait(false);
        await ServerPreflight.RequireExtensionsAsync(
            move.From, move.To, $"The new server '{NewPlace}'", NewPlace, "Install the extensions' packages on the new server's machine.", cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession session = await TrialServer.OpenAsync(move.From, cancellationToken).ConfigureAwait(false);
        if (await session.TextAsync(
            $"SELECT string_agg(DISTINCT coalesce('role ' || setrole::regrole, 'all roles'), ', ') FROM (SELECT nullif(setrole, 0) AS setrole, unnest(setconfig) AS each FROM pg_db_role_setting) s WHERE each ~ '^{ReadOnly}='",
            Closing, cancellationToken).ConfigureAwait(false) is { Length: > 0 } others)
        {
            throw ServerPreflight.Refused(
                Change, $"it cannot be made read-only, because {ReadOnly} is set for {others}", $"Reset that (ALTER ROLE … RESET {ReadOnly}, ALTER DATABASE … RESET {ReadOnly}).");
        }

        // A server with such an error loads no setting anew. One that waits for a restart is none.
        if (await session.TextAsync(
            "SELECT string_agg(coalesce(name || ': ', '') || error, ', ') FROM pg_file_settings WHERE error IS NOT NULL AND error <> 'setting could not be applied'", Closing, cancellationToken).ConfigureAwait(false) is { Length: > 0 } error)
        {
            throw ServerPreflight.Refused(Change, $"it cannot be made read-only, because its settings have an error: {error}", "Correct them: SELECT * FROM pg_file_settings WHERE error IS NOT NULL.");
        }

        return new DeploymentRecord
        {
            NewServer = before,
            ReadOnly = await session.TextAsync($"SELECT setting FROM pg_file_settings WHERE name = '{ReadOnly}' AND applied AND sourcefile LIKE '%postgresql.auto.conf'", Closing, cancellationToken).ConfigureAwait(false),
        };
    }

    public (IReadOnlyList<string> Fetch, IReadOnlyList<string> Install) Describe(DeploymentRecord record) =>
        ([], [$"load all databases and roles into '{NewPlace}', and compare them", $"leave the old server '{OldPlace}' read-only, as it is"]);

    public async Task<string> StopAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        using PostgreSqlSession session = await TrialServer.OpenAsync(move.From, cancellationToken).ConfigureAwait(false);
        await SetReadOnlyAsync(session, "on", Closing, cancellationToken).ConfigureAwait(false);
        long ended = 0;
        // A session keeps the default that it began with until it has seen the new one.
        for (DateTimeOffset limit = DateTimeOffset.UtcNow + request.Timeout; ;)
        {
            ended += await session.NumberAsync($"SELECT count(pg_terminate_backend(pid)) {OthersSql} AND backend_start < pg_conf_load_time()", Closing, cancellationToken).ConfigureAwait(false);
            if (await session.IsTrueAsync($"SELECT NOT EXISTS (SELECT {OthersSql} AND backend_start < pg_conf_load_time())", Closing, cancellationToken).ConfigureAwait(false))
                break;
            if (DateTimeOffset.UtcNow >= limit)
                throw ServerPreflight.Refused(Change, "its sessions do not end", "End them on its machine, then resume the upgrade (Resume-DbUpgrade).");
            await Task.Delay(s_interval, cancellationToken).ConfigureAwait(false);
        }

        await ServerPreflight.RequireNoPreparedAsync(session, Change, cancellationToken).ConfigureAwait(false);
        journal.Write(journal.Record with { Deployment = journal.Record.Deployment! with { OldWritten = await SettledAsync(cancellationToken).ConfigureAwait(false) } });
        return FormattableString.Invariant($"'{OldPlace}' is read-only, {ended} sessions were ended");
    }

    public async Task<string> LoadAsync(Backup backup, BackupRepository repository, UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        if (journal.Record.Deployment!.IsLoading)
            await _new.EmptyAsync(BeforeOf(journal.Record), cancellationToken).ConfigureAwait(false);
        await BeginLoadAsync(journal, cancellationToken).ConfigureAwait(false);
        string loaded = await _new.RunAsync(backup, repository, observer, cancellationToken).ConfigureAwait(false);
        await _new.WarnOfDifferencesAsync(BeforeOf(journal.Record), observer, cancellationToken).ConfigureAwait(false);
        return $"{loaded}, on '{NewPlace}'";
    }

    public Task<string> RunAsync(string command, IUpgradeTarget? target, UpgradeJournal? journal, IOperationObserver observer, CancellationToken cancellationToken) =>
        throw new InvalidOperationException("A server's upgrade runs no migration.");

    public async Task WatchAsync(UpgradeRecord record, CancellationToken cancellationToken)
    {
        // A client can ask for a transaction that writes, whatever the default is.
        IReadOnlyList<string>? written = ServerWrites.Between(record.Deployment!.OldWritten!, await SettledAsync(cancellationToken).ConfigureAwait(false));
        if (written is { Count: 0 })
            return;
        throw new BackupFailure(
            ErrorCodes.UpgradeStepFailed, FailureCategory.Busy,
            written is null
                ? $"The counts of the old server '{OldPlace}' began anew while it was read-only by default, as after a crash, so that it is not known if rows were written there."
                : $"Rows were written on the old server '{OldPlace}' while it was read-only by default, and are not on the new one: {string.Join(", ", written)}.",
            "Stop the programs that set their transactions to READ WRITE, then start again.")
        { Target = OldPlace };
    }

    public Task CheckAsync(string command, IUpgradeTarget target, IOperationObserver observer, CancellationToken cancellationToken) =>
        UpgradeCommand.OfShell(command, request.MigrationPath ?? Environment.CurrentDirectory, target.Environment).RunAsync(request.Timeout, null, observer, cancellationToken);

    public async Task<string> CleanUpAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        journal.Write(journal.Record with { Deployment = journal.Record.Deployment! with { Written = await ServerWrites.CountAsync(move.To, cancellationToken).ConfigureAwait(false) } });
        return $"point applications to '{NewPlace}'; the old server '{OldPlace}' has all its data, and is read-only until ALTER SYSTEM RESET {ReadOnly}";
    }

    public async Task RestorePreviousAsync(UpgradeRecord record, IOperationObserver observer, CancellationToken cancellationToken)
    {
        // First what the users wait for.
        if (record.HasBegun(UpgradeSteps.Maintenance))
        {
            using PostgreSqlSession session = await TrialServer.OpenAsync(move.From, cancellationToken).ConfigureAwait(false);
            await SetReadOnlyAsync(session, record.Deployment!.ReadOnly, Opening, cancellationToken).ConfigureAwait(false);
        }

        // From then on users may have worked on the new server.
        if (record.HasBegun(UpgradeSteps.Release))
            await ServerWrites.WarnAsync(move.To, record.Deployment!.Written, $"They stay on '{NewPlace}', and the old server does not have them.", observer, cancellationToken).ConfigureAwait(false);
        else if (record.Deployment is { IsLoading: true, NewServer: { } before })
            await TryEmptyAsync(before, observer, cancellationToken).ConfigureAwait(false);
    }

    public Task BeginRehearsalAsync(UpgradeJournal journal, CancellationToken cancellationToken) => BeginLoadAsync(journal, cancellationToken);

    public void EndRehearsal(UpgradeJournal journal, IOperationObserver observer) =>
        journal.TryWrite(journal.Record with { Deployment = journal.Record.Deployment! with { IsLoading = false } }, observer);

    public Task SweepAsync(UpgradeRecord record, CancellationToken cancellationToken) =>
        record.Deployment is { IsLoading: true, NewServer: { } before } ? _new.EmptyAsync(before, cancellationToken) : Task.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    // The journal stores the connections without their passwords, which stay in memory.
    private static async Task<(PostgreSqlConnectionRequest Connection, int Major)> ResolveAsync(PostgreSqlConnectionRequest request, string instead, CancellationToken cancellationToken)
    {
        if (request.Server is ServerAddress.Through)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "-To upgrades from one server to another by their addresses, and a container was named. Nothing was changed.", $"Name {instead}.");
        }

        PostgreSqlConnectionSettings settings = PostgreSqlConnectionSettings.Resolve(request);
        // A restore would take a database that the address names for the one to load into.
        var connection = new PostgreSqlConnectionRequest { Server = ServerAddress.Of((settings with { Database = null }).ToKeywords()), Database = settings.Database, Password = settings.Password };
        using PostgreSqlSession session = await TrialServer.OpenAsync(connection, cancellationToken).ConfigureAwait(false);
        return (connection, session.ServerMajor);
    }

    private static NewServerRecord BeforeOf(UpgradeRecord record) => record.Deployment!.NewServer!;

    // Databases and roles that others created there since the preflight are theirs.
    private async Task BeginLoadAsync(UpgradeJournal journal, CancellationToken cancellationToken)
    {
        NewServerRecord before = await _new.RequireFitAsync(cancellationToken).ConfigureAwait(false);
        journal.Write(journal.Record with { Deployment = journal.Record.Deployment! with { NewServer = before, IsLoading = true } });
    }

    // The old server works by now.
    private async Task TryEmptyAsync(NewServerRecord before, IOperationObserver observer, CancellationToken cancellationToken)
    {
        try
        {
            await _new.EmptyAsync(before, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure)
        {
            observer.Warning($"What was loaded into '{NewPlace}' could not be removed: {failure.Message} Drop it there before the next upgrade.");
        }
    }

    private static async Task SetReadOnlyAsync(PostgreSqlSession session, string? value, string action, CancellationToken cancellationToken)
    {
        // Processes of the server hear of it after the one that starts them, so that later sessions have the new default.
        string before = await session.TextAsync(LoadTimeSql, action, cancellationToken).ConfigureAwait(false) ?? string.Empty;
        await session.ExecuteAsync(value is null ? $"ALTER SYSTEM RESET {ReadOnly}" : $"ALTER SYSTEM SET {ReadOnly} = {PostgreSqlSession.Literal(value)}", action, cancellationToken).ConfigureAwait(false);
        await session.ExecuteAsync("SELECT pg_reload_conf()", action, cancellationToken).ConfigureAwait(false);
        for (DateTimeOffset limit = DateTimeOffset.UtcNow + s_reloadTimeout; await session.TextAsync(LoadTimeSql, action, cancellationToken).ConfigureAwait(false) == before;)
        {
            if (DateTimeOffset.UtcNow >= limit)
                throw new BackupFailure(
                    ErrorCodes.ServerFailed, FailureCategory.InvalidData, $"The server '{session.Server.LocationOf(null)}' does not load its settings anew, so that {ReadOnly} is as it was.",
                    "Its settings may have an error: SELECT * FROM pg_file_settings WHERE error IS NOT NULL. Correct it, then try again.")
                { Target = session.Server.LocationOf(null) };
            await Task.Delay(s_interval / 10, cancellationToken).ConfigureAwait(false);
        }
    }

    // Servers up to 14 count a moment later.
    private async Task<IReadOnlyDictionary<string, long>> SettledAsync(CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, long> last = await ServerWrites.CountAsync(move.From, cancellationToken).ConfigureAwait(false);
        for (int look = 0; look < MostLooks; look++)
        {
            await Task.Delay(s_interval, cancellationToken).ConfigureAwait(false);
            IReadOnlyDictionary<string, long> now = await ServerWrites.CountAsync(move.From, cancellationToken).ConfigureAwait(false);
            if (ServerWrites.Between(last, now) is { Count: 0 })
                return now;
            last = now;
        }

        return last;
    }
}
