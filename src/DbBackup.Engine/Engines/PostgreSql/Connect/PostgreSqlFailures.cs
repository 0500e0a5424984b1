using System.Net.Sockets;
using Npgsql;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>Turns the driver's exceptions into the product's own. No message of theirs holds a password.</summary>
internal static class PostgreSqlFailures
{
    /// <summary>The failure for an exception of the driver.</summary>
    /// <param name="exception">What the driver threw.</param>
    /// <param name="settings">The server and role.</param>
    /// <param name="database">The database; null where none was named.</param>
    /// <param name="action">What was being done, as in "counting rows".</param>
    public static BackupFailure From(Exception exception, PostgreSqlConnectionSettings settings, string? database, string action)
    {
        string server = Server(settings);
        string target = settings.LocationOf(database);
        return exception switch
        {
            PostgresException error => FromServer(error, settings, database, action),
            NpgsqlException { InnerException: PostgresException error } => FromServer(error, settings, database, action),
            NpgsqlException or SocketException or TimeoutException or IOException when IsAuthenticationGap(exception) => new BackupFailure(
                ErrorCodes.AuthenticationFailed,
                FailureCategory.PermissionDenied,
                $"{server} asks for a password for the role '{settings.Username}', and none was given.",
                "Give it with -Credential, in the connection string, in $env:PGPASSWORD, or in the password file (~/.pgpass).",
                exception)
            { Target = target },
            NpgsqlException or SocketException or TimeoutException or IOException => new BackupFailure(
                ErrorCodes.ServerUnreachable,
                FailureCategory.Busy,
                $"{server} does not answer while {action}: {Innermost(exception).Message.Trim()}",
                "Check the host, the port, and that the server runs (pg_isready).",
                exception)
            { Target = target, CanRetry = true },
            _ => new BackupFailure(
                ErrorCodes.ServerFailed, FailureCategory.ReadError, $"{server} failed while {action}: {exception.Message}", "Look into the server's log.", exception)
            { Target = target },
        };
    }

    /// <summary>What a pooler says of options that it does not pass on.</summary>
    internal const string PoolerRefusal = "unsupported startup parameter";

    /// <summary>The server as people name it.</summary>
    public static string Server(PostgreSqlConnectionSettings settings) => settings.Route is { } route
        ? char.ToUpperInvariant(route.Description[0]) + route.Description[1..]
        : settings.Host.StartsWith('/') ? $"The server at the socket '{settings.Host}' (port {settings.Port})" : $"The server '{settings.Host}:{settings.Port}'";

    private static BackupFailure FromServer(PostgresException error, PostgreSqlConnectionSettings settings, string? database, string action)
    {
        if (error.MessageText.Contains(PoolerRefusal, StringComparison.Ordinal))
            return Pooler.Failure(settings, database, $"it refuses what the connection asks for ({error.MessageText})", cause: error);
        string server = Server(settings);
        string words = error.MessageText + (error.Detail is { Length: > 0 } detail && error.SqlState != "28P01" ? $" ({detail.TrimEnd('.')})" : string.Empty);
        // The classes are those of https://www.postgresql.org/docs/current/errcodes-appendix.html.
        (string code, FailureCategory category, string message, string hint, bool retry) = error.SqlState switch
        {
            "28P01" or "28000" => (
                ErrorCodes.AuthenticationFailed,
                FailureCategory.PermissionDenied,
                $"{server} refuses the role '{settings.Username}': {words}.",
                "Check user name and password (-Credential, $env:PGPASSWORD, the password file), and pg_hba.conf on the server.",
                false),
            "3D000" => (
                ErrorCodes.SourceNotFound,
                FailureCategory.NotFound,
                $"{server} has no database '{database}'.",
                "Check the name (psql -l lists them); letters' case counts.",
                false),
            "42501" => (
                ErrorCodes.PermissionDenied,
                FailureCategory.PermissionDenied,
                $"Role '{settings.Username}' lacks a privilege needed for {action}: {words}.",
                "Use a role that has it (for backups: one with pg_read_all_data, or the owner), or grant it.",
                false),
            "55P03" => (
                ErrorCodes.SourceLocked,
                FailureCategory.Busy,
                $"A lock in '{database}' was not released in time while {action}: {words}.",
                "Wait for the migration or maintenance that holds it, or give it more time with -LockTimeout.",
                true),
            "53100" => (
                ErrorCodes.NotEnoughSpace,
                FailureCategory.NoSpace,
                $"The disk of {Lower(server)} is full: {words}.",
                "Free some room on the server; what was there before is unchanged.",
                false),
            "53300" => (
                ErrorCodes.ServerUnreachable, FailureCategory.Busy, $"{server} has no connection left: {words}.", "Try again later, or raise max_connections.", true),
            "57P01" or "57P02" or "57P03" or "57P05" or "08006" or "08003" or "08001" => (
                ErrorCodes.ServerUnreachable, FailureCategory.Busy, $"{server} ended the connection while {action}: {words}.", "See why in the server's log, and try again.", true),
            "55006" => (
                ErrorCodes.TargetInUse, FailureCategory.Busy, $"'{database}' is in use while {action}: {words}.", "Stop the application, and try again.", true),
            "54000" or "53200" => (
                ErrorCodes.ServerFailed, FailureCategory.ReadError, $"{server} ran out of memory or locks while {action}: {words}.", "Raise max_locks_per_transaction (many tables need it), or free memory on the server.", false),
            _ => (
                ErrorCodes.ServerFailed, FailureCategory.ReadError, $"{server} failed while {action}: {error.SqlState}: {words}.", "Look into the server's log.", false),
        };
        return new BackupFailure(code, category, message, hint, error) { Target = settings.LocationOf(database), CanRetry = retry };
    }

    // Npgsql says so in words alone, before the server was asked.
    private static bool IsAuthenticationGap(Exception exception) => exception.Message.Contains("No password has been provided", StringComparison.Ordinal);

    private static string Lower(string server) => char.ToLowerInvariant(server[0]) + server[1..];

    private static Exception Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner)
            exception = inner;
        return exception;
    }
}
