using System.Buffers;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>
/// The folder that an archive is extracted into, and the promise that nothing lands outside it. An entry's name is refused,
/// not bent into something harmless: an archive that tries this is not what it says it is.
/// </summary>
internal sealed class ExtractionRoot(string destination, bool stripFirst)
{
    private static readonly SearchValues<char> WindowsForbidden = SearchValues.Create("\\:*?\"<>|");

    private readonly HashSet<string> _knownFolders = new(StringComparer.Ordinal);
    private string? _top;

    public string Destination { get; } = destination;

    /// <summary>Where an entry of this name belongs. Null for one that stands for the destination's own parent and is left out.</summary>
    /// <exception cref="BackupFailure">The name leads outside, or the archive has several folders at its top.</exception>
    public string? Resolve(string name)
    {
        var parts = Parts(name);
        if (!stripFirst)
            return Combine(parts);

        // An archive of "." (tar -C uploads -c .) has no folder at its top that could be taken off.
        _top ??= parts.Count == 0 ? "." : parts[0];
        if (_top == ".")
            return Combine(parts);
        if (parts.Count == 0)
            return null;
        if (parts[0] != _top)
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid,
                FailureCategory.InvalidData,
                $"The archive holds both '{WarningLog.Shown(_top)}' and '{WarningLog.Shown(parts[0])}' at its top, where one folder is expected.",
                "Extract it with tar, and choose what is needed.");
        }

        return Combine(parts[1..]);
    }

    /// <summary>Makes the folders above a path, and refuses to pass through anything that is no folder, a link above all.</summary>
    public void EnsureParents(string path)
    {
        if (path == Destination)
            return;
        var parent = Path.GetDirectoryName(path)!;
        if (parent == Destination || _knownFolders.Contains(parent))
            return;
        EnsureParents(parent);
        if (!TryRead(parent, out var kind))
            UnixFile.CreateFolder(parent, isPrivate: false);
        else if (kind != FileKind.Directory)
            throw Unsafe(path, $"passes through '{Shown(parent)}', which is no folder");
        NoteFolder(parent);
    }

    /// <summary>
    /// Remembers a folder that is known to be one. That stays true: no later entry can replace a folder. The number is
    /// bounded; a forgotten folder is only looked at again.
    /// </summary>
    public void NoteFolder(string path)
    {
        if (_knownFolders.Count >= 4096)
            _knownFolders.Clear();
        _knownFolders.Add(path);
    }

    public static bool TryRead(string path, out FileKind kind)
    {
        try
        {
            kind = FolderItem.Read(path, "").Kind;
            return true;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            kind = default;
            return false;
        }
    }

    public BackupFailure Unsafe(string path, string why) => UnsafeName(Shown(path), why);

    private string Shown(string path) => Path.GetRelativePath(Destination, path);

    private string Combine(List<string> parts) => parts.Count == 0 ? Destination : Path.Join(Destination, string.Join(Path.DirectorySeparatorChar, parts));

    /// <summary>The parts of an entry's name.</summary>
    /// <exception cref="BackupFailure">It leads outside.</exception>
    internal static List<string> Parts(string name)
    {
        if (name.StartsWith('/'))
            throw UnsafeName(name, "is an absolute path");
        if (name.Contains('\0', StringComparison.Ordinal))
            throw UnsafeName(name, "has a zero byte in its name");
        var parts = new List<string>();
        foreach (var part in name.Split('/'))
        {
            if (part == "..")
                throw UnsafeName(name, "leads out of the archive's folder");
            if (part.Length == 0 || part == ".")
                continue;
            if (OperatingSystem.IsWindows() && (part.AsSpan().IndexOfAny(WindowsForbidden) >= 0 || part[^1] is '.' or ' '))
                throw UnsafeName(name, "has a name that Windows cannot hold or would change");
            if ((OperatingSystem.IsWindows() || OperatingSystem.IsMacOS()) && RawName.IsRaw(part))
                throw UnsafeName(name, "has a name that is not valid UTF-8, which this system cannot hold");
            parts.Add(part);
        }

        return parts;
    }

    internal static BackupFailure UnsafeName(string name, string why) => new(
        ErrorCodes.UnsafeContent,
        FailureCategory.InvalidData,
        $"The archive was refused: its entry '{WarningLog.Shown(name)}' {why}.",
        "Do not use this archive before you know who made it; tar -tvf lists what it holds.")
    {
        Target = WarningLog.Shown(name),
    };
}
