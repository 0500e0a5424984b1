using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Facts;

namespace DbBackup.Engine.Engines.PostgreSql.Verify;

/// <summary>
/// A PostgreSQL database that is in use, with which backups are compared. All is read in the snapshot of the moment, as a dump would see it,
/// and each table once: the same answer serves all backups that were read in the same way.
/// </summary>
/// <param name="source">The database.</param>
internal sealed class LivePostgreSqlDatabase(PostgreSqlSource source) : ILiveDatabase
{
    private readonly Dictionary<(string Table, string? Kind, string? Columns), TableFingerprint> _read = [];
    private List<PostgreSqlTable>? _tables;
    private Fingerprint? _catalog;
    private string? _revision;
    private SchemaDefinitions? _definitions;
    private bool _hasDefinitions;

    /// <inheritdoc/>
    public string Location => source.Location;

    /// <inheritdoc/>
    public async Task<CaptureFacts> TakeFactsAsync(Fingerprint like, Func<string, bool>? tables, CancellationToken cancellationToken)
    {
        using PostgreSqlSession keeper = await source.OpenAsync(cancellationToken).ConfigureAwait(false);
        string snapshot = await keeper.ExportSnapshotAsync(cancellationToken).ConfigureAwait(false);
        using PostgreSqlSession session = await source.OpenAsync(cancellationToken).ConfigureAwait(false);
        _tables ??= await PostgreSqlCatalog.TablesAsync(keeper, cancellationToken).ConfigureAwait(false);
        if (tables is null && _catalog is null)
        {
            _revision = await PostgreSqlCatalog.SchemaRevisionAsync(keeper, cancellationToken).ConfigureAwait(false);
            _catalog = await PostgreSqlFingerprint.OfCatalogAsync(session, snapshot, like.Level, _tables, partial: false, cancellationToken).ConfigureAwait(false);
        }

        // Older servers write floating point numbers with digits that no backup has.
        if (session.ServerMajor < PostgreSqlCapture.OldestServerOfContent)
            like = like with { Level = FingerprintLevel.Rows, Tables = [.. like.Tables.Select(table => table with { ContentHash = null })] };
        IReadOnlyList<TableFingerprint> rows = await ReadAsync(session, snapshot, like, tables, cancellationToken).ConfigureAwait(false);
        return new CaptureFacts((_catalog ?? new Fingerprint { Level = like.Level, SchemaSha256 = string.Empty, Tables = [] }) with { Level = like.Level, Tables = rows }, _revision);
    }

    /// <inheritdoc/>
    public async Task<SchemaDefinitions?> ReadDefinitionsAsync(CancellationToken cancellationToken)
    {
        if (!_hasDefinitions)
        {
            using PostgreSqlSession session = await source.OpenAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                PostgreSqlClient client = await PostgreSqlClients.ForAsync(session, "pg_dump", cancellationToken).ConfigureAwait(false);
                _definitions = ComparedSchema.Of(await SchemaText.OfDatabaseAsync(session, client, cancellationToken).ConfigureAwait(false));
            }
            catch (BackupException failure) when (failure.Code is ErrorCodes.ToolMissing or ErrorCodes.ClientTooOld)
            {
                _definitions = null;
            }

            _hasDefinitions = true;
        }

        return _definitions;
    }

    private async Task<IReadOnlyList<TableFingerprint>> ReadAsync(
        PostgreSqlSession session, string snapshot, Fingerprint like, Func<string, bool>? tables, CancellationToken cancellationToken)
    {
        ILookup<string, TableFingerprint> known = like.Tables.ToLookup(table => table.Name, StringComparer.Ordinal);
        var read = new List<TableFingerprint>();
        using TablesLike reader = await TablesLike.OpenAsync(session, like, cancellationToken).ConfigureAwait(false);
        // Each batch joins the snapshot in a transaction of its own, so that no more locks are held at once than there are tables in it.
        foreach (IGrouping<string, PostgreSqlTable>[] batch in reader.PlacesOf(_tables!).Where(place => tables?.Invoke(place.Key) != false).Chunk(PostgreSqlFingerprint.TablesInBatch))
        {
            await PostgreSqlFingerprint.InSnapshotAsync(
                session,
                snapshot,
                async () =>
                {
                    foreach (IGrouping<string, PostgreSqlTable> place in batch)
                    {
                        TableFingerprint? wanted = known[place.Key].FirstOrDefault();
                        // The hash that was found may be that of another form of bytea, which was looked for because of the one that was wanted.
                        (string, string?, string?) key = (place.Key, wanted?.ContentHash, wanted?.Columns is null ? null : string.Join('\0', wanted.Columns));
                        if (!_read.TryGetValue(key, out TableFingerprint? found))
                            _read[key] = found = await reader.ReadAsync(place, cancellationToken).ConfigureAwait(false);
                        read.Add(found with { Columns = wanted?.Columns });
                    }
                },
                cancellationToken).ConfigureAwait(false);
        }

        await reader.CloseAsync(cancellationToken).ConfigureAwait(false);
        return [.. read.OrderBy(table => table.Name, StringComparer.Ordinal)];
    }
}
