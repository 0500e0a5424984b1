using System.Globalization;
using Npgsql;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>
/// Recognizes a connection pooler. Its connections to the server outlive their clients: a setting that one client makes, as pg_dump makes
/// <c>search_path</c> empty, is the next client's, whose tables are then not found. Nothing here makes a setting.
/// </summary>
internal static class Pooler
{
    // Every one of these holds a connection of the pool for a moment.
    private const int MostProbes = 3;

    // A pool that gives no second connection in this time has one for each client.
    private const int ProbeTimeoutSeconds = 3;

    // What a statement is refused with where each may go to another connection (pool_mode = statement).
    private const string Refused = "08P01";

    /// <summary>True if a connection does not end at the server: who is between gives a process id of its own.</summary>
    public static async Task<bool> IsBetweenAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        await BackendAsync(connection, 0, cancellationToken).ConfigureAwait(false) != connection.ProcessID;

    /// <summary>
    /// True if a pooler gives the connections to the server to other clients between two transactions. A client that keeps its connection as
    /// long as it likes has the same one again after others were given theirs, and theirs are others.
    /// </summary>
    /// <param name="connection">A connection through the pooler.</param>
    /// <param name="text">The connection string for more of them.</param>
    /// <param name="cancellationToken">Stops the probes.</param>
    public static async Task<bool> SharesConnectionsAsync(NpgsqlConnection connection, string text, CancellationToken cancellationToken)
    {
        var probes = new List<NpgsqlConnection>();
        try
        {
            long own = await BackendAsync(connection, 0, cancellationToken).ConfigureAwait(false);
            for (int probe = 0; probe < MostProbes; probe++)
            {
                var other = new NpgsqlConnection(text);
                probes.Add(other);
                await other.OpenAsync(cancellationToken).ConfigureAwait(false);
                using (var begin = new NpgsqlCommand("BEGIN", other) { CommandTimeout = ProbeTimeoutSeconds })
                    await begin.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
                if (await BackendAsync(other, ProbeTimeoutSeconds, cancellationToken).ConfigureAwait(false) == own
                    || await BackendAsync(connection, 0, cancellationToken).ConfigureAwait(false) != own)
                {
                    return true;
                }
            }

            return false;
        }
        catch (PostgresException refused) when (refused.SqlState == Refused)
        {
            return true;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            // A pooler closes its connection where a client leaves in a transaction; it is rolled back first, so that the pool keeps it.
            foreach (NpgsqlConnection probe in probes)
                await LeaveAsync(probe).ConfigureAwait(false);
        }
    }

    /// <summary>The failure for a pooler that shares its connections, or that stands before a server on which databases are to be made.</summary>
    /// <param name="connection">The connection through it.</param>
    /// <param name="settings">How it was named.</param>
    /// <param name="database">The database.</param>
    /// <param name="reason">Why it cannot be used.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    public static async Task<BackupFailure> InTheWayAsync(
        NpgsqlConnection connection, PostgreSqlConnectionSettings settings, string? database, string reason, CancellationToken cancellationToken)
    {
        string server;
        using (var address = new NpgsqlCommand("SELECT host(inet_server_addr()), coalesce(inet_server_port(), current_setting('port')::integer)", connection))
        using (NpgsqlDataReader reader = await address.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false))
        {
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            string port = reader.GetInt32(1).ToString(CultureInfo.InvariantCulture);
            server = reader.IsDBNull(0) ? $"-HostName {settings.Host} -Port {port} (the pooler reaches it by a socket)" : $"-HostName {reader.GetString(0)} -Port {port} (as the pooler reaches it)";
        }

        return Failure(settings, database, reason, $"Name the server itself in place of the pooler: {server}.");
    }

    /// <summary>The same where the pooler refused the connection, so that nothing is known of the server.</summary>
    public static BackupFailure Failure(PostgreSqlConnectionSettings settings, string? database, string reason, string? hint = null, Exception? cause = null) => new(
        ErrorCodes.ConnectionPooled,
        FailureCategory.Refused,
        $"{PostgreSqlFailures.Server(settings)} is a connection pooler, such as pgbouncer: {reason}. Nothing was changed.",
        hint ?? "Name the server itself in place of the pooler (-HostName, -Port).",
        cause)
    { Target = settings.LocationOf(database) };

    private static async Task LeaveAsync(NpgsqlConnection probe)
    {
        try
        {
            using var rollback = new NpgsqlCommand("ROLLBACK", probe) { CommandTimeout = ProbeTimeoutSeconds };
            await rollback.ExecuteNonQueryAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or InvalidOperationException)
        {
            // It was not connected, or is not any more.
        }

        await probe.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task<long> BackendAsync(NpgsqlConnection connection, int timeoutSeconds, CancellationToken cancellationToken)
    {
        using var command = new NpgsqlCommand("SELECT pg_backend_pid()", connection) { CommandTimeout = timeoutSeconds };
        return Convert.ToInt64(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false), CultureInfo.InvariantCulture);
    }
}
