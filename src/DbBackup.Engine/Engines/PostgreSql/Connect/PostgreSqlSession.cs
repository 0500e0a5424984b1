using System.Globalization;
using DbBackup.Engine.Platform;
using Npgsql;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>Takes some bytes, which are valid during the call only.</summary>
internal delegate void TakeBytes(ReadOnlySpan<byte> bytes);

/// <summary>
/// One connection to one database, with the settings under which values print the same everywhere. Not for several threads at once.
/// </summary>
internal sealed class PostgreSqlSession : IDisposable
{
    // What changes the text of a value, and what could end a long query, is the same whatever role or database says otherwise.
    private const string Settings = """
        SET statement_timeout = 0; SET search_path = pg_catalog;
        SET datestyle = ISO, MDY; SET intervalstyle = postgres; SET timezone = 'UTC'; SET extra_float_digits = 1; SET bytea_output = hex;
        SET xmlbinary = base64; SET lc_monetary = 'C'; SET lc_numeric = 'C'; SET standard_conforming_strings = on;
        SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET row_security = off;
        SET synchronize_seqscans = off; SET default_transaction_read_only = off; SET quote_all_identifiers = off;
        SET default_transaction_isolation = 'read committed'; SET default_transaction_deferrable = off;
        """;

    // From 14 on a session may also end for being idle, from 17 on for a long transaction. And from 14 on a server notices in the middle of a
    // query that its client has gone: a count whose backup was killed would read on through a large table. Servers that cannot look refuse
    // the setting; all on Linux can.
    private const string NewerSettings = """
        SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('idle_session_timeout', 'transaction_timeout');
        SELECT set_config(name, '2s', false) FROM pg_settings WHERE name = 'client_connection_check_interval' AND version() LIKE '%linux%'
        """;

    private const string NoStatementTimeout = "-c statement_timeout=0";

    // https://www.postgresql.org/docs/14/release-14.html
    private const int FirstWithIdleSessionTimeout = 14;

    // Every server has them.
    private static readonly string[] s_ownDatabases = ["postgres", "template1"];

    private readonly NpgsqlConnection _connection;
    private readonly ITunnelEnd? _relay;
    private byte[]? _copied;

    private PostgreSqlSession(NpgsqlConnection connection, ITunnelEnd? relay, PostgreSqlConnectionSettings server, string database)
    {
        _connection = connection;
        _relay = relay;
        Server = server;
        Database = database;
    }

    /// <summary>The server and role.</summary>
    public PostgreSqlConnectionSettings Server { get; }

    /// <summary>The database.</summary>
    public string Database { get; }

    /// <summary>The process id of the server's end of this session.</summary>
    public int BackendId => _connection.ProcessID;

    /// <summary>The server's version as people write it, as in <c>15.18</c>.</summary>
    public string ServerVersion => _connection.PostgreSqlVersion.Major >= 10
        ? string.Create(CultureInfo.InvariantCulture, $"{_connection.PostgreSqlVersion.Major}.{_connection.PostgreSqlVersion.Minor}")
        : _connection.PostgreSqlVersion.ToString();

    /// <summary>The server's major version.</summary>
    public int ServerMajor => _connection.PostgreSqlVersion.Major;

    /// <summary>The encoding of the database, as PostgreSQL names it.</summary>
    public string ServerEncoding => _connection.PostgresParameters["server_encoding"];

    /// <summary>True if a pooler is between, which lends this session a connection of its own until it ends.</summary>
    public bool IsPooled { get; private init; }

    /// <summary>
    /// The options with which PostgreSQL's programs connect, so that nothing that a role or a database has set ends them or has them write
    /// nothing. A pooler refuses options; then pg_dump's own settings must do, which leave out rare ones.
    /// </summary>
    public string? ToolOptions => IsPooled ? null : ToolOptionsFor(ServerMajor);

