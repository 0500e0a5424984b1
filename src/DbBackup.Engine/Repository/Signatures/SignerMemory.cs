using System.Text.Json;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Repository.Signatures;

/// <summary>
/// This user's key on this machine, and what the user knows of other signers: in the user's data folder, for the user alone. Without that folder
/// nothing is signed, and each listing is as the first.
/// </summary>
/// <param name="keys">The folder of the key; null for a user who has none.</param>
/// <param name="memory">The folder of what is known of repositories; null for a user who has none.</param>
internal sealed class SignerMemory(string? keys, string? memory)
{
    private const long LongestFile = 64 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>The memory of the user that runs this process.</summary>
    public static SignerMemory OfUser { get; } = new(UserDataFolder.Find("signing"), UserDataFolder.Find("signers"));

    /// <summary>Why this user cannot sign; null if nothing stands in the way.</summary>
    public string? Problem { get; private set; }

    /// <summary>This user's key; null if there is none, or it cannot be read.</summary>
    public SigningKey? FindKey() => Try(() => keys is null ? null : SigningKey.Read(keys));

    /// <summary>This user's key, which is made if there is none; null if it cannot be, as <see cref="Problem"/> says.</summary>
    public SigningKey? RequireKey() => Try(() => keys is null ? throw new IOException($"this user has no data folder. {UserDataFolder.Hint}") : SigningKey.ReadOrCreate(keys));

    /// <summary>What is known of a repository; null if nothing is, or it cannot be read.</summary>
    /// <exception cref="BackupException">The file is there and cannot be read: to trust anyone then would be what a forger wants.</exception>
    public RepositoryMemory? Find(Guid repository)
    {
        if (memory is null || !File.Exists(FileOf(repository)))
            return null;
        try
        {
            byte[] json = OwnFile.Read(FileOf(repository), LongestFile) ?? throw new IOException("it is another user's file, or a link.");
            RepositoryMemory known = JsonSerializer.Deserialize(json, RepositoryMemoryJson.Default.RepositoryMemory) ?? throw new JsonException("it is empty.");
            return known.Format == 1 ? known : throw new JsonException($"it has format {known.Format}; update the module.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new BackupFailure(
                ErrorCodes.SignersUnreadable,
                FailureCategory.ReadError,
                $"What this user knows of the repository's signers cannot be read: '{FileOf(repository)}': {exception.Message}",
                "Restore the file, or delete it: then the signers that the repository has now are remembered as if they were seen first.",
                exception)
            { Target = FileOf(repository) };
        }
    }

    /// <summary>Changes what is known of a repository, one process at a time. A user whose data folder cannot be written has no memory.</summary>
    /// <param name="repository">The repository's id.</param>
    /// <param name="change">Changes it, and returns whether it did.</param>
    /// <returns>False if it could not be written, as <see cref="Problem"/> says.</returns>
    public bool Update(Guid repository, Func<RepositoryMemory, bool> change)
    {
        if (memory is null)
        {
            Problem = $"this user has no data folder. {UserDataFolder.Hint}";
            return false;
        }

        return Try<object>(() =>
        {
            PrivateFiles.CreateFolder(memory);
            using FileStream alone = Lock();
            RepositoryMemory known = Find(repository) ?? new();
            if (!change(known))
                return this;
            string unfinished = Path.Join(memory, $".{Guid.NewGuid():N}.tmp");
            using (FileStream file = PrivateFiles.CreateNew(unfinished))
            {
                file.Write(JsonSerializer.SerializeToUtf8Bytes(known, RepositoryMemoryJson.Default.RepositoryMemory));
                file.Flush(flushToDisk: true);
            }

            File.Move(unfinished, FileOf(repository), overwrite: true);
            return this;
        }) is not null;
    }

    /// <summary>The manifests of a repository that were verified before.</summary>
    public VerifiedManifests VerifiedOf(Guid repository) => new(memory is null ? null : Path.Join(memory, $"{repository:D}.verified"));

    private string FileOf(Guid repository) => Path.Join(memory, $"{repository:D}.json");

    private FileStream Lock()
    {
        var waiting = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            if (OwnFile.TryLock(Path.Join(memory, "lock")) is { } lockFile)
                return lockFile;
            if (waiting.Elapsed > s_patience)
                throw new IOException("another process of this user has held its lock for 5 seconds.");
            Thread.Sleep(20);
        }
    }

    private T? Try<T>(Func<T?> work)
        where T : class
    {
        try
        {
            return work();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A backup must not fail for it.
            Problem = exception.Message;
            return null;
        }
    }
}
