using System.Text.Json;

namespace DbBackup.Engine.Platform;

/// <summary>
/// A scratch folder of this process, which goes when the object is disposed. What a killed run leaves is recognised by its dead owner
/// and removed by the next run; nothing has to be unlocked.
/// </summary>
internal sealed class LocalWorkspace : IDisposable
{
    private const string Prefix = "dbbackup-";
    private const string RemovedPrefix = Prefix + "removed-";
    private const string OwnerFile = "owner.json";

    // Between the folder and its owner file there is a moment.
    private static readonly TimeSpan UnownedTimeout = TimeSpan.FromMinutes(10);

    private static readonly EnumerationOptions s_withoutLinks = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false };

    private readonly string _folder;

    private LocalWorkspace(string folder)
    {
        _folder = folder;
        Path = System.IO.Path.Combine(folder, "scratch");
    }

    /// <summary>An empty folder for temporary files.</summary>
    public string Path { get; }

    /// <summary>Removes what dead runs left in a folder, and creates a workspace there.</summary>
    /// <exception cref="IOException">It cannot be created.</exception>
    /// <exception cref="UnauthorizedAccessException">This user is not allowed to create it.</exception>
    public static LocalWorkspace Create(string parent)
    {
        PrivateFiles.CreateFolder(parent);
        Sweep(parent);
        string folder = System.IO.Path.Combine(parent, $"{Prefix}{Guid.NewGuid():N}");
        PrivateFiles.CreateFolder(folder);
        try
        {
            using (FileStream owner = PrivateFiles.CreateNew(System.IO.Path.Combine(folder, OwnerFile)))
                JsonSerializer.Serialize(owner, ProcessIdentity.Current);
            var workspace = new LocalWorkspace(folder);
            PrivateFiles.CreateFolder(workspace.Path);
            return workspace;
        }
        catch
        {
            // Without an owner nobody would dare to remove it for long.
            Remove(folder);
            throw;
        }
    }

    /// <summary>Removes the workspaces of dead owners.</summary>
    public static void Sweep(string parent)
    {
        if (!Directory.Exists(parent))
            return;
        // A folder of another user, or a link, was made by somebody who wants a folder emptied.
        foreach (string folder in Directory.EnumerateDirectories(parent, Prefix + "*").Where(folder => IsOurs(folder) && FolderRemoval.IsOwn(folder) && IsAbandoned(folder)).ToList())
            Remove(folder);
    }

    /// <inheritdoc/>
    public void Dispose() => Remove(_folder);

    // The parent may be the system's folder for temporary files, where a user's own folder may begin with the same word.
    private static bool IsOurs(string folder)
    {
        string name = System.IO.Path.GetFileName(folder);
        return Guid.TryParseExact(name[(name.StartsWith(RemovedPrefix, StringComparison.Ordinal) ? RemovedPrefix : Prefix).Length..], "N", out _);
    }

    private static bool IsAbandoned(string folder)
    {
        if (System.IO.Path.GetFileName(folder).StartsWith(RemovedPrefix, StringComparison.Ordinal))
            return true;
        try
        {
            string record = System.IO.Path.Combine(folder, OwnerFile);
            if (File.Exists(record) && !OwnFile.Is(record))
                return false;
            ProcessIdentity? owner = JsonSerializer.Deserialize<ProcessIdentity>(File.ReadAllBytes(record));
            return owner?.IsAlive() switch
            {
                Liveness.Alive => false,
                Liveness.Dead => true,
                _ => IsOlder(folder, ProcessIdentity.SilenceOfOtherHosts),
            };
        }
        catch (Exception exception) when (exception is FileNotFoundException or JsonException)
        {
            return IsOlder(folder, UnownedTimeout);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static bool IsOlder(string folder, TimeSpan age)
    {
        try
        {
            DateTime newest = Directory.EnumerateFileSystemEntries(folder, "*", s_withoutLinks)
                .Select(File.GetLastWriteTimeUtc)
                .Append(Directory.GetLastWriteTimeUtc(folder))
                .Max();
            return DateTime.UtcNow - newest > age;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Another run removes it.
            return false;
        }
    }

    // Under another name first: a deletion that is killed in the middle leaves a folder that is known to have no owner.
    private static void Remove(string folder)
    {
        string removed = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(folder)!, RemovedPrefix + Guid.NewGuid().ToString("N"));
        try
        {
            Directory.Move(folder, removed);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Gone already, or held open by a scanner: what cannot be renamed is deleted where it is.
            removed = folder;
        }

        try
        {
            FolderRemoval.DeleteOwn(removed);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Another run sweeps the same folder, or a scanner has a file open: the next run removes it.
        }
    }
}
