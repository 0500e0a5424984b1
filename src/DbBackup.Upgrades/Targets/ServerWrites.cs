using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Upgrades.Targets;

/// <summary>How many rows were written on a server, as it counts them itself. After a crash it counts from the start again.</summary>
internal static class ServerWrites
{
    private const string Sql = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_user_tables WHERE schemaname !~ '^pg_temp'";
    private const string Counting = "counting written rows";

    /// <summary>Counts what was written until now, by database.</summary>
    public static async Task<IReadOnlyDictionary<string, long>> CountAsync(PostgreSqlConnectionRequest connection, CancellationToken cancellationToken)
    {
        PostgreSqlConnectionSettings settings = await PostgreSqlServer.ResolveAsync(connection, cancellationToken).ConfigureAwait(false);
        var written = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (string database in await PostgreSqlServer.DatabasesAsync(settings, cancellationToken).ConfigureAwait(false))
        {
            using PostgreSqlSession session = await PostgreSqlSession.OpenAsync(settings, database, cancellationToken).ConfigureAwait(false);
            written[database] = await session.NumberAsync(Sql, Counting, cancellationToken).ConfigureAwait(false);
        }

        return written;
    }

    /// <summary>Lists the databases in which rows were written between two counts.</summary>
    /// <returns>Empty if there are none; null if a count went back, so that it is not known.</returns>
    public static IReadOnlyList<string>? Between(IReadOnlyDictionary<string, long> before, IReadOnlyDictionary<string, long> now)
    {
        (string Database, long Rows)[] written = [.. now.Select(each => (each.Key, each.Value - before.GetValueOrDefault(each.Key))).Where(each => each.Item2 != 0)];
        return Array.Exists(written, each => each.Rows < 0) ? null : [.. written.Select(each => string.Create(CultureInfo.InvariantCulture, $"{each.Rows} in '{each.Database}'"))];
    }

    /// <summary>Warns of rows that users have written on a new server, before it is left. A failure stops nothing.</summary>
    /// <param name="connection">The new server.</param>
    /// <param name="before">The count before its users came; null if it is not known.</param>
    /// <param name="stays">Where those rows stay, as a sentence.</param>
    /// <param name="observer">Receives the warning.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task WarnAsync(PostgreSqlConnectionRequest connection, IReadOnlyDictionary<string, long>? before, string stays, IOperationObserver observer, CancellationToken cancellationToken)
    {
        try
        {
            IReadOnlyList<string>? written = before is null ? null : Between(before, await CountAsync(connection, cancellationToken).ConfigureAwait(false));
            if (written is null)
                observer.Warning($"How many rows were written to the new server is unknown. {stays}");
            else if (written.Count > 0)
                observer.Warning($"Rows were inserted, updated or deleted on the new server: {string.Join(", ", written)}. {stays}");
        }
        catch (BackupException failure)
        {
            observer.Warning($"How many rows were written to the new server is unknown: {failure.Message} {stays}");
        }
    }
}
