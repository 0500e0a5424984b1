using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>An archive of this machine as pg_restore gets it: by its path, or where pg_restore runs elsewhere as a stream or a copy.</summary>
internal sealed class ArchiveInput : IDisposable
{
    private readonly string _archive;
    private readonly PlacedCopy? _copy;

    private ArchiveInput(string archive, bool isStreamed, PlacedCopy? copy)
    {
        _archive = archive;
        IsStreamed = isStreamed;
        _copy = copy;
        Arguments = isStreamed ? [] : [copy?.Path ?? archive];
    }

    /// <summary>True if <see cref="FeedAsync"/> gives it to the program's standard input.</summary>
    public bool IsStreamed { get; }

    /// <summary>What is done with the streams of a program that gets it.</summary>
    public ToolUse Use => IsStreamed ? ToolUse.Feed : ToolUse.Ask;

    /// <summary>What names it in the program's arguments.</summary>
    public IReadOnlyList<string> Arguments { get; }

    public static async Task<ArchiveInput> OpenAsync(PostgreSqlClient client, string archive, CancellationToken cancellationToken)
    {
        if (client.Place is null)
            return new ArchiveInput(archive, isStreamed: false, null);
        return Directory.Exists(archive)
            ? new ArchiveInput(archive, isStreamed: false, await client.Place.PlaceAsync(archive, cancellationToken).ConfigureAwait(false))
            : new ArchiveInput(archive, isStreamed: true, null);
    }

    /// <summary>Gives the archive to the program, as far as it wants it: its exit code says whether that was enough.</summary>
    public async Task FeedAsync(ToolProcess tool, CancellationToken cancellationToken)
    {
        if (!IsStreamed)
            return;
        try
        {
            using var file = new FileStream(_archive, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.Asynchronous | FileOptions.SequentialScan);
            byte[] buffer = new byte[1 << 18];
            int read;
            while (!tool.HasInputEnough && (read = await file.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
                await tool.Input.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
        }
        catch (IOException) when (!cancellationToken.IsCancellationRequested)
        {
            // It has gone.
        }
        finally
        {
            await tool.Input.DisposeAsync().ConfigureAwait(false);
        }
    }

    public void Dispose() => Remove(_copy);

    internal static void Remove(PlacedCopy? copy)
    {
        if (copy is null)
            return;
        try
        {
            copy.RemoveAsync().GetAwaiter().GetResult();
        }
        catch (BackupException)
        {
            // The container has gone, and the copy with it or not: it lies in a temporary folder.
        }
    }
}

/// <summary>The list of what pg_restore is to take, where pg_restore can read it.</summary>
internal sealed class PlacedList : IDisposable
{
    private readonly PlacedCopy? _copy;

    private PlacedList(string? path, PlacedCopy? copy)
    {
        Path = path;
        _copy = copy;
    }

    /// <summary>Its path; null where there is none.</summary>
    public string? Path { get; }

    public static async Task<PlacedList> OpenAsync(PostgreSqlClient client, string? file, CancellationToken cancellationToken)
    {
        if (client.Place is null || file is null)
            return new PlacedList(file, null);
        PlacedCopy copy = await client.Place.PlaceAsync(file, cancellationToken).ConfigureAwait(false);
        return new PlacedList(copy.Path, copy);
    }

    public void Dispose() => ArchiveInput.Remove(_copy);
}
