using System.Formats.Tar;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>An entry of a tar as its headers state it. Its names may have any bytes; see <see cref="RawName"/>.</summary>
internal sealed record TarItem(
    TarEntryType EntryType, string Name, string LinkName, long Length, UnixFileMode Mode, uint UserId, uint GroupId, DateTime ModifiedUtc)
{
    /// <summary>Its extended attributes and ACLs.</summary>
    public IReadOnlyList<ExtendedAttribute> Attributes { get; init; } = [];
}
