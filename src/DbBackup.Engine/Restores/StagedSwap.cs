using System.Text.Json.Serialization;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Restores;

/// <summary>
/// One file or folder that waits beside its target to take its place. At any moment the names on disk alone tell how far the
/// swap has come: staged and target present (not begun), staged and old present (in the middle), staged gone (done). The old state
/// waits until everything of the restore is in place.
/// </summary>
/// <param name="Target">The final path.</param>
/// <param name="Staged">The path of what waits; in the same folder, so that a rename suffices.</param>
/// <param name="Old">Where what is replaced waits to be deleted, or to be put back.</param>
/// <param name="IsFolder">True if it is a folder; a file is replaced in a single rename.</param>
/// <param name="Replaces">True if the target existed before: what the restore created is removed by an undo.</param>
/// <param name="Engine">The name of the engine whose database it is; null for everything else.</param>
internal sealed partial record StagedSwap(string Target, string Staged, string Old, bool IsFolder, bool Replaces, string? Engine)
{
    /// <summary>Where an archive is unpacked before it is complete.</summary>
    [JsonIgnore]
    public string Extracting => Staged + ".tmp";

    /// <summary>True if the swap has begun or is done.</summary>
    [JsonIgnore]
    public bool HasBegun => !Presence.IsThere(Staged) || Presence.IsThere(Old);

    /// <summary>True if the target is in place.</summary>
    [JsonIgnore]
    public bool IsDone => !Presence.IsThere(Staged);

    /// <summary>
    /// True if the three are names in one folder, and what waits and what is replaced are named as <see cref="For"/> names them: nothing else
    /// is ever moved or deleted on the word of a file.
    /// </summary>
    [JsonIgnore]
    public bool IsWellFormed
    {
        get
        {
            string[] paths = [Target, Staged, Old];
            string? folder = Path.GetDirectoryName(Target);
            return folder is not null
                && paths.All(path => !path.Contains('\0', StringComparison.Ordinal) && Path.IsPathFullyQualified(path) && Path.GetFullPath(path) == path && Path.GetDirectoryName(path) == folder && Path.GetFileName(path).Length > 0)
                && Staged.EndsWith(".new", StringComparison.Ordinal) && Old == Staged[..^4] + ".old"
                && OurName().IsMatch(Path.GetFileName(Staged[..^4]));
        }
    }

    [System.Text.RegularExpressions.GeneratedRegex(@"^\..*dbbackup-[0-9a-f]{32}\z", System.Text.RegularExpressions.RegexOptions.Singleline | System.Text.RegularExpressions.RegexOptions.CultureInvariant)]
    private static partial System.Text.RegularExpressions.Regex OurName();

    private IReadOnlyList<string> Companions => Engine is null ? [] : DatabaseEngines.FileNamed(Engine).Companions;

    /// <summary>The names for a target.</summary>
    public static StagedSwap For(string target, bool isFolder, bool replaces, IFileEngine? engine = null)
    {
        string folder = Path.GetDirectoryName(target)!;
        string stem = $".{Path.GetFileName(target)}.dbbackup-{Guid.NewGuid():N}";
        // Long names leave no room for a prefix; the identity alone suffices.
        if (stem.Length > 200)
            stem = $".dbbackup-{Guid.NewGuid():N}";
        return new StagedSwap(target, Path.Combine(folder, stem + ".new"), Path.Combine(folder, stem + ".old"), isFolder, replaces, engine?.Name);
    }

    /// <summary>Puts what waits in place, or goes on where a killed run stopped. What was there waits as <see cref="Old"/>.</summary>
    public void Swap()
    {
        if (!Presence.IsThere(Staged))
            return;
        if (IsFolder)
            SwapFolder();
        else
            SwapFile();
        DurableFiles.FlushDirectory(Path.GetDirectoryName(Target)!);
    }

    /// <summary>Gives what was there its place again. Repeated, it does nothing more.</summary>
    public void Undo()
    {
        if (Presence.IsThere(Old))
        {
            if (!IsFolder)
            {
                DeleteCompanions(Target);
                MoveBack();
            }
            else
            {
                if (Presence.IsThere(Target))
                    Move(Target, Staged);
                Move(Old, Target);
            }
        }
        else if (!Replaces && IsDone && Presence.IsThere(Target))
        {
            Move(Target, Staged);
        }

        // Of a database that was replaced as it was, with its log. An undo that was killed may have left that behind.
        if (!IsFolder && Replaces)
            MoveCompanions(Old, Target);
        DurableFiles.FlushDirectory(Path.GetDirectoryName(Target)!);
        Discard();
    }

    /// <summary>Deletes what was replaced: everything is in place.</summary>
    public void Complete() => Delete(Old);

    /// <summary>Removes what waits; the target was not touched.</summary>
    public void Discard()
    {
        Delete(Staged);
        Delete(Extracting);
    }

    private void SwapFolder()
    {
        if (Presence.IsThere(Target))
            Move(Target, Old);
        try
        {
            Move(Staged, Target);
        }
        catch (Exception exception) when ((exception is IOException or UnauthorizedAccessException) && Presence.IsThere(Old))
        {
            Move(Old, Target);
            throw;
        }
    }

    private void SwapFile()
    {
        // A second name keeps the old file, so that a single rename puts the new one in place: at no moment is there none. Where the
        // file system has no links, it moves away first, as a folder does.
        bool linked = Presence.IsFile(Target) && !Presence.IsThere(Old) && UnixFile.TryLink(Target, Old);
        if (!linked && Presence.IsFile(Target) && !Presence.IsThere(Old))
            File.Move(Target, Old);
        try
        {
            // The old log would be replayed into the new file: it goes first, with the old file that it belongs to.
            MoveCompanions(Target, Old);
            File.Move(Staged, Target, overwrite: true);
        }
        catch (Exception exception) when ((exception is IOException or UnauthorizedAccessException) && Presence.IsThere(Old))
        {
            MoveBack();
            MoveCompanions(Old, Target);
            throw;
        }
    }

    // A rename does nothing where both names are the same file's (rename(2)): the second one is then deleted.
    private void MoveBack()
    {
        File.Move(Old, Target, overwrite: true);
        File.Delete(Old);
    }

    private static void Move(string from, string to)
    {
        if (Presence.IsFolder(from))
            Directory.Move(from, to);
        else
            File.Move(from, to);
    }

    private void MoveCompanions(string from, string to)
    {
        foreach (string ending in Companions.Where(ending => Presence.IsFile(from + ending)))
            File.Move(from + ending, to + ending, overwrite: true);
    }

    private void DeleteCompanions(string path)
    {
        foreach (string ending in Companions)
            File.Delete(path + ending);
    }

    private void Delete(string path)
    {
        if (Presence.IsFolder(path) && new DirectoryInfo(path).LinkTarget is null)
            FolderRemoval.Delete(path);
        else
            File.Delete(path);
        // The staged database may have been opened for its check by a library that left files beside it.
        DeleteCompanions(path);
    }
}
