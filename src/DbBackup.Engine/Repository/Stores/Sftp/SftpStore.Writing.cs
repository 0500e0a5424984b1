using DbBackup.Engine.Repository.Stores.Remote;
using Renci.SshNet;
using Renci.SshNet.Sftp;

namespace DbBackup.Engine.Repository.Stores.Sftp;

/// <content>Large objects: files that are written in parts, each at its place.</content>
internal sealed partial class SftpStore
{
    /// <inheritdoc/>
    public Task WriteAsync(string key, Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(write);
        return WriteAsync(key, (stream, _) => write(stream), goesOn: false, cancellationToken);
    }

    /// <inheritdoc/>
    public Task WriteOnAsync(string key, Func<Stream, long, Task> write, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(write);
        return WriteAsync(key, write, goesOn: true, cancellationToken);
    }

    private async Task WriteAsync(string key, Func<Stream, long, Task> write, bool goesOn, CancellationToken cancellationToken)
    {
        string path = PathOf(key);
        string action = $"writing '{key}'";
        long arrived = await RunAsync(action, writes: true, s_short, async (client, attempt, token) =>
        {
            if (goesOn && await StatAsync(client, path, token).ConfigureAwait(false) is { } file)
                return file.Size;
            await CreateAsync(client, key, path, isNew: attempt == 0, ReadOnlyMemory<byte>.Empty, token).ConfigureAwait(false);
            return 0;
        }, cancellationToken).ConfigureAwait(false);
        var parts = new PartStream(s_parts, (part, token) => RunAsync(action, writes: true, s_long, async (client, _, each) =>
        {
            long offset = OffsetOf(part.Number);
            // Parts are sent beside each other: one below the file's end may be a hole, or a piece.
            if (offset + part.Content.Length <= arrived && await HoldsAsync(client, path, offset, part.Content, each).ConfigureAwait(false))
                return true;
            // Written again after a cut connection, it lies where it lay.
            SftpFileStream file = await client.OpenAsync(path, FileMode.Open, FileAccess.Write, each).ConfigureAwait(false);
            await using (file.ConfigureAwait(false))
            {
                file.Seek(offset, SeekOrigin.Begin);
                await file.WriteAsync(part.Content, each).ConfigureAwait(false);
                await file.FlushAsync(each).ConfigureAwait(false);
            }

            return true;
        }, token), cancellationToken);
        try
        {
            await using (parts.ConfigureAwait(false))
            {
                await write(parts, arrived).ConfigureAwait(false);
                await parts.FinishAsync().ConfigureAwait(false);
            }

            await RunAsync(action, writes: true, s_short, async (client, _, token) =>
            {
                long size = (await StatAsync(client, path, token).ConfigureAwait(false))?.Size ?? 0;
                if (goesOn && size > parts.Written)
                {
                    SftpFileStream file = await client.OpenAsync(path, FileMode.Open, FileAccess.Write, token).ConfigureAwait(false);
                    await using (file.ConfigureAwait(false))
                        file.SetLength(size = parts.Written);
                }

                return size == parts.Written ? true : throw new IOException($"the server has {size} of {parts.Written} bytes");
            }, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await parts.StopAsync().ConfigureAwait(false);
            if (!goesOn)
            {
                await DiscardAsync(path).ConfigureAwait(false);
                await RemoveEmptyFoldersAsync(key).ConfigureAwait(false);
            }

            throw;
        }
    }

    private static async Task<bool> HoldsAsync(SftpClient client, string path, long offset, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        SftpFileStream file = await client.OpenAsync(path, FileMode.Open, FileAccess.Read, cancellationToken).ConfigureAwait(false);
        await using (file.ConfigureAwait(false))
        {
            file.Seek(offset, SeekOrigin.Begin);
            byte[] there = new byte[256 << 10];
            for (int at = 0; at < content.Length;)
            {
                int read = await file.ReadAsync(there.AsMemory(0, Math.Min(there.Length, content.Length - at)), cancellationToken).ConfigureAwait(false);
                if (read == 0 || !there.AsSpan(0, read).SequenceEqual(content.Span.Slice(at, read)))
                    return false;
                at += read;
            }

            return true;
        }
    }

    private static long OffsetOf(int number)
    {
        long offset = 0;
        for (int before = 1; before < number; before++)
            offset += s_parts.SizeOf(before);
        return offset;
    }
}
