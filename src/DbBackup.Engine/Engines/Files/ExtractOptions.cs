using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>How an archive is extracted.</summary>
internal sealed record ExtractOptions
{
    /// <summary>
    /// Takes the archive's one top folder for the destination itself, so that <c>uploads/a.png</c> becomes <c>a.png</c> in it.
    /// </summary>
    public bool StripFirstFolder { get; init; }

    /// <summary>Gives the files to the owners that the archive names, which only root can.</summary>
    public bool RestoreOwners { get; init; } = UnixFile.EffectiveUserId == 0;

    /// <summary>True if an archive without an end mark is refused; true for archives made here, false for those of other programs.</summary>
    public bool RequireEndMark { get; init; }

    /// <summary>True if long runs of zeros become holes, which take no room.</summary>
    public bool MakeHoles { get; init; }

    /// <summary>Tells which entries are extracted, by their names in the archive; null for all.</summary>
    public Func<string, bool>? Wanted { get; init; }

    /// <summary>Receives how many bytes of content were written so far.</summary>
    public IProgress<long>? Bytes { get; init; }
}
