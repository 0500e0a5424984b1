using System.Formats.Tar;

namespace DbBackup.Engine.Sources.Files;

/// <summary>
/// Reads a tar entry by entry and turns whatever is wrong with it into one kind of failure. The framework's reader takes an
/// archive that is cut off between two entries for a whole one, so the end mark is looked for here.
/// </summary>
internal sealed class TarScan : IDisposable
{
    private const int BlockBytes = 512;
    private readonly CountedStream _stream;
    private readonly TarReader _reader;
    private readonly bool _requireEndMark;
    private long _expectedEnd;
    private bool _anyEntry;

    /// <param name="tar">The archive; it stays open.</param>
    /// <param name="requireEndMark">Whether an archive without the two empty blocks at its end is taken for truncated.</param>
    public TarScan(Stream tar, bool requireEndMark)
    {
        _stream = new CountedStream(tar);
        _reader = new TarReader(_stream, leaveOpen: true);
        _requireEndMark = requireEndMark;
    }

    /// <summary>The next entry, null after the last.</summary>
    /// <exception cref="BackupFailure">The archive is damaged.</exception>
    public async Task<TarEntry?> NextAsync(CancellationToken cancellationToken)
    {
        var entry = await GuardAsync(() => _reader.GetNextEntryAsync(copyData: false, cancellationToken)).ConfigureAwait(false);
        if (entry is null)
        {
            await CheckEndAsync(cancellationToken).ConfigureAwait(false);
            return null;
        }

        _anyEntry = true;
        var length = entry.DataStream is null ? 0 : entry.Length;
        _expectedEnd = _stream.BytesRead + ((length + BlockBytes - 1) / BlockBytes * BlockBytes);

        // Each of these changes the meaning of the bytes that follow; taken as plain files they would be restored wrong.
        if (entry.EntryType is TarEntryType.SparseFile or TarEntryType.MultiVolume
            || (entry is PaxTarEntry pax && pax.ExtendedAttributes.Keys.Any(key => key.StartsWith("GNU.sparse.", StringComparison.Ordinal))))
        {
            throw new BackupFailure(
                ErrorCodes.FormatNotSupported,
                FailureCategory.NotSupported,
                $"The archive holds '{WarningLog.Shown(entry.Name)}' as a sparse or multi-volume entry, which is not read here.",
                "Extract it with GNU tar, and make a new archive without --sparse or --multi-volume.");
        }

        return entry;
    }

    /// <summary>Reads some of an entry's content; 0 at its end.</summary>
    /// <exception cref="BackupFailure">The archive is damaged.</exception>
    public static async Task<int> ReadAsync(TarEntry entry, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (entry.DataStream is not { } data)
            return 0;
        var read = await GuardAsync(() => data.ReadAsync(buffer, cancellationToken)).ConfigureAwait(false);
        if (read == 0 && data.Position < entry.Length)
            throw Damaged($"it ends within '{WarningLog.Shown(entry.Name)}'", null);
        return read;
    }

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();

    internal static BackupFailure Damaged(string how, Exception? exception) => new(
        ErrorCodes.BackupDamaged,
        FailureCategory.InvalidData,
        $"The tar archive is damaged: {how}.",
        "Use another backup; Test-DbBackup tells which ones are whole.",
        exception);

    private async Task CheckEndAsync(CancellationToken cancellationToken)
    {
        if (!_anyEntry && _stream.BytesRead == 0)
            throw Damaged("it is empty", null);
        if (_stream.BytesRead < _expectedEnd)
            throw Damaged("it ends within an entry", null);

        // The rest is read too: whoever hashes or decompresses behind this stream must see its end.
        var buffer = new byte[1 << 16];
        while (await GuardAsync(() => _stream.ReadAsync(buffer, cancellationToken)).ConfigureAwait(false) > 0)
        {
        }

        if (!_requireEndMark)
            return;
        var mark = _stream.BytesRead - _expectedEnd;
        if (mark < 2 * BlockBytes)
            throw Damaged("its end is missing", null);
        if (_stream.ZerosAtEnd < mark)
            throw Damaged("there is something after its end", null);
    }

    private static async Task<T> GuardAsync<T>(Func<ValueTask<T>> read)
    {
        try
        {
            return await read().ConfigureAwait(false);
        }
        catch (EndOfStreamException exception)
        {
            throw Damaged("it ends in the middle", exception);
        }
        catch (Exception exception) when (exception is InvalidDataException or FormatException or ArgumentException or OverflowException
            or InvalidOperationException)
        {
            throw Damaged(exception.Message.TrimEnd('.'), exception);
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

    /// <summary>Counts what passes, and how many zeros came last.</summary>
    private sealed class CountedStream(Stream inner) : Stream
    {
        public long BytesRead { get; private set; }

        public long ZerosAtEnd { get; private set; }

        public override bool CanRead => true;

        /// <summary>False: the reader shall read what it skips, or a truncated file would look whole.</summary>
        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            var read = inner.Read(buffer);
            Note(buffer[..read]);
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            Note(buffer.Span[..read]);
            return read;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        private void Note(ReadOnlySpan<byte> bytes)
        {
            BytesRead += bytes.Length;
            var last = bytes.LastIndexOfAnyExcept((byte)0);
            ZerosAtEnd = last < 0 ? ZerosAtEnd + bytes.Length : bytes.Length - 1 - last;
        }
    }
}
