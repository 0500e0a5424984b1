using System.Text.Json;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Repository.Stores;

/// <summary>
/// Temporary folders that are known to belong to a living process. What a killed run leaves is recognised by its dead owner and
/// removed by the next run; nobody has to unlock anything.
/// </summary>
internal static class StaleWork
{
    private const string Prefix = "dbbackup-";
    private const string RemovedPrefix = Prefix + "removed-";
    private const string OwnerFile = "owner.json";

    // Another computer's processes cannot be seen: its folder counts as left behind when nothing in it changed for so long.
    private static readonly TimeSpan PatienceWithOtherHosts = TimeSpan.FromDays(2);

    // Between the folder and its owner file there is a moment.
    private static readonly TimeSpan PatienceWithUnowned = TimeSpan.FromMinutes(10);

    /// <summary>Creates a folder that belongs to this process, and goes when the object is disposed.</summary>
    public static Marked Mark(string parent)
    {
        string folder = Path.Combine(parent, $"{Prefix}{Guid.NewGuid():N}");
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new Marked(folder);
    }

    /// <summary>Removes the folders of dead owners.</summary>
    public static void Sweep(string parent)
    {
        foreach (string folder in Directory.EnumerateDirectories(parent, Prefix + "*").Where(IsAbandoned).ToList())
            Remove(folder);
    }

    /// <summary>Removes everything in a folder that holds only what is to go.</summary>
    public static void DeleteAll(string parent)
    {
        foreach (string folder in Directory.EnumerateDirectories(parent).ToList())
            Delete(folder);
    }

    private static bool IsAbandoned(string folder)
    {
        if (Path.GetFileName(folder).StartsWith(RemovedPrefix, StringComparison.Ordinal))
            return true;
        string path = Path.Combine(folder, OwnerFile);
        try
        {
            // The owner keeps its file locked: being able to open it is the first sign. Not all network shares keep locks,
            // so it is not the only one.
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1);
            ProcessIdentity? owner = JsonSerializer.Deserialize<ProcessIdentity>(file);
            return owner?.IsAlive() switch
            {
                Liveness.Alive => false,
                Liveness.Dead => true,
                _ => DateTime.UtcNow - NewestChange(folder) > PatienceWithOtherHosts,
            };
        }
        catch (Exception exception) when (exception is FileNotFoundException or JsonException)
        {
            return DateTime.UtcNow - NewestChange(folder) > PatienceWithUnowned;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static DateTime NewestChange(string folder) => Directory
        .EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories)
        .Select(File.GetLastWriteTimeUtc)
        .Append(Directory.GetLastWriteTimeUtc(folder))
        .Max();

    // Under another name first: a deletion that is killed in the middle leaves a folder that is known to be nobody's.
    private static void Remove(string folder)
    {
        string removed = Path.Combine(Path.GetDirectoryName(folder)!, RemovedPrefix + Guid.NewGuid().ToString("N"));
        try
        {
            Directory.Move(folder, removed);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Gone already, or held open by a scanner: what cannot be renamed is deleted where it is.
            removed = folder;
        }

        Delete(removed);
    }

    private static void Delete(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Another run sweeps the same folder, or a scanner has a file open: the next run gets it.
        }
    }

    /// <summary>A temporary folder of this process.</summary>
    internal sealed class Marked : IDisposable
    {
        private readonly FileStream _owner;

        public Marked(string folder)
        {
            Folder = folder;
            _owner = new FileStream(Path.Combine(folder, OwnerFile), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1);
            JsonSerializer.Serialize(_owner, ProcessIdentity.Current);
            _owner.Flush();
        }

        /// <summary>The folder.</summary>
        public string Folder { get; }

        /// <inheritdoc/>
        public void Dispose()
        {
            _owner.Dispose();
            Remove(Folder);
        }
    }
}
