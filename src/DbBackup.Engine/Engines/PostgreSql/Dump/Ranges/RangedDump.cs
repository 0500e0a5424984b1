using DbBackup.Engine.Engines.PostgreSql.Dump.Unchanged;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Dump.Ranges;

/// <summary>The large tables of a dump whose rows pg_dump leaves out, and the sessions that read them instead.</summary>
internal sealed class RangedDump : IDisposable
{
    private readonly IReadOnlyList<RangedTable> _tables;
    private readonly RangeSessions _sessions;
    private readonly Lock _ending = new();
    private bool _isDisposed;

    private RangedDump(IReadOnlyList<RangedTable> tables, RangeSessions sessions, ReadOnlyMemory<byte> contents, IReadOnlyList<int> dumpIds, ArchiveContents archive)
    {
        (_tables, _sessions) = (tables, sessions);
        (Contents, DumpIds, Archive) = (contents, dumpIds, archive);
    }

    /// <summary>The table of contents of the dump with the rows that pg_dump leaves out.</summary>
    public ReadOnlyMemory<byte> Contents { get; }

    /// <summary>The same, read.</summary>
    public ArchiveContents Archive { get; }

    /// <summary>The numbers of the entries for those rows, in the order in which they come.</summary>
    public IReadOnlyList<int> DumpIds { get; }

    /// <summary>Gets ready, once pg_dump has its locks.</summary>
    /// <param name="source">The database.</param>
    /// <param name="snapshot">The snapshot that pg_dump sees.</param>
    /// <param name="tables">The tables.</param>
    /// <param name="contents">The table of contents that pg_dump wrote.</param>
    /// <param name="spare">How many more sessions the dump needs.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>Null if pg_dump has to read them itself: another session waits for one of the tables, connections are few, or the archive is of a form that is not known here.</returns>
    public static async Task<RangedDump?> TryBeginAsync(
        PostgreSqlSource source, string snapshot, IReadOnlyList<RangedTable> tables, ReadOnlyMemory<byte> contents, int spare, CancellationToken cancellationToken)
    {
        if (ArchiveAddition.TryAdd(contents.Span, [.. tables.Select(table => table.Entry)]) is not var (added, ids)
            || !ArchiveContents.TryRead(added, out ArchiveContents? archive, out _) || archive is null)
            return null;
        RangeSessions? sessions = await RangeSessions.OpenAsync(source, source.Jobs, spare, snapshot, tables, cancellationToken).ConfigureAwait(false);
        return sessions is null ? null : new RangedDump(tables, sessions, added, ids, archive);
    }

    /// <summary>The tables.</summary>
    public IReadOnlyList<RangedTable> Tables => _tables;

    /// <summary>What is taken from a full backup and not read; null for nothing.</summary>
    public UnchangedRanges? Unchanged { get; set; }

    /// <summary>The rows, once they are read.</summary>
    public RangedRows? Rows { get; private set; }

    /// <summary>Begins to read the rows.</summary>
    /// <exception cref="ObjectDisposedException">The dump was ended meanwhile.</exception>
    public RangedRows Read(CancellationToken cancellationToken)
    {
        lock (_ending)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return Rows = new RangedRows(_tables, _sessions.All, Unchanged, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_ending)
            _isDisposed = true;
        Rows?.Stop();
        _sessions.Dispose();
    }
}
