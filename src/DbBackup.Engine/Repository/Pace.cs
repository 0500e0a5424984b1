using System.Diagnostics;

namespace DbBackup.Engine.Repository;

/// <summary>Keeps a copy below a number of bytes in a second, measured since the first that counts.</summary>
/// <param name="bytesPerSecond">The number; null for no limit.</param>
internal sealed class Pace(long? bytesPerSecond)
{
    private long _begun;
    private long _done;

    /// <summary>The size of the blocks: at a slow pace several in a second, so that the line is used evenly.</summary>
    public int BlockSize(int usual) => bytesPerSecond is { } limit ? (int)Math.Clamp(limit / 8, 4096, usual) : usual;

    /// <summary>Waits as long as the bytes so far take at this pace.</summary>
    public Task KeepAsync(int bytes, CancellationToken cancellationToken)
    {
        if (bytesPerSecond is not { } limit || bytes == 0)
            return Task.CompletedTask;
        if (_begun == 0)
            _begun = Stopwatch.GetTimestamp();
        _done += bytes;
        TimeSpan ahead = TimeSpan.FromSeconds((double)_done / limit) - Stopwatch.GetElapsedTime(_begun);
        return ahead > TimeSpan.Zero ? Task.Delay(ahead, cancellationToken) : Task.CompletedTask;
    }
}
