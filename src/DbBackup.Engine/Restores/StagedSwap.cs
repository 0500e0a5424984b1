using System.Text.Json.Serialization;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Restores;

/// <summary>
/// One file or folder that waits beside its target to take its place. At any moment the names on disk alone tell how far the
/// swap has come: staged and target present (not begun), staged and old present (in the middle), staged gone (done).
/// </summary>
/// <param name="Target">The final path.</param>
/// <param name="Staged">The path of what waits; in the same folder, so that a rename suffices.</param>
/// <param name="Old">Where a folder that is replaced waits to be deleted.</param>
/// <param name="IsFolder">Whether it is a folder; a file is replaced in a single rename.</param>
internal sealed record StagedSwap(string Target, string Staged, string Old, bool IsFolder)
{
    /// <summary>Where an archive is unpacked before it is complete.</summary>
    [JsonIgnore]
    public string Extracting => Staged + ".tmp";

    /// <summary>Whether the swap has begun or is done.</summary>
    [JsonIgnore]
    public bool HasBegun => !Exists(Staged) || Exists(Old);

    /// <summary>Whether the target is in place.</summary>
    [JsonIgnore]
    public bool IsDone => !Exists(Staged);

    /// <summary>The names for a database that takes its place together with the folder around it.</summary>
    public static StagedSwap Within(StagedSwap folder, string relativePath) =>
        new(Path.Combine(folder.Target, relativePath), Path.Combine(folder.Staged, relativePath), folder.Old, IsFolder: false);

    /// <summary>The names for a target.</summary>
    public static StagedSwap For(string target, bool isFolder)
    {
        string folder = Path.GetDirectoryName(target)!;
        string stem = $".{Path.GetFileName(target)}.dbbackup-{Guid.NewGuid():N}";
        // Long names leave no room for a prefix; the identity alone suffices.
        if (stem.Length > 200)
            stem = $".dbbackup-{Guid.NewGuid():N}";
        return new StagedSwap(target, Path.Combine(folder, stem + ".new"), Path.Combine(folder, stem + ".old"), isFolder);
    }

    /// <summary>Puts what waits in place, or goes on where a killed run stopped.</summary>
    public void Finish()
    {
        if (Exists(Staged))
        {
            if (IsFolder)
            {
                if (Exists(Target))
                    Move(Target, Old);
                try
                {
                    Move(Staged, Target);
                }
                catch (Exception exception) when ((exception is IOException or UnauthorizedAccessException) && Exists(Old))
                {
                    Move(Old, Target);
                    throw;
                }
            }
            else
            {
                // The old log would be replayed into the new file: it goes first. The old database is complete without it,
                // because the caller has emptied it, or has set everything aside.
                foreach (string sidecar in SqliteFile.Sidecars(Target))
                    File.Delete(sidecar);
                File.Move(Staged, Target, overwrite: true);
            }

            DurableFiles.FlushDirectory(Path.GetDirectoryName(Target)!);
        }

        Delete(Old);
    }

    /// <summary>Removes what waits; the target was not touched.</summary>
    public void Discard()
    {
        Delete(Staged);
        Delete(Extracting);
    }

    private static bool Exists(string path) => File.Exists(path) || Directory.Exists(path);

    private static void Move(string from, string to)
    {
        if (Directory.Exists(from))
            Directory.Move(from, to);
        else
            File.Move(from, to);
    }

    private static void Delete(string path)
    {
        if (Directory.Exists(path) && new DirectoryInfo(path).LinkTarget is null)
            Directory.Delete(path, recursive: true);
        else
            File.Delete(path);
        // The staged database may have been opened for its check by a library that left files beside it.
        foreach (string sidecar in SqliteFile.Sidecars(path))
            File.Delete(sidecar);
    }
}
