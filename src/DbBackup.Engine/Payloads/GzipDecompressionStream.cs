using System.IO.Compression;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Payloads;

/// <summary>Reads gzip members one after the other to the very end of the file.</summary>
/// <remarks>
/// The framework's own stream reports a good end where a file is cut off, and also where something else follows the last member. Here
/// both are damage. To tell them apart from a true end, one byte that begins no member is fed behind the last one of the file: between
/// members the framework leaves it and stops; within a member it takes it and asks for more; before garbage it never gets to it.
/// </remarks>
internal sealed class GzipDecompressionStream : ReadOnlyStream
{
    // The framework reads 8 KiB at a time, which costs a hop to the thread pool each on a file.
    private const int ReadAhead = 256 * 1024;

    private readonly BufferedStream _buffered;
    private readonly ProbedSource _source;
    private readonly GZipStream _gzip;
    private bool _ended;

    internal GzipDecompressionStream(Stream stored)
    {
        _buffered = new BufferedStream(new ObservedStream(stored), ReadAhead);
        _source = new ProbedSource(_buffered);
        _gzip = new GZipStream(_source, CompressionMode.Decompress, leaveOpen: true);
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty || _ended)
            return 0;
        int read = _gzip.Read(buffer);
        return read > 0 ? read : CheckedEnd();
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty || _ended)
            return 0;
        int read = await _gzip.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        return read > 0 ? read : CheckedEnd();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _gzip.Dispose();
            _buffered.Dispose();
        }

        base.Dispose(disposing);
    }

    private int CheckedEnd()
    {
        if (_source.IsEmpty)
            throw new InvalidDataException("the file is empty, which no gzip file is");
        if (!_source.Probed)
            throw new InvalidDataException("the last gzip member is followed by bytes that are none");
        if (_source.ReadPastProbe)
            throw new InvalidDataException("the file ends in the middle of a gzip member");
        _ended = true;
        return 0;
    }

    private sealed class ProbedSource(Stream inner) : ReadOnlyStream
    {
        private const byte Probe = 0xff;

        internal bool IsEmpty { get; private set; } = true;

        internal bool Probed { get; private set; }

        internal bool ReadPastProbe { get; private set; }

        public override int Read(Span<byte> buffer) => Probed ? PastEnd() : Note(inner.Read(buffer), buffer);

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Probed ? PastEnd() : Note(await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false), buffer.Span);

        private int Note(int read, Span<byte> buffer)
        {
            if (read > 0 || buffer.IsEmpty)
            {
                IsEmpty &= read == 0;
                return read;
            }

            Probed = true;
            buffer[0] = Probe;
            return 1;
        }

        private int PastEnd()
        {
            ReadPastProbe = true;
            return 0;
        }
    }
}
