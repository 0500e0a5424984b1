using System.Globalization;
using System.Text.Json;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository.Stores.Remote;

namespace DbBackup.Engine.Repository.Stores.Rclone;

/// <summary>
/// A store on a remote of rclone's configuration: whatever that can speak to. rclone has no call that puts an object only if its key is free, so
/// writers agree by claims (<see cref="PutByClaims"/>), which hold as far as the remote lists what was put before.
/// </summary>
internal sealed class RcloneStore : IObjectStore
{
    private static readonly TimeSpan s_short = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(10);

    // What a pipe takes as one (POSIX's PIPE_BUF).
    private const int PipeSize = 4096;

    // Some remotes keep times in whole seconds: what was written just now can be written again without a change that shows.
    private static readonly TimeSpan s_settled = TimeSpan.FromMinutes(1);

    private readonly StoreAddress _address;
    private readonly string _root;
    private readonly RemoteRetries _retries = new(exception => exception is EndOfStreamException or RcloneException { IsTemporary: true, IsMissing: false });
    private readonly PutByClaims _claims;

    /// <summary>Creates the store; touches nothing.</summary>
    /// <param name="address">The remote and the path.</param>
    /// <exception cref="BackupException">It names no remote of a configuration.</exception>
    public RcloneStore(StoreAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        // A remote that is written out (":sftp,host=…") is text with secrets; one that begins like an option is none.
        if (address.Host.Length == 0 || !address.Host.All(character => char.IsLetterOrDigit(character) || character is '_' or '-' or '.' or '+' or '@' or ' ') || address.Host[0] == '-')
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "The location names no remote of rclone's configuration.", "Set one up with 'rclone config', and write rclone:remote:path.")
            { Target = address.Scheme };
        }

        _address = address;
        Location = address.Text;
        _root = $"{address.Host}:{address.Path}";
        _claims = new PutByClaims(
            async (key, token) => await StatAsync(key, token).ConfigureAwait(false) is not null,
            PutWholeAsync,
            (prefix, token) => ListBelowAsync(prefix, token),
            DeleteAsync);
    }

    /// <summary>The options that a location may have: none, for rclone's configuration has them.</summary>
    public static IReadOnlyList<string> Options => [];

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public string? LocalFolder => null;

    private RcloneProgram Program => new(StoreLogins.Find(_address)?.Password is { Length: > 0 } password ? password : null);

    /// <inheritdoc/>
    public string Locate(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return "rclone:" + PathOf(key.TrimEnd('/'));
    }

    /// <inheritdoc/>
    public async Task<StoreProperties> ReadPropertiesAsync(CancellationToken cancellationToken)
    {
        if (await StatAsync(string.Empty, cancellationToken).ConfigureAwait(false) is null)
            return new StoreProperties(false, null);
        try
        {
            byte[] about = await CallAsync("reading the remote's properties", writes: false, s_short, (rclone, token) => rclone.RunAsync(["about", "--json", _root], null, token), cancellationToken).ConfigureAwait(false);
            using JsonDocument json = JsonDocument.Parse(about);
            return new StoreProperties(true, json.RootElement.TryGetProperty("free", out JsonElement free) && free.TryGetInt64(out long bytes) ? bytes : null);
        }
        catch (Exception exception) when (exception is BackupException or JsonException)
        {
            // Many kinds of remotes do not tell.
            return new StoreProperties(true, null);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StoredObject>> ListAsync(string prefix, CancellationToken cancellationToken)
    {
        IReadOnlyList<StoredObject> found = await ListBelowAsync(prefix, cancellationToken).ConfigureAwait(false);
        if (found.Count == 0 && await StatAsync(string.Empty, cancellationToken).ConfigureAwait(false) is null)
            throw RemoteFailures.From(RemoteProblem.PlaceMissing, Location, writes: false, "listing", "directory not found");
        return found;
    }

    /// <inheritdoc/>
    public async Task<Stream?> OpenAsync(string key, long offset, long? length, CancellationToken cancellationToken)
    {
        if (await StatAsync(key, cancellationToken).ConfigureAwait(false) is not { } found)
            return null;
        long left = Math.Max(0, Math.Min(length ?? long.MaxValue, found - offset));
        return new ResumingStream(
            null, offset, left,
            (at, _) => Task.FromResult<Stream>(new RcloneStream(Program.Start(["cat", "--offset", Text(at), "--count", Text(offset + left - at), PathOf(key)], ToolUse.Stream))),
            _retries, s_short, exception => RcloneFailures.From(exception, Location, _address.Host, writes: false, $"reading '{key}'"));
    }

    /// <inheritdoc/>
    public async Task<byte[]?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        byte[]? content = await CallAsync<byte[]?>($"reading '{key}'", writes: false, s_long, async (rclone, token) =>
        {
            try
            {
                return await rclone.RunAsync(["cat", "--count", Text(StoredObject.LargestSmall + 1L), PathOf(key)], null, token).ConfigureAwait(false);
            }
            catch (RcloneException exception) when (exception.IsMissing)
            {
                return null;
            }
        }, cancellationToken).ConfigureAwait(false);
        if (content is { Length: > StoredObject.LargestSmall })
            throw DirectoryFailures.TooLarge(Locate(key), content.Length);
        // In a bucket, what is missing is a folder without files, of which nothing is printed.
        return content is { Length: 0 } && await StatAsync(key, cancellationToken).ConfigureAwait(false) is null ? null : content;
    }

    /// <inheritdoc/>
    public async Task<bool> PutAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        try
        {
            return await _claims.PutAsync(key, content, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException exception)
        {
            throw RcloneFailures.From(exception, Location, _address.Host, writes: true, $"writing '{key}'");
        }
    }

    /// <inheritdoc/>
    public async Task WriteAsync(string key, Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(write);
        string action = $"writing '{key}'";
        bool isThere = false;
        try
        {
            using ToolProcess process = Program.Start(["rcat", PathOf(key)], ToolUse.Feed);
            // A program that is killed does not take a broken-off input for a whole one.
            using CancellationTokenRegistration stop = cancellationToken.Register(process.Kill);
            var counted = new CountedInput(process.Input);
            try
            {
                await write(counted).ConfigureAwait(false);
                process.Input.Close();
            }
            catch (InputClosedException)
            {
                // Where the program has ended before its input, its own words say why.
                await RcloneProgram.RequireSuccessAsync(process, cancellationToken).ConfigureAwait(false);
                throw;
            }

            await RcloneProgram.RequireSuccessAsync(process, cancellationToken).ConfigureAwait(false);
            long size = await StatAsync(key, cancellationToken).ConfigureAwait(false) ?? 0;
            if (size != counted.Written)
                throw RemoteFailures.From(RemoteProblem.Other, Location, writes: true, action, $"the remote has {size} of {counted.Written} bytes");
            isThere = true;
        }
        catch (Exception exception) when (exception is RcloneException or TimeoutException)
        {
            throw RcloneFailures.From(exception, Location, _address.Host, writes: true, action);
        }
        finally
        {
            if (!isThere)
                await DiscardAsync(key).ConfigureAwait(false);
        }
    }

    /// <summary>Does nothing: what rclone has reported as written is the remote's.</summary>
    public Task FlushAsync(string prefix, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellationToken) => CallAsync($"deleting '{key}'", writes: true, s_short, async (rclone, token) =>
    {
        try
        {
            await rclone.RunAsync(["deletefile", PathOf(key)], null, token).ConfigureAwait(false);
        }
        catch (RcloneException exception) when (exception.IsMissing)
        {
            // As it should be.
        }

        return true;
    }, cancellationToken);

    /// <summary>False: rclone has no such call, and writers agree by claims.</summary>
    public Task<bool> HasConditionalPutAsync(CancellationToken cancellationToken) => Task.FromResult(false);

    private async Task<IReadOnlyList<StoredObject>> ListBelowAsync(string prefix, CancellationToken cancellationToken)
    {
        byte[] json = await CallAsync($"listing '{prefix}'", writes: false, s_long, async (rclone, token) =>
        {
            try
            {
                return await rclone.RunAsync(["lsjson", "--recursive", "--files-only", "--no-mimetype", "--fast-list", PathOf(prefix.TrimEnd('/'))], null, token).ConfigureAwait(false);
            }
            catch (RcloneException exception) when (exception.IsMissing)
            {
                return "[]"u8.ToArray();
            }
        }, cancellationToken).ConfigureAwait(false);
        using JsonDocument list = JsonDocument.Parse(json);
        return [.. list.RootElement.EnumerateArray().Select(each => ObjectOf(prefix, each))];
    }

    // rclone takes the end of its input for the end of the object, also where this process was killed: what does not fit into the pipe at once
    // gets its key when it is whole.
    private async Task PutWholeAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        if (content.Length <= PipeSize)
        {
            await FeedAsync(key, content, cancellationToken).ConfigureAwait(false);
            return;
        }

        string unfinished = UnfinishedKey.For(key);
        bool isThere = false;
        try
        {
            await FeedAsync(unfinished, content, cancellationToken).ConfigureAwait(false);
            long size = await StatAsync(unfinished, cancellationToken).ConfigureAwait(false) ?? 0;
            if (size != content.Length)
                throw RemoteFailures.From(RemoteProblem.Other, Location, writes: true, $"writing '{key}'", $"the remote has {size} of {content.Length} bytes");
            await CallAsync($"writing '{key}'", writes: true, s_short, (rclone, token) => rclone.RunAsync(["moveto", PathOf(unfinished), PathOf(key)], null, token), cancellationToken).ConfigureAwait(false);
            isThere = true;
        }
        finally
        {
            if (!isThere)
                await DiscardAsync(unfinished).ConfigureAwait(false);
        }
    }

    private Task<byte[]> FeedAsync(string key, ReadOnlyMemory<byte> content, CancellationToken cancellationToken) =>
        CallAsync($"writing '{key}'", writes: true, s_short, (rclone, token) => rclone.RunAsync(["rcat", PathOf(key)], content, token), cancellationToken);

    private static StoredObject ObjectOf(string prefix, JsonElement entry)
    {
        long size = entry.GetProperty("Size").GetInt64();
        DateTimeOffset modified = entry.GetProperty("ModTime").GetDateTimeOffset();
        string? version = DateTimeOffset.UtcNow - modified < s_settled ? null : string.Create(CultureInfo.InvariantCulture, $"{modified.UtcTicks}-{size}");
        return new StoredObject(prefix + entry.GetProperty("Path").GetString(), size, modified.ToUniversalTime(), version);
    }

    // The object's bytes; null if there is none. Of the root, anything.
    private Task<long?> StatAsync(string key, CancellationToken cancellationToken) => CallAsync<long?>($"reading '{key}'", writes: false, s_short, async (rclone, token) =>
    {
        try
        {
            byte[] json = await rclone.RunAsync(["lsjson", "--stat", "--no-mimetype", PathOf(key)], null, token).ConfigureAwait(false);
            using JsonDocument entry = JsonDocument.Parse(json);
            return entry.RootElement.ValueKind != JsonValueKind.Object || (key.Length > 0 && entry.RootElement.GetProperty("IsDir").GetBoolean()) ? null : entry.RootElement.GetProperty("Size").GetInt64();
        }
        catch (RcloneException exception) when (exception.IsMissing)
        {
            return null;
        }
    }, cancellationToken);

    private async Task DiscardAsync(string key)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            await DeleteAsync(key, patience.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is BackupException or OperationCanceledException)
        {
            // The failure itself is on its way; no manifest names this object.
        }
    }

    private string PathOf(string key)
    {
        foreach (Range name in key.AsSpan().Split('/'))
        {
            if (key.AsSpan(name) is "." or "..")
                throw new ArgumentException($"'{key}' is not a key of this store.", nameof(key));
        }

        return key.Length == 0 ? _root : _root[^1] is ':' or '/' ? _root + key : $"{_root}/{key}";
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private async Task<T> CallAsync<T>(string action, bool writes, TimeSpan timeout, Func<RcloneProgram, CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await _retries.RunAsync(timeout, (_, token) => call(Program, token), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or TimeoutException or JsonException)
        {
            throw RcloneFailures.From(exception, Location, _address.Host, writes, action);
        }
    }

    // Apart from what goes wrong while the content is read from elsewhere.
    private sealed class InputClosedException(IOException inner) : IOException("rclone has closed its input", inner);

    private sealed class CountedInput(Stream inner) : Stream
    {
        public long Written { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            try
            {
                inner.Write(buffer, offset, count);
            }
            catch (IOException exception)
            {
                throw new InputClosedException(exception);
            }

            Written += count;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                await inner.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
            }
            catch (IOException exception)
            {
                throw new InputClosedException(exception);
            }

            Written += buffer.Length;
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
