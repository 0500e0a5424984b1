using System.Runtime.InteropServices;
using DbBackup.Engine.Platform;
using Docker.DotNet;

namespace DbBackup.Engine.Docker.Api;

/// <summary>The standard output out of the stream in which the engine frames output and errors.</summary>
/// <param name="streams">The framed stream.</param>
/// <param name="errors">Takes what comes on standard error.</param>
internal sealed class DemultiplexedOutput(MultiplexedStream streams, DemultiplexedOutput.TakeErrors errors) : ReadOnlyStream
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    internal delegate void TakeErrors(ReadOnlySpan<byte> bytes);

    /// <summary>True if the stream ended within a frame: the connection was cut.</summary>
    public bool WasCut { get; private set; }

    public override int Read(Span<byte> buffer)
    {
        byte[] copy = new byte[buffer.Length];
        int read = ReadAsync(copy).AsTask().GetAwaiter().GetResult();
        copy.AsSpan(0, read).CopyTo(buffer);
        return read;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        // Whoever waits for the program's end reads too, so that it is not held up by what nobody asked for.
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await ReadInTurnAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (EndOfStreamException)
        {
            WasCut = true;
            return 0;
        }
        finally
        {
            _turn.Release();
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _turn.Dispose();
        base.Dispose(disposing);
    }

    private async ValueTask<int> ReadInTurnAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        // The library takes arrays alone.
        bool isArray = MemoryMarshal.TryGetArray(buffer, out ArraySegment<byte> place);
        if (!isArray)
            place = new byte[buffer.Length];
        while (!WasCut)
        {
            MultiplexedStream.ReadResult read = await streams.ReadOutputAsync(place.Array!, place.Offset, place.Count, cancellationToken).ConfigureAwait(false);
            if (read.Target == MultiplexedStream.TargetStream.StandardError)
            {
                errors(place.AsSpan(0, read.Count));
                continue;
            }

            if (!isArray)
                place.AsSpan(0, read.Count).CopyTo(buffer.Span);
            return read.Count;
        }

        return 0;
    }
}
