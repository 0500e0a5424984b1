using System.Formats.Tar;

namespace DbBackup.Engine.Engines.Files;

/// <summary>An entry of a tar as its headers state it.</summary>
internal sealed record TarItem(
    TarEntryType EntryType, string Name, string LinkName, long Length, UnixFileMode Mode, uint UserId, uint GroupId, DateTime ModifiedUtc);
