using System.Runtime.ExceptionServices;
using DbBackup.Engine.Payloads.Patches;

namespace DbBackup.Engine.Payloads;

/// <content>The stages behind the stream, and the blocks that go through them.</content>
internal sealed partial class PayloadWriter
{
    private void HashOriginal(CancellationToken stop)
    {
        while (_toHash.Take(stop) is { } block)
        {
            _originalHash.AppendData(block.Original, 0, block.Length);
            Release(block);
        }
    }

    private void Compress(CancellationToken stop)
    {
        using BlockCompressor compressor = _form.CreateCompressor();
        while (_toCompress.Take(stop) is { } block)
            compressor.Compress(block, stop);
    }

    private async Task WriteStoredAsync(CancellationToken stop)
    {
        while (await _toWrite.TakeAsync(stop).ConfigureAwait(false) is { } block)
        {
            await block.Compressed.WaitAsync(stop).ConfigureAwait(false);
            await WriteStoredAsync(_form.Write(block), stop).ConfigureAwait(false);
            Release(block);
            if (_stored.Size > _largest)
                throw new DifferenceTooLargeException();
        }

        await WriteStoredAsync(_form.End(_catalog), stop).ConfigureAwait(false);

        if (_sealing is not null)
            await _sealing.CompleteAsync(stop).ConfigureAwait(false);
    }

    private async ValueTask WriteStoredAsync(IEnumerable<ReadOnlyMemory<byte>> stored, CancellationToken stop)
    {
        foreach (ReadOnlyMemory<byte> each in stored)
        {
            for (ReadOnlyMemory<byte> rest = each; !rest.IsEmpty;)
            {
                stop.ThrowIfCancellationRequested();
                ReadOnlyMemory<byte> piece = rest[..Math.Min(WritePiece, rest.Length)];
                rest = rest[piece.Length..];

                await _target.WriteAsync(piece, stop).ConfigureAwait(false);
            }
        }
    }

    private PayloadBlock TakeBlock()
    {
        if (NewBlock() is { } made)
            return made;
        try
        {
            return Prepared(_free.Take(_stop.Token)!);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            ThrowIfStopped();
            throw;
        }
    }

    private async ValueTask<PayloadBlock> TakeBlockAsync(CancellationToken cancellationToken)
    {
        if (NewBlock() is { } made)
            return made;
        try
        {
            if (!cancellationToken.CanBeCanceled || cancellationToken == _cancellation)
                return Prepared((await _free.TakeAsync(_stop.Token).ConfigureAwait(false))!);

            using var either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, cancellationToken);
            return Prepared((await _free.TakeAsync(either.Token).ConfigureAwait(false))!);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            ThrowIfStopped();
            throw;
        }
    }

    // A block is made only while there are fewer than allowed, so a small payload takes one.
    private PayloadBlock? NewBlock()
    {
        ThrowIfStopped();
        if (_blocks == _blockLimit)
            return null;
        _blocks++;
        return Prepared(new PayloadBlock(_options.BlockSize));
    }

    // Held by the hash and by the write; compression lies between the two and ends before the write does.
    private static PayloadBlock Prepared(PayloadBlock block)
    {
        block.Prepare(holders: 2);
        return block;
    }

    private int Fill(PayloadBlock block, ReadOnlySpan<byte> bytes)
    {
        int taken = Math.Min(bytes.Length, block.Original.Length - block.Length);
        bytes[..taken].CopyTo(block.Original.AsSpan(block.Length));
        Advance(block, taken);
        return taken;
    }

    private void Advance(PayloadBlock block, int count)
    {
        block.Length += count;
        _originalSize += count;
        if (!block.IsFull)
            return;
        _current = null;
        Submit(block);
    }

    private void Submit(PayloadBlock block)
    {
        block.Offset = _originalSize - block.Length;
        while (_copied.TryPeek(out CopiedRange range) && range.Position < _originalSize)
        {
            if (range.End > block.Offset)
                block.Add(range.Within(block.Offset, _originalSize));
            if (range.End > _originalSize)
                break;
            _copied.Dequeue();
        }

        if (Compresses)
        {
            if (_workers < _workerLimit)
            {
                _workers++;
                CancellationToken stop = _stop.Token;
                StartThread(() => Compress(stop));
            }

            _toCompress.Add(block);
        }
        else
        {
            block.SetStored(block.Original.AsMemory(0, block.Length));
        }

        _toHash.Add(block);
        _toWrite.Add(block);
    }

    private void Release(PayloadBlock block)
    {
        if (block.Release())
            _free.Add(block);
    }

    // Stages that compute keep a core busy for as long as the payload lasts: on threads of their own they do not starve the pool.
    private void StartThread(Action stage) => _stages.Add(Task.Factory.StartNew(
        () =>
        {
            try
            {
                stage();
            }
            catch (Exception exception)
            {
                Fail(exception);
            }
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default));

    private async Task GuardAsync(Func<Task> stage)
    {
        try
        {
            await stage().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
    }

    private void Fail(Exception exception)
    {
        // Once all is being stopped, a cancelled stage is only the echo. A target's own timeout also looks like a cancellation, but comes first.
        if (exception is OperationCanceledException && _stop.IsCancellationRequested)
            return;
        Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);
        _stop.Cancel();
    }

    private void ThrowIfNotWritable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ThrowIfStopped();
        if (_ended)
            throw new InvalidOperationException("The payload is complete: nothing can be added to it.");
    }

    private void ThrowIfStopped()
    {
        Volatile.Read(ref _failure)?.Throw();
        _cancellation.ThrowIfCancellationRequested();
        if (_stop.IsCancellationRequested)
            throw new OperationCanceledException(_stop.Token);
    }
}
