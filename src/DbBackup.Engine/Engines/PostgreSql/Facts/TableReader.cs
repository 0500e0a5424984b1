using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Facts;

/// <summary>
/// Reads tables as pg_dump reads them, by COPY: no view, rule, cast, index or function of the database's own is evaluated, and the text
/// of a row is the one that a dump holds.
/// </summary>
internal sealed class TableReader
{
    private const string Reading = "reading the rows";
    private readonly PostgreSqlSession _session;
    private readonly bool _content;
    private readonly IReadOnlyDictionary<string, string> _narrowest;

    private TableReader(PostgreSqlSession session, bool content, IReadOnlyDictionary<string, string> narrowest)
    {
        _session = session;
        _content = content;
        _narrowest = narrowest;
    }

    /// <summary>Gets ready.</summary>
    /// <param name="session">A session that nobody else uses meanwhile.</param>
    /// <param name="content">True if contents are read; false if rows are only counted, for which a column is enough.</param>
    /// <param name="cancellationToken">Cancels the question to the catalogue.</param>
    public static async Task<TableReader> OpenAsync(PostgreSqlSession session, bool content, CancellationToken cancellationToken) =>
        new(session, content, content ? new Dictionary<string, string>() : await NarrowestColumnsAsync(session, cancellationToken).ConfigureAwait(false));

    /// <summary>Reads a table.</summary>
    /// <param name="table">Its name, quoted as SQL needs it.</param>
    /// <param name="columns">Its columns in the order wanted, without quotes; null for the order in which it has them.</param>
    /// <param name="inUtc">True if times with a zone count as they are in UTC: text may hold some in other zones.</param>
    /// <param name="cancellationToken">Cancels the statement.</param>
    public async Task<TableRows> ReadAsync(string table, IReadOnlyList<string>? columns, bool inUtc, CancellationToken cancellationToken)
    {
        if (!_content && _narrowest.TryGetValue(table, out string? narrowest))
            columns = [narrowest];
        string list = columns is { Count: > 0 } ? $" ({string.Join(", ", columns.Select(column => AsciiName.Of(_session, PostgreSqlSession.Quote(column))))})" : string.Empty;
        var rows = new CopyRows(inUtc);
        await _session.CopyAsync($"COPY {AsciiName.Of(_session, table)}{list} TO STDOUT", bytes => rows.Append(bytes), Reading, cancellationToken).ConfigureAwait(false);
        TableRows result = rows.Result(asUtc: inUtc);
        return _content ? result : result with { Hash = null };
    }

    // Of a type of the server's own and of fixed length, where there is one: the least to send.
    private static async Task<IReadOnlyDictionary<string, string>> NarrowestColumnsAsync(PostgreSqlSession session, CancellationToken cancellationToken)
    {
        List<(string Table, string Column)> found = await session.RowsAsync(
            string.Create(CultureInfo.InvariantCulture, $"""
            SELECT DISTINCT ON (c.oid) quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname::text
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
            WHERE c.relkind = 'r' AND {PostgreSqlCatalog.UserSchema} AND a.attnum > 0 AND NOT a.attisdropped AND t.typnamespace = 'pg_catalog'::regnamespace
                  {(session.ServerMajor >= 12 ? "AND a.attgenerated = ''" : string.Empty)}
            ORDER BY c.oid, a.attlen < 0, a.attlen, a.attnum
            """),
            row => (row.GetString(0), row.GetString(1)),
            Reading,
            cancellationToken).ConfigureAwait(false);
        return found.ToDictionary(pair => pair.Table, pair => pair.Column, StringComparer.Ordinal);
    }
}
