using Docker.DotNet.Handler.Abstractions;
using Microsoft.Extensions.Logging;

namespace DbBackup.Engine.Docker.Api;

/// <summary>How Docker.DotNet reaches the engine: over <see cref="DockerHandler"/>.</summary>
/// <param name="handler">Sends the requests.</param>
/// <param name="endsWithReset">True if a program's output may end with a reset; see <see cref="HijackedStream"/>.</param>
internal sealed class DockerTransport(DockerHandler handler, bool endsWithReset = false) : IDockerHandlerFactory<DockerEndpoint>
{
    /// <summary>The streams of the program that was started last through this transport.</summary>
    public HijackedStream? Hijacked { get; private set; }

    public ResolvedTransport CreateHandler(DockerEndpoint transportOptions, ResolvedClientOptions clientOptions, ILogger logger) => CreateHandler(clientOptions, logger);

    public ResolvedTransport CreateHandler(ResolvedClientOptions clientOptions, ILogger logger) => new(handler, DockerHandler.Address);

    public Task<WriteClosableStream> HijackStreamAsync(HttpContent content)
    {
        if (content is not UpgradedContent upgraded)
            throw new NotSupportedException("The engine did not upgrade the connection.");
        Hijacked = new HijackedStream(upgraded.Connection, upgraded.Output, endsWithReset);
        return Task.FromResult<WriteClosableStream>(Hijacked);
    }
}

/// <summary>A connection that carries a program's streams, whose input can be closed while its output is still read.</summary>
/// <param name="connection">The connection.</param>
/// <param name="output">What comes on it.</param>
/// <param name="endsWithReset">
/// True if the program may have ended before it was given everything: the engine then closes a connection on which bytes wait that nobody will
/// read, which is seen here as a reset after the last byte. The program's exit code says whether it was content.
/// </param>
internal sealed class HijackedStream(DockerConnection connection, Stream output, bool endsWithReset) : WriteClosableStream
{
    private volatile bool _isDisposed;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override bool CanCloseWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Two reads a frame, of which most find their bytes there.
        ValueTask<int> read = output.ReadAsync(buffer, cancellationToken);
        if (!read.IsCompletedSuccessfully)
            return AwaitAsync(read);
        int count = read.Result;
        return count > 0 ? ValueTask.FromResult(count) : AwaitAsync(ValueTask.FromResult(count));
    }

    public override void Write(byte[] buffer, int offset, int count) => connection.Stream.Write(buffer, offset, count);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        connection.Stream.WriteAsync(buffer, cancellationToken);

    public override void Flush() => connection.Stream.Flush();

    public override Task FlushAsync(CancellationToken cancellationToken) => connection.Stream.FlushAsync(cancellationToken);

    private async ValueTask<int> AwaitAsync(ValueTask<int> reading)
    {
        int read;
        try
        {
            read = await reading.ConfigureAwait(false);
        }
        catch (IOException) when (endsWithReset)
        {
            read = 0;
        }

        // HTTP's stream takes a closed connection for the end.
        ObjectDisposedException.ThrowIf(read == 0 && _isDisposed, this);
        return read;
    }

    public override void CloseWrite() => connection.CloseWriteAsync().AsTask().GetAwaiter().GetResult();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _isDisposed = true;
        if (disposing)
            connection.Dispose();
        base.Dispose(disposing);
    }
}
