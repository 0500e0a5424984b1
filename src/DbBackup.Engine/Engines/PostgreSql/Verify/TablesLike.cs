using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Verify;

/// <summary>Reads the rows of tables in the way in which those of a fingerprint were read, so that the two can be compared.</summary>
internal sealed class TablesLike : IDisposable
{
    // As the dump has it: bytes in the database's own encoding, amounts of money in its own currency.
    private const string Settings = "SET client_encoding = 'SQL_ASCII'; RESET lc_monetary";
    private const string AsHex = "SET bytea_output = hex";
    private const string AsEscapes = "SET bytea_output = escape";

    private const string Reading = "reading the rows";
    private readonly PostgreSqlSession _session;
    private readonly ILookup<string, TableFingerprint> _known;
    private readonly TableReader _counter;
    private readonly TableReader _reader;
    private readonly RangedReader _ranges;

    private TablesLike(PostgreSqlSession session, ILookup<string, TableFingerprint> known, TableReader counter, TableReader reader, RangedReader ranges) =>
        (_session, _known, _counter, _reader, _ranges) = (session, known, counter, reader, ranges);

    /// <summary>Gets a session ready that is used for nothing else until <see cref="CloseAsync"/>.</summary>
    /// <param name="session">The session.</param>
    /// <param name="expected">The fingerprint.</param>
    /// <param name="cancellationToken">Cancels the running statement.</param>
    /// <param name="jobs">How many sessions read a large table at once; more than one only if no other session writes the database.</param>
    public static async Task<TablesLike> OpenAsync(PostgreSqlSession session, Fingerprint expected, CancellationToken cancellationToken, int jobs = 1)
    {
        // A manifest may name a table twice.
        ILookup<string, TableFingerprint> known = expected.Tables.ToLookup(table => table.Name, StringComparer.Ordinal);
        TableReader counter = await TableReader.OpenAsync(session, content: false, cancellationToken).ConfigureAwait(false);
        TableReader reader = await TableReader.OpenAsync(session, content: true, cancellationToken).ConfigureAwait(false);
        await session.ExecuteAsync(Settings, Reading, cancellationToken).ConfigureAwait(false);
        return new TablesLike(session, known, counter, reader, new RangedReader(session, jobs, Settings));
    }

    /// <summary>Gives the session the settings back that it had.</summary>
    public Task CloseAsync(CancellationToken cancellationToken) => _session.ExecuteAsync("SET client_encoding = 'UTF8'; SET lc_monetary = 'C'", Reading, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _ranges.Dispose();

    /// <summary>The tables that are counted together, by the name under which the fingerprint has them.</summary>
    /// <remarks>Partitions that are loaded through their root are counted together: which of them gets a row is the server's business.</remarks>
    public IEnumerable<IGrouping<string, PostgreSqlTable>> PlacesOf(IEnumerable<PostgreSqlTable> tables) =>
        tables.Where(table => table.HasRows).GroupBy(table => table.Root is { } root && _known.Contains(root) ? root : table.Name, StringComparer.Ordinal);

    /// <summary>Reads tables that are counted together.</summary>
    public async Task<TableFingerprint> ReadAsync(IGrouping<string, PostgreSqlTable> place, CancellationToken cancellationToken)
    {
        TableFingerprint? wanted = _known[place.Key].FirstOrDefault();
        TableRows rows = wanted is not null && CopyRows.IsKnown(wanted.ContentHash)
            ? await ReadLikeAsync([.. place], wanted, cancellationToken).ConfigureAwait(false)
            : await SumAsync(place, table => _counter.ReadAsync(table.Name, columns: null, inUtc: false, cancellationToken)).ConfigureAwait(false);
        return new TableFingerprint(place.Key, rows.Count) { ContentHash = rows.Hash };
    }

    // A dump has bytea in the form that the database, the role or a script had set, and does not say which.
    private async Task<TableRows> ReadLikeAsync(IReadOnlyList<PostgreSqlTable> tables, TableFingerprint wanted, CancellationToken cancellationToken)
    {
        bool inUtc = CopyRows.IsUtc(wanted.ContentHash);
        async Task<TableRows> ReadAsync(PostgreSqlTable table, string form) =>
            await _ranges.ReadAsync(table, wanted.Columns, inUtc, form, cancellationToken).ConfigureAwait(false)
            ?? await _reader.ReadAsync(table.Name, wanted.Columns, inUtc, cancellationToken).ConfigureAwait(false);
        TableRows rows = await SumAsync(tables, table => ReadAsync(table, AsHex)).ConfigureAwait(false);
        if (rows.Count != wanted.Rows || rows.Hash == wanted.ContentHash)
            return rows;
        await _session.ExecuteAsync(AsEscapes, Reading, cancellationToken).ConfigureAwait(false);
        TableRows escaped = await SumAsync(tables, table => ReadAsync(table, AsEscapes)).ConfigureAwait(false);
        await _session.ExecuteAsync(AsHex, Reading, cancellationToken).ConfigureAwait(false);
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
