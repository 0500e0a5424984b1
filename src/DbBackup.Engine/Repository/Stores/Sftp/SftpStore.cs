using DbBackup.Engine.Repository.Stores.Remote;
using Renci.SshNet;
using Renci.SshNet.Common;
using Renci.SshNet.Sftp;

namespace DbBackup.Engine.Repository.Stores.Sftp;

/// <summary>
/// A store on a server that speaks SFTP (version 3, with OpenSSH's extensions where they are there): each object is a file below the location's
/// folder. The server's rename puts a small object in place if its key is free: OpenSSH carries it out by a hard link, which fails on a name
/// that is taken.
/// </summary>
internal sealed partial class SftpStore : IResumingStore
{
    // Below a backup's own folder there is one more; deeper lie only loops.
    private const int DeepestFolder = 5;

    // How many requests are under way at once: a listing waits for the network alone.
    private const int AtOnce = 24;
    private const short PrivateFile = 600;
    private const short PrivateFolder = 700;

    private static readonly PartSizes s_parts = new(First: 4 << 20, Budget: 32 << 20);
    private static readonly TimeSpan s_short = TimeSpan.FromSeconds(70);
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(5);

    // The clock of a file has whole seconds: what was written just now can be written again without a change that shows.
    private static readonly TimeSpan s_settled = TimeSpan.FromMinutes(1);

    private readonly StoreAddress _address;
    private readonly RemoteRetries _retries;

    // Absolute, or from the user's home; empty for the home itself.
    private readonly string _root;

    /// <summary>Creates the store; touches nothing.</summary>
    /// <param name="address">The server and the folder: <c>~/</c> begins one in the user's home.</param>
    public SftpStore(StoreAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        _address = address;
        Location = address.Text;
        _root = address.Path == "~" ? "." : address.Path.StartsWith("~/", StringComparison.Ordinal) ? address.Path[2..] : "/" + address.Path;
        _retries = new RemoteRetries(exception => Connection.IsTransient(exception));
    }

    /// <summary>The options that a location may have.</summary>
    public static IReadOnlyList<string> Options { get; } = ["key", "knownHosts"];

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public string? LocalFolder => null;

    // Asked each time: a login may have been given since.
    private SftpConnection Connection => SftpConnection.For(_address);

    /// <inheritdoc/>
    public string Locate(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return (_address with { Path = $"{_address.Path}/{key.Trim('/')}".Trim('/'), Options = new Dictionary<string, string>() }).Text;
    }

    /// <inheritdoc/>
    public Task<StoreProperties> ReadPropertiesAsync(CancellationToken cancellationToken) => RunAsync("reading the folder's properties", writes: false, s_short, async (client, _, token) =>
    {
        bool exists = await client.ExistsAsync(_root, token).ConfigureAwait(false);
        return new StoreProperties(exists, await AvailableAsync(client, exists ? _root : ParentOf(_root), token).ConfigureAwait(false));
    }, cancellationToken);

    /// <inheritdoc/>
    public async Task<Stream?> OpenAsync(string key, long offset, long? length, CancellationToken cancellationToken)
    {
        string path = PathOf(key);
        SftpFileAttributes? file = await RunAsync($"reading '{key}'", writes: false, s_short, (client, _, token) => StatAsync(client, path, token), cancellationToken).ConfigureAwait(false);
        if (file is null)
            return null;
        long left = Math.Max(0, Math.Min(length ?? long.MaxValue, file.Size - offset));
        return new ResumingStream(
            null, offset, left, (at, token) => OpenAtAsync(path, at, token), _retries, s_short, exception => SftpFailures.From(exception, Location, writes: false, $"reading '{key}'", isFull: false));
    }

