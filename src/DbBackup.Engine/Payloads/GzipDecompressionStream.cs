using System.IO.Compression;

namespace DbBackup.Engine.Payloads;

/// <summary>Reads gzip members one after the other to the very end of the file.</summary>
/// <remarks>
/// The framework's own stream stops at the first bytes that do not begin a member and reports a good end there. It asks for more input
/// exactly when everything so far was consumed, so whether its source ran dry tells a true end from ignored bytes.
/// </remarks>
internal sealed class GzipDecompressionStream : ReadOnlyStream
{
    // The framework reads 8 KiB at a time, which costs a hop to the thread pool each on a file.
    private const int ReadAhead = 256 * 1024;

    private readonly BufferedStream _buffered;
    private readonly ObservedStream _source;
    private readonly GZipStream _gzip;

    internal GzipDecompressionStream(Stream stored)
    {
        _buffered = new BufferedStream(new ObservedStream(stored), ReadAhead);
        _source = new ObservedStream(_buffered);
        _gzip = new GZipStream(_source, CompressionMode.Decompress, leaveOpen: true);
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        int read = _gzip.Read(buffer);
        return read > 0 ? read : CheckedEnd();
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
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
        if (_source.BytesRead == 0)
            throw new InvalidDataException("the file is empty, which no gzip file is");
        if (!_source.SawEnd)
            throw new InvalidDataException("the last gzip member is followed by bytes that are none");
        return 0;
    }
}
