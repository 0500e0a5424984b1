using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using DbBackup.Engine.Engines.PostgreSql.Dump.Ranges;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Payloads.Patches;

namespace DbBackup.Engine.Engines.PostgreSql.Dump.Unchanged;

/// <summary>The rows of large tables in a full backup's archive.</summary>
/// <param name="archive">The archive; it stays the caller's.</param>
/// <param name="catalog">Where they stand in it.</param>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore holds nothing until its wait handle is asked for, and readers may be left when the dump is given up.")]
internal sealed class EarlierRows(ParentPayload archive, RangeCatalog catalog)
{
    // To unpack the archive is faster than to read the server, and the archive has other readers, which find what changed.
    private readonly SemaphoreSlim _reading = new(1);

    /// <summary>Where they stand in it.</summary>
    public RangeCatalog Catalog => catalog;

    /// <summary>Reads what a full backup wrote down.</summary>
    /// <param name="archive">The archive; it stays the caller's.</param>
    /// <param name="catalog">As it is stored.</param>
    /// <returns>Null if it is of another version.</returns>
    /// <exception cref="InvalidDataException">It cannot be read.</exception>
    public static EarlierRows? Read(ParentPayload archive, ReadOnlyMemory<byte> catalog) =>
        RangeCatalog.Read(catalog) is { } read ? new EarlierRows(archive, read) : null;

    /// <summary>Gives the rows of a range.</summary>
    /// <param name="range">The range.</param>
    /// <param name="pieces">Takes them, in buffers with <see cref="RangedRows.FreeBytes"/> before the rows.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ParentDamagedException">The archive is damaged.</exception>
    public async Task CopyAsync(DumpedRange range, ChannelWriter<ArraySegment<byte>> pieces, CancellationToken cancellationToken)
    {
        byte[] length = new byte[1 + catalog.IntegerBytes];
        for (long at = range.Offset, end = range.Offset + range.Length; at < end;)
        {
            await ReadAsync(at, length, cancellationToken).ConfigureAwait(false);
            long count = ArchiveContents.Integer(length);
            at += length.Length;
            if (count is <= 0 or > RangedRows.PieceBytes || at + count > end)
                throw new ParentDamagedException("the rows of a table are not where they were", null);
            byte[] buffer = ArrayPool<byte>.Shared.Rent(RangedRows.FreeBytes + RangedRows.PieceBytes);
            await ReadAsync(at, buffer.AsMemory(RangedRows.FreeBytes, (int)count), cancellationToken).ConfigureAwait(false);
            at += count;
            await pieces.WriteAsync(new ArraySegment<byte>(buffer, RangedRows.FreeBytes, (int)count), cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task ReadAsync(long offset, Memory<byte> target, CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await archive.ReadAsync(offset, target, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is InvalidDataException or BackupException { Category: FailureCategory.InvalidData })
        {
            throw new ParentDamagedException(exception.Message, exception);
        }
        finally
        {
            _reading.Release();
        }
    }
}
