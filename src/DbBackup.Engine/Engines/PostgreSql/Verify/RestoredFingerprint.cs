using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Verify;

/// <summary>Takes the facts of a restored PostgreSQL database in the way in which those of the backup were taken.</summary>
internal static class RestoredFingerprint
{
    /// <param name="session">A session in the restored database.</param>
    /// <param name="expected">The backup's facts.</param>
    /// <param name="payload">The payload that was restored.</param>
    /// <param name="otherLocale">True if the database was created with another locale on purpose.</param>
    /// <param name="cancellationToken">Cancels the running query.</param>
    /// <param name="leftOut">Extensions that were left out on purpose; null for none.</param>
    public static async Task<Fingerprint> TakeAsync(
        PostgreSqlSession session, Fingerprint expected, Payload payload, bool otherLocale, CancellationToken cancellationToken, IReadOnlyCollection<string>? leftOut = null)
    {
        List<PostgreSqlTable> tables = await PostgreSqlCatalog.TablesAsync(session, cancellationToken).ConfigureAwait(false);
        bool partial = payload.Database?.IsPartial == true || expected.Settings.Count == 0;
        Fingerprint actual = await PostgreSqlFingerprint.OfCatalogAsync(session, null, expected.Level, tables, partial, cancellationToken, leftOut).ConfigureAwait(false);
        actual = actual with { Tables = await ReadAsync(session, expected, tables, cancellationToken).ConfigureAwait(false) };
        return otherLocale ? actual with { Settings = actual.Settings.Where(setting => setting.Key != "collation").ToDictionary() } : actual;
    }

    private static async Task<List<TableFingerprint>> ReadAsync(PostgreSqlSession session, Fingerprint expected, List<PostgreSqlTable> tables, CancellationToken cancellationToken)
    {
        // A manifest may name a table twice.
        ILookup<string, TableFingerprint> known = expected.Tables.ToLookup(table => table.Name, StringComparer.Ordinal);
        TableReader counter = await TableReader.OpenAsync(session, content: false, cancellationToken).ConfigureAwait(false);
        TableReader reader = await TableReader.OpenAsync(session, content: true, cancellationToken).ConfigureAwait(false);
        var read = new List<TableFingerprint>(tables.Count);
        // As the dump has it: bytes in the database's own encoding, amounts of money in its own currency.
        await session.ExecuteAsync("SET client_encoding = 'SQL_ASCII'; RESET lc_monetary", "reading the rows", cancellationToken).ConfigureAwait(false);
        // Partitions that are loaded through their root are counted together: which of them gets a row is the server's business.
        foreach (IGrouping<string, PostgreSqlTable> place in tables.Where(table => table.HasRows).GroupBy(table => table.Root is { } root && known.Contains(root) ? root : table.Name, StringComparer.Ordinal))
        {
            TableFingerprint? wanted = known[place.Key].FirstOrDefault();
            TableRows rows = wanted is not null && CopyRows.IsKnown(wanted.ContentHash)
                ? await ReadLikeAsync(session, reader, [.. place], wanted, cancellationToken).ConfigureAwait(false)
                : await SumAsync(place, table => counter.ReadAsync(table.Name, columns: null, inUtc: false, cancellationToken)).ConfigureAwait(false);
            read.Add(new TableFingerprint(place.Key, rows.Count) { ContentHash = rows.Hash });
        }

        await session.ExecuteAsync("SET client_encoding = 'UTF8'; SET lc_monetary = 'C'", "reading the rows", cancellationToken).ConfigureAwait(false);
        read.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        return read;
    }

    // A dump has bytea in the form that the database, the role or a script had set, and does not say which.
    private static async Task<TableRows> ReadLikeAsync(
        PostgreSqlSession session, TableReader reader, IReadOnlyList<PostgreSqlTable> tables, TableFingerprint wanted, CancellationToken cancellationToken)
    {
        bool inUtc = CopyRows.IsUtc(wanted.ContentHash);
        Task<TableRows> ReadAsync(PostgreSqlTable table) => reader.ReadAsync(table.Name, wanted.Columns, inUtc, cancellationToken);
        TableRows rows = await SumAsync(tables, ReadAsync).ConfigureAwait(false);
        if (rows.Count != wanted.Rows || rows.Hash == wanted.ContentHash)
            return rows;
        await session.ExecuteAsync("SET bytea_output = escape", "reading the rows", cancellationToken).ConfigureAwait(false);
        TableRows escaped = await SumAsync(tables, ReadAsync).ConfigureAwait(false);
        await session.ExecuteAsync("SET bytea_output = hex", "reading the rows", cancellationToken).ConfigureAwait(false);
        return escaped.Hash == wanted.ContentHash ? escaped : rows;
    }

    private static async Task<TableRows> SumAsync(IEnumerable<PostgreSqlTable> tables, Func<PostgreSqlTable, Task<TableRows>> read)
    {
        TableRows? sum = null;
        foreach (PostgreSqlTable table in tables)
        {
            TableRows rows = await read(table).ConfigureAwait(false);
            sum = sum is { } before ? before + rows : rows;
        }

        return sum ?? new CopyRows().Result();
    }
}
