using System.Formats.Tar;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>Gives extracted things the owner, mode and time that the archive states.</summary>
internal sealed class EntryAttributes(bool restoreOwners, WarningLog warnings)
{
    private readonly Dictionary<string, Facts> _folders = new(StringComparer.Ordinal);

    public void Apply(string path, TarItem entry) => Apply(path, From(entry), entry.EntryType == TarEntryType.SymbolicLink);

    /// <summary>Folders get theirs last: writing into one changes its time, and its mode may forbid that writing.</summary>
    public void RememberFolder(string path, TarItem entry) => _folders[path] = From(entry);

    public void ApplyToFolders()
    {
        // The deepest first: a parent's mode may keep us out of it.
        foreach (var (path, facts) in _folders.OrderByDescending(folder => folder.Key, StringComparer.Ordinal))
            Apply(path, facts, isLink: false);
        _folders.Clear();
    }

    private static Facts From(TarItem entry) => new(
        entry.Name, entry.UserId, entry.GroupId, entry.Mode, entry.ModifiedUtc, entry.EntryType == TarEntryType.Directory);

    private void Apply(string path, in Facts facts, bool isLink)
    {
        // In this order: a change of owner takes the set-user-id bit off, and everything but the last changes times.
        var owned = !restoreOwners
            ? facts.UserId == UnixFile.EffectiveUserId
            : UnixFile.TrySetOwner(path, facts.UserId, facts.GroupId);
        if (restoreOwners && !owned)
            warnings.Add(facts.Name, "its owner could not be set");
        if (!isLink && !OperatingSystem.IsWindows())
            SetMode(path, facts, owned);
        SetModified(path, facts, isLink);
    }

    private void SetMode(string path, in Facts facts, bool owned)
    {
        const UnixFileMode runAsOwner = UnixFileMode.SetUser | UnixFileMode.SetGroup;
        var mode = facts.Mode;

        // A program that runs as its owner must not run as whoever happens to extract it.
        if (!owned && !facts.IsFolder && (mode & runAsOwner) != 0)
        {
            mode &= ~runAsOwner;
            warnings.Add(facts.Name, "it was restored without its set-user-id or set-group-id bit, for its owner is another one");
        }

        if (OperatingSystem.IsWindows())
            return;
        try
        {
            File.SetUnixFileMode(path, mode);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Some shares and FAT volumes keep no modes.
            warnings.Add(facts.Name, "its mode could not be set");
        }
    }

    private void SetModified(string path, in Facts facts, bool isLink)
    {
        if (UnixFile.TrySetModified(path, facts.ModifiedUtc) || isLink)
            return;
        try
        {
            if (facts.IsFolder)
                Directory.SetLastWriteTimeUtc(path, facts.ModifiedUtc);
            else
                File.SetLastWriteTimeUtc(path, facts.ModifiedUtc);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            warnings.Add(facts.Name, "its time could not be set");
        }
    }

    private readonly record struct Facts(string Name, uint UserId, uint GroupId, UnixFileMode Mode, DateTime ModifiedUtc, bool IsFolder);
}
