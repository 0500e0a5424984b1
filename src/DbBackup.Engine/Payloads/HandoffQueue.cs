using System.Collections.Concurrent;

namespace DbBackup.Engine.Payloads;

/// <summary>
/// Hands things in order from one stage to the next. Unlike a channel it can be waited on by a thread as well as by a task: the stages
/// that only compute own a thread, the ones that read and write are tasks. It has no limit of its own; the number of blocks is one.
/// </summary>
internal sealed class HandoffQueue<T> : IDisposable
    where T : class
{
    private readonly ConcurrentQueue<T> _items = new();
    private readonly SemaphoreSlim _available = new(0);

    /// <summary>Adds one thing.</summary>
    internal void Add(T item)
    {
        _items.Enqueue(item);
        _available.Release();
    }

    /// <summary>Says that nothing more comes; every taker gets null once the queue is empty.</summary>
    internal void Complete() => _available.Release();

    /// <summary>Takes the next thing; null at the end.</summary>
    internal T? Take(CancellationToken cancellationToken)
    {
        _available.Wait(cancellationToken);
        return Dequeue();
    }

    /// <inheritdoc cref="Take"/>
    internal async ValueTask<T?> TakeAsync(CancellationToken cancellationToken)
    {
        await _available.WaitAsync(cancellationToken).ConfigureAwait(false);
        return Dequeue();
    }

    /// <inheritdoc/>
    public void Dispose() => _available.Dispose();

    private T? Dequeue()
    {
        if (_items.TryDequeue(out T? item))
            return item;

        // Woken by the end: the next taker must wake too.
        _available.Release();
        return null;
    }
}
