using System.Buffers;

namespace DbBackup.Engine.Engines.Files;

/// <summary>Proves that a tar archive can be read from its first byte to its last.</summary>
internal static class TarInspector
{
    private const int BufferBytes = 1 << 18;

    /// <summary>Reads every entry and all content.</summary>
    /// <param name="tar">The archive; it stays open.</param>
    /// <param name="requireEndMark">
    /// True if the two empty blocks at the end must be there, as in all archives made here. Some other programs leave them out.
    /// </param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="BackupFailure">The archive is truncated or damaged.</exception>
    public static async Task<ArchiveSummary> ReadToEndAsync(
        Stream tar, bool requireEndMark = true, CancellationToken cancellationToken = default)
    {
        var scan = new TarScan(tar, requireEndMark);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            long entries = 0;
            long content = 0;
            while (await scan.NextAsync(cancellationToken).ConfigureAwait(false) is not null)
            {
                entries++;
                int read;
                while ((read = await scan.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                    content += read;
            }

            return new ArchiveSummary(entries, content, []);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
