using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump.Ranges;

namespace DbBackup.Engine.Engines.PostgreSql.Dump.Unchanged;

/// <summary>
/// Keeps a dump from reading what a full backup has already, and notes for later backups what this one has. Where it cannot, all is read, and
/// the backup is as good.
/// </summary>
/// <param name="source">The database.</param>
/// <param name="start">The place in the server's log before the snapshot.</param>
/// <param name="ranges">The large tables, which are locked.</param>
/// <param name="observer">Receives what was done, and why something was not.</param>
internal sealed class WalTracking(PostgreSqlSource source, WalStart start, RangedDump ranges, IOperationObserver observer)
{
    /// <summary>Finds what need not be read.</summary>
    /// <param name="earlier">The full backup's rows.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<UnchangedRanges?> FindAsync(EarlierRows earlier, CancellationToken cancellationToken)
    {
        (UnchangedRanges? found, string? reason) = await TryAsync<UnchangedRanges>(
            async session => await UnchangedRanges.FindAsync(session, start, ranges.Tables, earlier, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        if (found is { Count: var (all, unchanged) })
            observer.Verbose(string.Create(CultureInfo.InvariantCulture, $"{unchanged} of {all} ranges of the large tables of '{source.Database}' are unchanged by the server's summaries of its log, and are not read."));
        else
            observer.Verbose($"All rows of '{source.Database}' are read: {reason}.");
        return found;
    }

    /// <summary>Notes the dump for later backups; begins while it runs.</summary>
    /// <param name="integerBytes">How many bytes an integer of the archive has, beside its sign.</param>
    /// <param name="dumped">Ends when all rows are stored.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>What is to be stored of it; empty if later backups have to read all.</returns>
    public async Task<ReadOnlyMemory<byte>> NoteAsync(int integerBytes, Task dumped, CancellationToken cancellationToken)
    {
        (RangeCatalog? catalog, string? reason) = await TryAsync<RangeCatalog>(
            async session =>
            {
                IReadOnlyDictionary<uint, TableShape> before = await TableShape.OfAsync(session, ranges.Tables, cancellationToken).ConfigureAwait(false);
                WalMark mark = await WalMark.TakeAsync(session, start, cancellationToken).ConfigureAwait(false);
                await dumped.WaitAsync(cancellationToken).ConfigureAwait(false);
                // The labels of an enum may be renamed while its table is locked.
                IReadOnlyDictionary<uint, TableShape> after = await TableShape.OfAsync(session, ranges.Tables, cancellationToken).ConfigureAwait(false);
                DumpedTable[] tables =
                [
                    .. ranges.Tables.Select((table, index) => (table.Table.ObjectId, Index: index))
                        .Where(table => before.TryGetValue(table.ObjectId, out TableShape? shape) && shape == after.GetValueOrDefault(table.ObjectId))
                        .Select(table => new DumpedTable(table.ObjectId, before[table.ObjectId], ranges.Rows!.Dumped[table.Index])),
                ];
                return tables.Length > 0 ? (new RangeCatalog(mark, integerBytes, tables), null) : (null, "the text of their rows may change although no block of theirs does");
            },
            cancellationToken).ConfigureAwait(false);
        if (catalog is not null)
            return catalog.ToBytes();
        observer.Verbose($"Incremental backups after this one read all rows of the large tables of '{source.Database}': {reason}.");
        return default;
    }

    private async Task<(T? Result, string? Reason)> TryAsync<T>(Func<PostgreSqlSession, Task<(T? Result, string? Reason)>> ask, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            using PostgreSqlSession session = await source.OpenAsync(cancellationToken).ConfigureAwait(false);
            return await ask(session).ConfigureAwait(false);
        }
        catch (BackupException refused)
        {
            return (null, refused.Message.TrimEnd('.'));
        }
    }
}