    /// <summary>Connects.</summary>
    /// <param name="server">The server and role.</param>
    /// <param name="database">The database.</param>
    /// <param name="cancellationToken">Stops the attempt.</param>
    /// <exception cref="BackupException">The server, the role, its password or the database is wrong.</exception>
    public static async Task<PostgreSqlSession> OpenAsync(
        PostgreSqlConnectionSettings server, string database, CancellationToken cancellationToken)
    {
        ITunnelEnd? relay = server.Route is null ? null : await server.Route.OpenAsync(cancellationToken).ConfigureAwait(false);
        PostgreSqlConnectionSettings reached = relay is null ? server : server with { Host = relay.Folder, Port = TunnelledServer.SocketPort, Route = null };
        try
        {
            try
            {
                return await EstablishAsync(reached, server, database, relay, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (IsStatementTimeout(exception))
            {
                // A role's or a database's statement_timeout ends the driver's own queries before anything can be set. Options come before
                // both; they are not sent at once, because a pooler refuses them.
                PostgreSqlConnectionSettings patient = reached with { Options = reached.Options is null ? NoStatementTimeout : $"{reached.Options} {NoStatementTimeout}" };
                return await EstablishAsync(patient, server, database, relay, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (IsDriverFailure(exception))
        {
            string? onTheWay = relay?.Failure;
            relay?.Dispose();
            cancellationToken.ThrowIfCancellationRequested();
            if (server.ProvesPasswordAlone && exception.Message.Contains("authentication method is not allowed", StringComparison.Ordinal))
                throw PostgreSqlTarget.Unproven(server, exception);
            throw PostgreSqlFailures.From(onTheWay is null ? exception : new NpgsqlException(onTheWay, exception), server, database, "connecting");
        }
        catch
        {
            relay?.Dispose();
            throw;
        }
    }

    private static async Task<PostgreSqlSession> EstablishAsync(
        PostgreSqlConnectionSettings reached, PostgreSqlConnectionSettings server, string database, ITunnelEnd? relay, CancellationToken cancellationToken)
    {
        string text = reached.ForDatabase(database).ToNpgsql(database);
        var connection = new NpgsqlConnection(text);
        try
        {
            await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
            bool isPooled = await Pooler.IsBetweenAsync(connection, cancellationToken).ConfigureAwait(false);
            if (isPooled && await Pooler.SharesConnectionsAsync(connection, text, cancellationToken).ConfigureAwait(false))
            {
                throw await Pooler.InTheWayAsync(
                    connection, server, database, "it lends each connection for one transaction, and what pg_dump and this module set in them would stay there for the application", cancellationToken).ConfigureAwait(false);
            }

            var session = new PostgreSqlSession(connection, relay, server, database) { IsPooled = isPooled };
            await session.ExecuteAsync(Settings, "connecting", cancellationToken).ConfigureAwait(false);
            await session.ExecuteAsync(NewerSettings, "connecting", cancellationToken).ConfigureAwait(false);
            return session;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static bool IsStatementTimeout(Exception exception) =>
        (exception as PostgresException ?? exception.InnerException as PostgresException)?.SqlState == PostgresErrorCodes.QueryCanceled;

    /// <summary>A session in the database that is there for work on others: <c>postgres</c>, else <c>template1</c>, else the named one.</summary>
    /// <param name="server">The server and role.</param>
    /// <param name="named">A database that is there in any case; null where none is known.</param>
    /// <param name="cancellationToken">Stops the attempt.</param>
    /// <param name="renamed">Databases that get other names meanwhile, which no session may be in.</param>
    public static async Task<PostgreSqlSession> OpenMaintenanceAsync(
        PostgreSqlConnectionSettings server, string? named, CancellationToken cancellationToken, params string[] renamed)
    {
        BackupException? last = null;
        // The named one is the last resort of roles that may enter no other.
        string[] candidates = [.. s_ownDatabases.Except(renamed, StringComparer.Ordinal), .. named is null || s_ownDatabases.Contains(named) ? (string[])[] : [named]];
        foreach (string database in candidates)
        {
            try
            {
                return await OpenAsync(server, database, cancellationToken).ConfigureAwait(false);
            }
            catch (BackupException failure) when (failure.Code is ErrorCodes.SourceNotFound or ErrorCodes.PermissionDenied or ErrorCodes.AuthenticationFailed or ErrorCodes.ServerFailed)
            {
                last = last is null || failure.Code == ErrorCodes.AuthenticationFailed ? failure : last;
            }
        }

        throw last!;
    }

    /// <summary>The options for programs that connect to a server itself; see <see cref="ToolOptions"/>.</summary>
    public static string ToolOptionsFor(int serverMajor) =>
        "-c default_transaction_read_only=off -c default_transaction_isolation=read\\ committed -c default_transaction_deferrable=off"
        + " -c quote_all_identifiers=off -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0"
        + (serverMajor >= FirstWithIdleSessionTimeout ? " -c idle_session_timeout=0" : string.Empty)
        + (serverMajor >= PostgreSqlClients.FirstWithTransactionTimeout ? " -c transaction_timeout=0" : string.Empty);

    /// <summary>Fails where a pooler is between.</summary>
    /// <exception cref="BackupFailure"><see cref="ErrorCodes.ConnectionPooled"/>.</exception>
    public async Task RequireDirectAsync(CancellationToken cancellationToken)
    {
        if (!IsPooled)
            return;
        throw await Pooler.InTheWayAsync(
            _connection, Server, Database, "a restore creates and renames databases, which it does not know and whose connections it keeps open", cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Has statements fail that wait longer for a lock. Without it they wait for ever, as even the size of a table does when it is locked.</summary>
    public Task LimitLockWaitAsync(TimeSpan limit, CancellationToken cancellationToken) => ExecuteAsync(
        string.Create(CultureInfo.InvariantCulture, $"SET lock_timeout = {Math.Max(1, (long)limit.TotalMilliseconds)}"), "connecting", cancellationToken);

    /// <summary>
    /// Has the server refuse to read views, as pg_dump does: whoever owns a sequence could put a view in its place between its being listed and
    /// its being read, and the view would run with the rights of who reads. Servers that do not know the setting are those without the remedy
    /// of CVE-2024-7348.
    /// </summary>
    public Task RefuseViewsAsync(CancellationToken cancellationToken) => ExecuteAsync(
        "SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'", "connecting", cancellationToken);

    /// <summary>Runs statements.</summary>
    public async Task ExecuteAsync(string sql, string action, CancellationToken cancellationToken)
    {
        using NpgsqlCommand command = Command(sql, []);
        await GuardAsync(() => command.ExecuteNonQueryAsync(cancellationToken), action, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>One value; null where there is none.</summary>
    /// <param name="sql">A query with parameters $1, $2 and so on.</param>
    /// <param name="action">What is being done, for an error.</param>
    /// <param name="cancellationToken">Cancels the query on the server too.</param>
    /// <param name="parameters">The values of the parameters.</param>
    public async Task<object?> ScalarAsync(string sql, string action, CancellationToken cancellationToken, params object[] parameters)
    {
        using NpgsqlCommand command = Command(sql, parameters);
        object? value = await GuardAsync(() => command.ExecuteScalarAsync(cancellationToken), action, cancellationToken).ConfigureAwait(false);
        return value is DBNull ? null : value;
    }

    /// <summary>One text value.</summary>
    public async Task<string?> TextAsync(string sql, string action, CancellationToken cancellationToken, params object[] parameters) =>
        (string?)await ScalarAsync(sql, action, cancellationToken, parameters).ConfigureAwait(false);

    /// <summary>One number.</summary>
    public async Task<long> NumberAsync(string sql, string action, CancellationToken cancellationToken, params object[] parameters) =>
        Convert.ToInt64(await ScalarAsync(sql, action, cancellationToken, parameters).ConfigureAwait(false), CultureInfo.InvariantCulture);

    /// <summary>One truth value; false for null.</summary>
    public async Task<bool> IsTrueAsync(string sql, string action, CancellationToken cancellationToken, params object[] parameters) =>
        await ScalarAsync(sql, action, cancellationToken, parameters).ConfigureAwait(false) is true;

    /// <summary>All rows.</summary>
    public Task<List<T>> RowsAsync<T>(string sql, Func<NpgsqlDataReader, T> read, string action, CancellationToken cancellationToken, params object[] parameters) =>
        GuardAsync(
            async () =>
            {
                using NpgsqlCommand command = Command(sql, parameters);
                using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                var rows = new List<T>();
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                    rows.Add(read(reader));
                return rows;
            },
            action,
            cancellationToken);

    /// <summary>Reads the text that <c>COPY … TO STDOUT</c> gives.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="take">Receives the bytes in chunks of any size.</param>
    /// <param name="action">What is being done, for an error.</param>
    /// <param name="cancellationToken">Cancels the statement on the server too.</param>
    public Task CopyAsync(string sql, TakeBytes take, string action, CancellationToken cancellationToken) => CopyAsync(
        sql,
        async stream =>
        {
            int read;
            while ((read = await stream.ReadAsync(_copied ??= new byte[1 << 16], cancellationToken).ConfigureAwait(false)) > 0)
                take(_copied.AsSpan(0, read));
        },
        action,
        cancellationToken);

    /// <summary>Reads the text that <c>COPY … TO STDOUT</c> gives.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="read">Reads it to its end; the stream gives at most one row at a time.</param>
    /// <param name="action">What is being done, for an error.</param>
    /// <param name="cancellationToken">Cancels the statement on the server too.</param>
    public Task CopyAsync(string sql, Func<Stream, Task> read, string action, CancellationToken cancellationToken) =>
        GuardAsync(
            async () =>
            {
                var reader = (NpgsqlCopyTextReader)await _connection.BeginTextExportAsync(sql, cancellationToken).ConfigureAwait(false);
                try
                {
                    await read(reader.BaseStream).ConfigureAwait(false);
                }
                catch
                {
                    // To dispose it alone would read on to the end.
                    Cancel(reader);
                    throw;
                }
                finally
                {
                    reader.Dispose();
                }

                return 0;
            },
            action,
            cancellationToken);

    /// <summary>Gives text to <c>COPY … FROM STDIN</c>; none of its rows are kept unless all were given.</summary>
    /// <param name="sql">The statement.</param>
    /// <param name="write">Writes the text.</param>
    /// <param name="action">What is being done, for an error.</param>
    /// <param name="cancellationToken">Cancels the statement on the server too.</param>
    public Task LoadAsync(string sql, Func<Stream, Task> write, string action, CancellationToken cancellationToken) =>
        GuardAsync(
            async () =>
            {
                var writer = (NpgsqlCopyTextWriter)await _connection.BeginTextImportAsync(sql, cancellationToken).ConfigureAwait(false);
                try
                {
                    await write(writer.BaseStream).ConfigureAwait(false);
                }
                catch
                {
                    // To dispose it alone would keep what was given.
                    await CancelAsync(writer).ConfigureAwait(false);
                    throw;
                }

                await writer.DisposeAsync().ConfigureAwait(false);
                return 0;
            },
            action,
            cancellationToken);

    /// <summary>Begins a transaction that sees one moment and writes nothing, and gives its snapshot a name for others to join.</summary>
    public async Task<string> ExportSnapshotAsync(CancellationToken cancellationToken)
    {
        await ExecuteAsync("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "taking a snapshot", cancellationToken).ConfigureAwait(false);
        return (await TextAsync("SELECT pg_export_snapshot()", "taking a snapshot", cancellationToken).ConfigureAwait(false))!;
    }

    /// <summary>A text as a SQL literal.</summary>
    public static string Literal(string text) =>
        text.Contains('\\', StringComparison.Ordinal)
            ? " E'" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal) + "'"
            : "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";

    /// <summary>A name as a quoted SQL identifier.</summary>
    public static string Quote(string name) => "\"" + name.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    public void Dispose()
    {
        if (IsPooled)
            ForgetSettings();
        _connection.Dispose();
        _relay?.Dispose();
    }

    // A pooler usually does so itself between two clients (server_reset_query).
    private void ForgetSettings()
    {
        try
        {
            using var command = new NpgsqlCommand("DISCARD ALL", _connection);
            command.ExecuteNonQuery();
        }
        catch (Exception exception) when (exception is NpgsqlException or InvalidOperationException or IOException)
        {
            // In a transaction it is refused; the pooler closes a connection whose client leaves there.
        }
    }

    private static void Cancel(NpgsqlCopyTextReader reader)
    {
        try
        {
            reader.Cancel();
        }
        catch (Exception exception) when (IsDriverFailure(exception) || exception is InvalidOperationException)
        {
            // A read that was cancelled, or failed, has ended the session already; that is the failure to tell.
        }
    }

    private static async Task CancelAsync(NpgsqlCopyTextWriter writer)
    {
        try
        {
            await writer.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (IsDriverFailure(exception) || exception is InvalidOperationException)
        {
            // The server had refused a row before, or has gone; the first failure is the one to tell.
        }
    }

    private static bool IsDriverFailure(Exception exception) =>
        exception is NpgsqlException or System.Net.Sockets.SocketException or TimeoutException or IOException;

    private NpgsqlCommand Command(string sql, object[] parameters)
    {
        var command = new NpgsqlCommand(sql, _connection);
        foreach (object parameter in parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        return command;
    }

    private async Task<T> GuardAsync<T>(Func<Task<T>> work, string action, CancellationToken cancellationToken)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (Exception exception) when (IsDriverFailure(exception))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw PostgreSqlFailures.From(exception, Server, Database, action);
        }
        catch (InvalidOperationException exception) when (_connection.State != System.Data.ConnectionState.Open)
        {
            // The server ended the session before; the driver takes a further statement for a mistake of the program.
            cancellationToken.ThrowIfCancellationRequested();
            throw PostgreSqlFailures.From(new NpgsqlException("the connection is closed", exception), Server, Database, action);
        }
        catch (System.Text.DecoderFallbackException exception)
        {
            throw new BackupFailure(
                ErrorCodes.SourceUnreadable,
                FailureCategory.InvalidData,
                $"The database '{Database}' has names or texts in its catalogue that are not valid UTF-8, as a database with the encoding SQL_ASCII may.",
                "Rename what pg_dump shows with strange letters (ALTER TABLE … RENAME TO …), or dump it with pg_dump by hand and import that with Import-DbBackup.",
                exception)
            { Target = Server.LocationOf(Database) };
        }
    }
}
