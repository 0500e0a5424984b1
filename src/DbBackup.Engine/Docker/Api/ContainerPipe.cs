using System.Text;
using DbBackup.Engine.Platform;
using Microsoft.Win32.SafeHandles;

namespace DbBackup.Engine.Docker.Api;

/// <summary>
/// The reading end of a pipe into which a program in a container writes. The engine passes a program's output on in pieces as small as it was
/// written in, through three processes, which takes longer than a dump itself; a container on this machine's own kernel is reached without it.
/// </summary>
/// <remarks>Reading waits only as long as nobody closes the stream: a paused container would block a plain read forever.</remarks>
internal sealed class ContainerPipe : ReadOnlyStream
{
    /// <summary>The number under which the script in the container has the pipe open; see <see cref="ContainerHost"/>.</summary>
    public const int Descriptor = 4;

    private const int LookMilliseconds = 200;

    // Programs write a few KiB at a time. To fetch each piece by itself costs more than what is done with it, so some are left to gather: no longer
    // than the pipe takes to fill at a gigabyte a second.
    private const int Enough = 1 << 18;
    private const int GatherMilliseconds = 1;
    private readonly FileStream _file;
    private volatile bool _isClosed;

    private ContainerPipe(SafeFileHandle handle)
    {
        _file = new FileStream(handle, FileAccess.Read, bufferSize: 0);
        PipeCapacity.Widen(handle);
    }

    /// <summary>Opens the pipe of a process, where this user may.</summary>
    /// <param name="process">The process, as the engine numbers it.</param>
    /// <param name="mark">
    /// What must be among the process's arguments: where this process is in a container itself, or in another namespace, the number is another
    /// process's.
    /// </param>
    /// <returns>The pipe; null where it is not to be had.</returns>
    public static ContainerPipe? Open(int process, string mark)
    {
        string folder = FormattableString.Invariant($"/proc/{process}");
        try
        {
            if (!Encoding.UTF8.GetString(File.ReadAllBytes(folder + "/cmdline")).Split('\0').Contains(mark))
                return null;
            return new ContainerPipe(File.OpenHandle(FormattableString.Invariant($"{folder}/fd/{Descriptor}"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Another user's process, or it has gone: the engine's own way is open to all.
            return null;
        }
    }

    public override int Read(Span<byte> buffer) => Fill(buffer, CancellationToken.None);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        await Task.Run(() => Fill(buffer.Span, cancellationToken), cancellationToken).ConfigureAwait(false);

    /// <summary>Ends all reading; the handle goes with <see cref="Stream.Dispose()"/>.</summary>
    public void End() => _isClosed = true;

    protected override void Dispose(bool disposing)
    {
        _isClosed = true;
        if (disposing)
            _file.Dispose();
        base.Dispose(disposing);
    }

    private int Fill(Span<byte> buffer, CancellationToken cancellationToken)
    {
        while (!HasBytes(LookMilliseconds))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_isClosed)
                return 0;
        }

        int enough = Math.Min(Enough, buffer.Length);
        int filled = _file.Read(buffer);
        for (int read = filled; read > 0 && filled < enough; filled += read)
        {
            Thread.Sleep(GatherMilliseconds);
            if (!HasBytes(0))
                break;
            read = _file.Read(buffer[filled..]);
        }

        return filled;
    }

    private unsafe bool HasBytes(int milliseconds)
    {
        var wanted = new LibC.PollDescriptor { Events = LibC.PollInput };
        SafeFileHandle handle = _file.SafeFileHandle;
        bool taken = false;
        try
        {
            handle.DangerousAddRef(ref taken);
            wanted.Descriptor = (int)handle.DangerousGetHandle();
            return LibC.Poll(&wanted, 1, milliseconds) > 0;
        }
        finally
        {
            if (taken)
                handle.DangerousRelease();
        }
    }
}
