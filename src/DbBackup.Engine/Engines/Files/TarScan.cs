using System.Formats.Tar;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>Reads a tar entry by entry, and turns whatever is wrong with it into one kind of failure.</summary>
/// <param name="tar">The archive; it stays open.</param>
/// <param name="requireEndMark">True if an archive without the two empty blocks at its end is taken for truncated.</param>
internal sealed class TarScan(Stream tar, bool requireEndMark)
{
    /// <summary>No honest header is larger; a damaged or hostile one must not fill the memory.</summary>
    private const int LargestHeader = 1 << 20;

    /// <summary>The longest path that systems take (PATH_MAX), in bytes of UTF-8.</summary>
    private const int LongestPath = 4096;

    private readonly byte[] _block = new byte[TarHeader.BlockBytes];
    private readonly TarRecords _global = new();
    private byte[] _skip = [];
    private long _content;
    private long _padding;
    private bool _any;

    /// <summary>The next entry, null after the last.</summary>
    /// <exception cref="BackupFailure">The archive is damaged.</exception>
    public async Task<TarItem?> NextAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await ReadHeadersAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is InvalidDataException or FormatException or OverflowException)
        {
            throw Damaged(exception.Message.TrimEnd('.'), exception);
        }
    }

    /// <summary>Reads some of the present entry's content; 0 at its end.</summary>
    /// <exception cref="BackupFailure">The archive is damaged.</exception>
    public async Task<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var wanted = (int)Math.Min(buffer.Length, _content);
        if (wanted == 0)
            return 0;
        var read = await ReadSomeAsync(buffer[..wanted], cancellationToken).ConfigureAwait(false);
        if (read == 0)
            throw Damaged("it ends within an entry", null);
        _content -= read;
        return read;
    }

    internal static BackupFailure Damaged(string how, Exception? exception) => new(
        ErrorCodes.BackupDamaged,
        FailureCategory.InvalidData,
        $"The tar archive is damaged: {how}.",
        "Use another backup; Test-DbBackup tells which ones are whole.",
        exception);

    private async Task<TarItem?> ReadHeadersAsync(CancellationToken cancellationToken)
    {
        // A global header's extended attributes are no file's own.
        var records = new TarRecords();
        foreach ((string key, string value) in _global.Texts)
            records.Texts[key] = value;
        var extended = false;
        while (true)
        {
            await SkipAsync(cancellationToken).ConfigureAwait(false);
            if (!await ReadBlockAsync(cancellationToken).ConfigureAwait(false))
            {
                if (requireEndMark || extended || !_any)
                    throw Damaged(_any || extended ? "its end is missing" : "it is empty", null);
                return null;
            }

            if (!_block.AsSpan().ContainsAnyExcept((byte)0))
            {
                if (extended)
                    throw Damaged("it ends after an extended header", null);
                await CheckEndAsync(cancellationToken).ConfigureAwait(false);
                return null;
            }

            var item = TarHeader.Read(_block, records);
            _any = true;
            var isHeader = item.EntryType is TarEntryType.ExtendedAttributes or TarEntryType.GlobalExtendedAttributes
                or TarEntryType.LongPath or TarEntryType.LongLink;
            if (isHeader)
                item = TarHeader.Read(_block, new TarRecords());
            _content = item.Length;
            _padding = (TarHeader.BlockBytes - (item.Length % TarHeader.BlockBytes)) % TarHeader.BlockBytes;
            if (!isHeader)
            {
                RefuseLongPaths(item);
                RefuseWhatIsNotPlain(item, records);
                return item;
            }

            extended = item.EntryType != TarEntryType.GlobalExtendedAttributes;
            var data = await ReadHeaderDataAsync(item.Length, cancellationToken).ConfigureAwait(false);
            switch (item.EntryType)
            {
                case TarEntryType.LongPath:
                    records.Texts["path"] = TarHeader.Text(data);
                    break;
                case TarEntryType.LongLink:
                    records.Texts["linkpath"] = TarHeader.Text(data);
                    break;
                case TarEntryType.GlobalExtendedAttributes:
                    TarHeader.ReadRecords(data, _global);
                    TarHeader.ReadRecords(data, records);
                    break;
                default:
                    TarHeader.ReadRecords(data, records);
                    break;
            }
        }
    }

    private static void RefuseLongPaths(TarItem item)
    {
        foreach (string path in (string[])[item.Name, item.LinkName])
        {
            if (path.Length > LongestPath || RawName.ByteCount(path) > LongestPath)
            {
                throw new BackupFailure(
                    ErrorCodes.UnsafeContent,
                    FailureCategory.InvalidData,
                    $"The archive holds a path of {path.Length} characters, which no system takes: '{WarningLog.Shown(path[..60])}…'.",
                    "Make the archive again from a folder whose paths are shorter, or extract it with GNU tar and look.");
            }
        }
    }

    /// <summary>Each of these changes the meaning of the bytes that follow; taken as plain files they would be restored wrong.</summary>
    private static void RefuseWhatIsNotPlain(TarItem item, TarRecords records)
    {
        if (item.EntryType is TarEntryType.SymbolicLink or TarEntryType.HardLink && (item.LinkName.Length == 0 || item.LinkName.Contains('\0', StringComparison.Ordinal)))
            throw Damaged($"'{WarningLog.Shown(item.Name)}' is a link to nothing", null);
        if (item.EntryType is TarEntryType.SparseFile or TarEntryType.MultiVolume
            || records.Texts.ContainsKey(TarHeader.Sparse))
        {
            throw new BackupFailure(
                ErrorCodes.FormatNotSupported,
                FailureCategory.NotSupported,
                $"The archive holds '{WarningLog.Shown(item.Name)}' as a sparse or multi-volume entry, which is not read here.",
                "Extract it with GNU tar, and make a new archive without --sparse or --multi-volume.");
        }
    }

    private async Task<byte[]> ReadHeaderDataAsync(long length, CancellationToken cancellationToken)
    {
        if (length > LargestHeader)
            throw new InvalidDataException("an extended header is too large");
        var data = new byte[length];
        var filled = 0;
        while (filled < data.Length)
            filled += await ReadAsync(data.AsMemory(filled), cancellationToken).ConfigureAwait(false);
        return data;
    }

    private async Task SkipAsync(CancellationToken cancellationToken)
    {
        if (_content + _padding > 0 && _skip.Length == 0)
            _skip = new byte[1 << 16];
        _content += _padding;
        _padding = 0;
        while (_content > 0)
            await ReadAsync(_skip, cancellationToken).ConfigureAwait(false);
    }

    /// <returns>False when the stream ends before the block.</returns>
    private async Task<bool> ReadBlockAsync(CancellationToken cancellationToken)
    {
        var filled = 0;
        while (filled < _block.Length)
        {
            var read = await ReadSomeAsync(_block.AsMemory(filled), cancellationToken).ConfigureAwait(false);
            if (read == 0 && filled > 0)
                throw Damaged("it ends within a header", null);
            if (read == 0)
                return false;
            filled += read;
        }

        return true;
    }

    /// <summary>Reads the rest too: whoever hashes or decompresses behind this stream must see its end.</summary>
    private async Task CheckEndAsync(CancellationToken cancellationToken)
    {
        var rest = new byte[1 << 16];
        long mark = TarHeader.BlockBytes;
        var zeros = true;
        int read;
        while ((read = await ReadSomeAsync(rest, cancellationToken).ConfigureAwait(false)) > 0)
        {
            mark += read;
            zeros &= !rest.AsSpan(0, read).ContainsAnyExcept((byte)0);
        }

        if (requireEndMark && mark < 2 * TarHeader.BlockBytes)
            throw Damaged("its end is missing", null);
        if (requireEndMark && !zeros)
            throw Damaged("there is something after its end", null);
    }

    private async ValueTask<int> ReadSomeAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await tar.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (EndOfStreamException exception)
        {
            throw Damaged("it ends in the middle", exception);
        }
        catch (IOException exception)
        {
            throw new BackupFailure(
                ErrorCodes.ReadFailed,
                FailureCategory.ReadError,
                $"Reading the tar archive failed: {exception.Message}",
                "Check the disk or share that holds it.",
                exception);
        }
    }
}
