using System.Buffers;
using DbBackup.Engine.Engines.PostgreSql.Dump.Ranges;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>
/// The archive that pg_dump writes, in the custom format and not compressed, with its chunks merged, and behind its own data those of the
/// tables that are read in ranges beside it. What comes out is one archive, as pg_dump alone would have written it but for the order of the tables.
/// </summary>
/// <param name="contents">The table of contents.</param>
/// <param name="start">What pg_dump has written already behind it.</param>
/// <param name="rest">What it goes on to write; it stays the caller's.</param>
internal sealed class ArchiveStream(ArchiveContents contents, ReadOnlyMemory<byte> start, Stream rest) : ReadOnlyStream
{
    // What pg_dump writes behind the rows of a table (dumpTableData_copy in pg_dump.c).
    private static readonly byte[] s_end = "\\.\n\n\n"u8.ToArray();

    private readonly ArchiveMerger _merger = new(contents);
    private readonly byte[] _read = GC.AllocateUninitializedArray<byte>(1 << 18);
    private ReadOnlyMemory<byte> _start = start;
    private ReadOnlyMemory<byte> _output;
    private byte[]? _rented;
    private bool _isInBlock;
    private bool _isRestRead;
    private int _table;
    private long _position;

    /// <summary>The table of contents that stands at the beginning.</summary>
    public required ReadOnlyMemory<byte> NewContents
    {
        init => _output = value;
    }

    /// <summary>The numbers of the entries whose data come in ranges.</summary>
    public IReadOnlyList<int> Ranged { get; init; } = [];

    /// <summary>Those data, which become this stream's own; null where there are none.</summary>
    public RangedRows? Rows { get; init; }

    /// <summary>Fails unless pg_dump has ended well.</summary>
    public required Func<Task> RequireWholeAsync { get; init; }

    /// <summary>The rows of the tables by their oids, once all has been read.</summary>
    /// <exception cref="InvalidDataException">It is cut off.</exception>
    public async Task<IReadOnlyDictionary<uint, TableRows>> CompleteAsync()
    {
        IReadOnlyDictionary<uint, TableRows> rows = _merger.Complete();
        return Rows is null ? rows : new Dictionary<uint, TableRows>(rows.Concat(await Rows.CompleteAsync().ConfigureAwait(false)));
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        while (_output.IsEmpty)
        {
            if (!(_isRestRead ? await NextRangeAsync(cancellationToken).ConfigureAwait(false) : await NextMergedAsync(cancellationToken).ConfigureAwait(false)))
                return 0;
        }

        int taken = Math.Min(buffer.Length, _output.Length);
        _output.Span[..taken].CopyTo(buffer.Span);
        _output = _output[taken..];
        _position += taken;
        return taken;
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        Return();
        if (Rows is not null)
            await Rows.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask<bool> NextMergedAsync(CancellationToken cancellationToken)
    {
        if (!_start.IsEmpty)
        {
            _merger.Append(_start.Span);
            _start = default;
        }
        else
        {
            int read = await rest.ReadAsync(_read, cancellationToken).ConfigureAwait(false);
            _merger.Append(_read.AsSpan(0, read));
            _isRestRead = read == 0;
            // A large table is not read for a dump that has failed.
            if (_isRestRead)
                await RequireWholeAsync().ConfigureAwait(false);
        }

        _output = _merger.TakeOutput();
        return true;
    }

    // A block is its mark, the number of its entry, chunks, and the length 0.
    private async ValueTask<bool> NextRangeAsync(CancellationToken cancellationToken)
    {
        Return();
        if (_table == Ranged.Count)
            return false;
        if (!_isInBlock)
        {
            _isInBlock = true;
            _output = (byte[])[ArchiveBlocks.DataBlock, .. Integer(Ranged[_table])];
        }
        else if (await Rows!.NextAsync(_table, _position, cancellationToken).ConfigureAwait(false) is { } piece)
        {
            _rented = piece.Array;
            ReadOnlySpan<byte> length = Integer(piece.Count);
            int at = piece.Offset - length.Length;
            length.CopyTo(_rented.AsSpan(at));
            _output = _rented.AsMemory(at, length.Length + piece.Count);
        }
        else
        {
            _output = (byte[])[.. Integer(s_end.Length), .. s_end, .. Integer(0)];
            _isInBlock = false;
            _table++;
        }

        return true;
    }

    private void Return()
    {
        if (_rented is not null)
            ArrayPool<byte>.Shared.Return(_rented);
        _rented = null;
    }

    private ReadOnlySpan<byte> Integer(long value) => ArchiveContents.WriteInteger(new byte[1 + sizeof(long)], value, contents.IntegerBytes);
}
