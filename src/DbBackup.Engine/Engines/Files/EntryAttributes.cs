using System.Formats.Tar;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>Gives extracted things the owner, mode, time, extended attributes and ACLs that the archive states.</summary>
internal sealed class EntryAttributes(bool restoreOwners, WarningLog warnings)
{
    private long _unsupported, _forRoot;
    private string _firstUnsupported = string.Empty, _firstForRoot = string.Empty;
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

    /// <summary>Says once what a whole file system, or this user, cannot hold.</summary>
    public void Complete()
    {
        if (_unsupported > 0)
            warnings.Add(_firstUnsupported, Counted("of {0} files and folders could not be kept: the file system has none", _unsupported));
        if (_forRoot > 0)
            warnings.Add(_firstForRoot, Counted("of {0} files and folders that only root can set were left out", _forRoot));
        (_unsupported, _forRoot) = (0, 0);
    }

    private static string Counted(string what, long count) =>
        "extended attributes or ACLs " + string.Format(System.Globalization.CultureInfo.InvariantCulture, what, count);

    private void SetAttributes(string path, in Facts facts, bool ofUser)
    {
        foreach (ExtendedAttribute attribute in facts.Attributes)
        {
            if (ExtendedAttributes.IsOfUser(attribute.Name) != ofUser)
                continue;
            bool isAcl = attribute.Name is ExtendedAttributes.AccessAcl or ExtendedAttributes.DefaultAcl;
            // A capability is a right of its file's owner, as the set-user-id bit is.
            if (!ofUser && !isAcl && !restoreOwners)
            {
                Note(ref _forRoot, ref _firstForRoot, facts.Name);
                continue;
            }

            int error = ExtendedAttributes.Set(path, attribute);
            if (error == 0)
                continue;
            if (error == LibC.Enotsup || error == LibC.Enosys)
                Note(ref _unsupported, ref _firstUnsupported, facts.Name);
            else
                warnings.Add(facts.Name, $"its {(isAcl ? "ACL" : $"extended attribute '{WarningLog.Shown(attribute.Name)}'")} could not be set ({UnixFile.Words(error)})");
            if (attribute.Name == ExtendedAttributes.AccessAcl)
                SetModeWithout(path, attribute.Value, facts.Mode);
        }
    }

    private static void Note(ref long count, ref string first, string name)
    {
        if (count++ == 0)
            first = name;
    }

    private static void SetModeWithout(string path, byte[] acl, UnixFileMode mode)
    {
        if (OperatingSystem.IsWindows())
            return;
        try
        {
            // Set-id bits stay as they were set or left off before.
            UnixFileMode setId = UnixFile.TryStat(path, out UnixFileFacts now) ? now.Permissions & (UnixFileMode.SetUser | UnixFileMode.SetGroup | UnixFileMode.StickyBit) : 0;
            UnixFile.SetMode(path, PosixAcl.ModeWithout(acl, mode & (UnixFileMode)0b111_111_111) | setId);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A warning of the mode was given.
        }
    }

    private static Facts From(TarItem entry) => new(
        entry.Name, entry.UserId, entry.GroupId, entry.Mode, entry.ModifiedUtc, entry.EntryType == TarEntryType.Directory, entry.Attributes);

    private void Apply(string path, in Facts facts, bool isLink)
    {
        // In this order: the owner alone may set attributes of a file's user, and before its mode forbids that; a change of owner takes the
        // set-user-id bit and capabilities off, a change of mode changes an ACL, and everything but the last changes times.
        SetAttributes(path, facts, ofUser: true);
        var owned = !restoreOwners
            ? facts.UserId == UnixFile.EffectiveUserId
            : UnixFile.TrySetOwner(path, facts.UserId, facts.GroupId);
        if (restoreOwners && !owned)
            warnings.Add(facts.Name, "its owner could not be set");
        if (!isLink && !OperatingSystem.IsWindows())
            SetMode(path, facts, owned);
        SetAttributes(path, facts, ofUser: false);
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
            UnixFile.SetMode(path, mode);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Some shares and FAT volumes keep no modes.
            warnings.Add(facts.Name, "its mode could not be set");
        }
    }

    private void SetModified(string path, in Facts facts, bool isLink)
    {
        if (UnixFile.TrySetModified(path, facts.ModifiedUtc) || isLink || RawName.IsRaw(path))
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

    private readonly record struct Facts(string Name, uint UserId, uint GroupId, UnixFileMode Mode, DateTime ModifiedUtc, bool IsFolder, IReadOnlyList<ExtendedAttribute> Attributes);
}