    /// <inheritdoc/>
    public async Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        string path = PathOf(key);
        return await RunAsync($"reading '{key}'", writes: false, s_long, async (client, _, token) =>
        {
            try
            {
                SftpFileStream file = await client.OpenAsync(path, FileMode.Open, FileAccess.Read, token).ConfigureAwait(false);
                await using (file.ConfigureAwait(false))
                {
                    if (file.Length > StoredObject.LargestSmall)
                        throw DirectoryFailures.TooLarge(Locate(key), file.Length);
                    using var content = new MemoryStream((int)file.Length);
                    await file.CopyToAsync(content, token).ConfigureAwait(false);
                    return content.ToArray();
                }
            }
            catch (SftpPathNotFoundException)
            {
                return null;
            }
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<bool> PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        string path = PathOf(key);
        string unfinished = UnfinishedKey.For(path);
        bool isThere = false;
        try
        {
            return isThere = await RunAsync($"writing '{key}'", writes: true, s_long, async (client, attempt, token) =>
            {
                if (await StatAsync(client, path, token).ConfigureAwait(false) is not null)
                {
                    // An attempt before this one may have been carried out without an answer.
                    return attempt > 0 && !await client.ExistsAsync(unfinished, token).ConfigureAwait(false) && await HoldsAsync(client, path, content, token).ConfigureAwait(false);
                }

                // The content gets its name when it is whole.
                await CreateAsync(client, key, unfinished, isNew: attempt == 0, content, token).ConfigureAwait(false);
                return await TryRenameAsync(client, unfinished, path, token).ConfigureAwait(false);
            }, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (!isThere)
                await DiscardAsync(unfinished).ConfigureAwait(false);
        }
    }

    /// <summary>Does nothing: the protocol's library has no request to flush. When a write has its answer, the server's system has the bytes.</summary>
    public Task FlushAsync(string prefix, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        string path = PathOf(key);
        await RunAsync($"deleting '{key}'", writes: true, s_short, async (client, _, token) =>
        {
            try
            {
                await client.DeleteFileAsync(path, token).ConfigureAwait(false);
            }
            catch (SftpPathNotFoundException)
            {
                // As it should be.
            }

            return true;
        }, cancellationToken).ConfigureAwait(false);
        await RemoveEmptyFoldersAsync(key).ConfigureAwait(false);
    }

    private async Task RequireRootAsync(CancellationToken cancellationToken)
    {
        if (!(await ReadPropertiesAsync(cancellationToken).ConfigureAwait(false)).Exists)
            throw RemoteFailures.From(RemoteProblem.PlaceMissing, Location, writes: false, "listing", $"'{_root}' does not exist on the server");
    }

    private Task<Stream> OpenAtAsync(string path, long offset, CancellationToken cancellationToken) => Connection.UseAsync<Stream>(async (client, token) =>
    {
        SftpFileStream file = await client.OpenAsync(path, FileMode.Open, FileAccess.Read, token).ConfigureAwait(false);
        file.Seek(offset, SeekOrigin.Begin);
        return file;
    }, cancellationToken);

    private static async Task<SftpFileAttributes?> StatAsync(SftpClient client, string path, CancellationToken cancellationToken)
    {
        try
        {
            return await client.GetAttributesAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (SftpPathNotFoundException)
        {
            return null;
        }
    }

    private static async Task<bool> HoldsAsync(SftpClient client, string path, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        SftpFileStream file = await client.OpenAsync(path, FileMode.Open, FileAccess.Read, cancellationToken).ConfigureAwait(false);
        await using (file.ConfigureAwait(false))
        {
            if (file.Length != content.Length)
                return false;
            using var there = new MemoryStream(content.Length);
            await file.CopyToAsync(there, cancellationToken).ConfigureAwait(false);
            return there.GetBuffer().AsSpan(0, (int)there.Length).SequenceEqual(content.Span);
        }
    }

    // Private before it has a byte. The folders above are made if they are missing.
    private async Task CreateAsync(SftpClient client, string key, string path, bool isNew, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                SftpFileStream file = await client.OpenAsync(path, isNew && attempt == 0 ? FileMode.CreateNew : FileMode.Create, FileAccess.Write, cancellationToken).ConfigureAwait(false);
                await using (file.ConfigureAwait(false))
                {
                    client.ChangePermissions(path, PrivateFile);
                    await file.WriteAsync(content, cancellationToken).ConfigureAwait(false);
                    await file.FlushAsync(cancellationToken).ConfigureAwait(false);
                }

                return;
            }
            catch (SftpPathNotFoundException) when (attempt < 20)
            {
                // Not made yet, or another process found it empty and removed it.
                await CreateFoldersAsync(client, key, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // Of the location's own folders only the last is made: a path whose other folders are missing is mistyped, or its disk is not mounted.
    private async Task CreateFoldersAsync(SftpClient client, string key, CancellationToken cancellationToken)
    {
        await CreateFolderAsync(client, _root, cancellationToken).ConfigureAwait(false);
        for (int slash = key.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = key.IndexOf('/', slash + 1))
            await CreateFolderAsync(client, PathOf(key[..slash]), cancellationToken).ConfigureAwait(false);
    }

    private async Task CreateFolderAsync(SftpClient client, string path, CancellationToken cancellationToken)
    {
        for (int attempt = 0; !await client.ExistsAsync(path, cancellationToken).ConfigureAwait(false); attempt++)
        {
            try
            {
                await client.CreateDirectoryAsync(path, cancellationToken).ConfigureAwait(false);
                client.ChangePermissions(path, PrivateFolder);
                return;
            }
            catch (SftpPathNotFoundException) when (path != _root)
            {
                // Removed again above or below by another process: the caller tries once more.
                return;
            }
            catch (SftpException exception) when (attempt < 20 && exception is not (SftpPathNotFoundException or SftpPermissionDeniedException))
            {
                // Another process was quicker, and it or a third may have found the folder empty and removed it since. A refusal for
                // another reason has the same code, and comes each time.
            }
        }
    }

    // The plain rename of version 3, which fails on a name that is taken; OpenSSH's other one (posix-rename) would replace it.
    private static async Task<bool> TryRenameAsync(SftpClient client, string from, string to, CancellationToken cancellationToken)
    {
        try
        {
            await client.RenameFileAsync(from, to, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (SftpException exception) when (exception is not (SftpPathNotFoundException or SftpPermissionDeniedException))
        {
            if (await StatAsync(client, to, cancellationToken).ConfigureAwait(false) is not null)
                return false;
            throw;
        }
    }

    // A folder is there as long as something is in it, as in a bucket. That of the leases stays: each run needs it.
    private async Task RemoveEmptyFoldersAsync(string key)
    {
        if (key[0] == '.')
            return;
        try
        {
            string folder = key;
            while (folder.LastIndexOf('/') is > 0 and var slash)
            {
                folder = folder[..slash];
                string path = PathOf(folder);
                await Connection.UseAsync(async (client, token) =>
                {
                    await client.DeleteDirectoryAsync(path, token).ConfigureAwait(false);
                    return true;
                }, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is SshException or System.Net.Sockets.SocketException or ObjectDisposedException or BackupException)
        {
            // It is not empty, or the next deletion finds it.
        }
    }

    // What could not be written is taken away as far as the server can be reached; the failure itself is on its way.
    private async Task DiscardAsync(string path)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await Connection.UseAsync(async (client, token) =>
            {
                await client.DeleteFileAsync(path, token).ConfigureAwait(false);
                return true;
            }, patience.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SshException or System.Net.Sockets.SocketException or ObjectDisposedException or BackupException or OperationCanceledException)
        {
            // It has no name that is looked for.
        }
    }

    private string PathOf(string key)
    {
        foreach (Range name in key.AsSpan().Split('/'))
        {
            if (key.AsSpan(name) is "." or "..")
                throw new ArgumentException($"'{key}' is not a key of this store.", nameof(key));
        }

        return $"{(_root == "/" ? string.Empty : _root)}/{key}".TrimEnd('/');
    }

    private static string ParentOf(string path) => path.LastIndexOf('/') switch
    {
        < 0 => ".",
        0 => "/",
        int slash => path[..slash],
    };

    private static async Task<long?> AvailableAsync(SftpClient client, string path, CancellationToken cancellationToken)
    {
        try
        {
            SftpFileSystemInformation system = await client.GetStatusAsync(path, cancellationToken).ConfigureAwait(false);
            return (long)(system.AvailableBlocks * system.BlockSize);
        }
        catch (Exception exception) when (exception is SftpException or NotSupportedException)
        {
            // Only OpenSSH and its kin tell.
            return null;
        }
    }

    private async Task<T> RunAsync<T>(string action, bool writes, TimeSpan timeout, Func<SftpClient, int, CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        SftpConnection connection = Connection;
        try
        {
            return await _retries.RunAsync(timeout, (attempt, token) => connection.UseAsync((client, each) => call(client, attempt, each), token), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SshException or System.Net.Sockets.SocketException or IOException or TimeoutException or ObjectDisposedException)
        {
            bool isFull = writes && exception is SftpException and not (SftpPathNotFoundException or SftpPermissionDeniedException)
                && await connection.UseAsync((client, token) => SftpFailures.IsFullAsync(client, _root, token), cancellationToken).ConfigureAwait(false);
            throw SftpFailures.From(exception, Location, writes, action, isFull);
        }
    }
}
