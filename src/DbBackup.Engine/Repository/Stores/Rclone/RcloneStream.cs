using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Repository.Stores.Rclone;

/// <summary>What a command prints. Its end is one only if the command succeeded.</summary>
internal sealed class RcloneStream(ToolProcess process) : ReadOnlyStream
{
    private bool _isDisposed;

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int read = process.Output.Read(buffer);
        if (read == 0 && !buffer.IsEmpty)
            RcloneProgram.RequireSuccessAsync(process, CancellationToken.None).GetAwaiter().GetResult();
        return read;
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await process.Output.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (read == 0 && !buffer.IsEmpty)
            await RcloneProgram.RequireSuccessAsync(process, cancellationToken).ConfigureAwait(false);
        return read;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        // Readers dispose what they were given, and so do those who gave it.
        if (disposing && !_isDisposed)
            process.Dispose();
        _isDisposed = true;
        base.Dispose(disposing);
    }
}
