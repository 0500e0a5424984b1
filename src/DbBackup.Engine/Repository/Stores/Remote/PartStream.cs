using System.Buffers;
using System.Runtime.ExceptionServices;

namespace DbBackup.Engine.Repository.Stores.Remote;

/// <summary>
/// Cuts what is written into parts, and has several of them uploaded while the next is filled. Memory is bounded: writing waits while as many
/// parts are under way as <see cref="PartSizes"/> allows. After the first failure nothing more is sent, and writing throws it.
/// </summary>
internal sealed class PartStream : Stream
{
    private readonly PartSizes _sizes;
    private readonly Func<UploadPart, CancellationToken, Task> _upload;
    private readonly CancellationTokenSource _stop;
    private readonly List<Task> _underWay = [];
    private byte[]? _buffer;
    private int _filled;
    private int _number = 1;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Creates the stream.</summary>
    /// <param name="sizes">The sizes of the parts.</param>
    /// <param name="upload">Uploads a part, and retries it itself. Called for several at once.</param>
    /// <param name="cancellationToken">Stops the uploads.</param>
    public PartStream(PartSizes sizes, Func<UploadPart, CancellationToken, Task> upload, CancellationToken cancellationToken)
    {
        _sizes = sizes;
        _upload = upload;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    }

    /// <summary>How many bytes were written.</summary>
    public long Written { get; private set; }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Sends what is left and waits for all parts. Without it an upload is not whole.</summary>
    /// <returns>The number of parts, at least 1.</returns>
    public async Task<int> FinishAsync()
    {
        _buffer ??= ArrayPool<byte>.Shared.Rent(1);
        Send(isLast: true);
        await SettleAsync(0).ConfigureAwait(false);
        return _number - 1;
    }

    /// <summary>Stops what is under way and waits until it has stopped; throws nothing.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        while (_underWay.Count > 0)
            await TakeOneAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _failure?.Throw();
            int size = _sizes.SizeOf(_number);
            if (_filled == size)
            {
                // Only now, when another byte comes, is it certain that this part is not the last.
                Send(isLast: false);
                await SettleAsync(_sizes.AtOnce(_number) - 1).ConfigureAwait(false);
                continue;
            }

            _buffer ??= ArrayPool<byte>.Shared.Rent(size);
            int taken = Math.Min(buffer.Length, size - _filled);
            buffer.Span[..taken].CopyTo(_buffer.AsSpan(_filled));
            _filled += taken;
            Written += taken;
            buffer = buffer[taken..];
        }
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Callers dispose what they write to before the store has finished the upload, or stopped it.
        base.Dispose(disposing);
    }

    private void Send(bool isLast)
    {
        byte[] buffer = _buffer!;
        var part = new UploadPart(_number++, buffer.AsMemory(0, _filled), isLast);
        _buffer = null;
        _filled = 0;
        _underWay.Add(UploadAsync(part, buffer));
    }

    private async Task UploadAsync(UploadPart part, byte[] buffer)
    {
        try
        {
            await Task.Run(() => _upload(part, _stop.Token), _stop.Token).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task SettleAsync(int leave)
    {
        while (_underWay.Count > leave)
            await TakeOneAsync().ConfigureAwait(false);
        // Those that have ended meanwhile, to hear of their failures soon.
        while (_underWay.Exists(each => each.IsCompleted))
            await TakeOneAsync().ConfigureAwait(false);
        if (_failure is null)
            return;
        await StopAsync().ConfigureAwait(false);
        _failure.Throw();
    }

    private async Task TakeOneAsync()
    {
        Task ended = await Task.WhenAny(_underWay).ConfigureAwait(false);
        _underWay.Remove(ended);
        try
        {
            await ended.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // The first is the cause; what it stopped only says that it was stopped.
            _failure ??= ExceptionDispatchInfo.Capture(exception);
        }
    }
}
