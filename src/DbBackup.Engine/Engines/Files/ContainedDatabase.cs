using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Files;

/// <summary>The place of a database in a folder that was unpacked from the same backup.</summary>
internal static class ContainedDatabase
{
    /// <summary>Fails where a link of that folder leads elsewhere, or where the folder has something in the database's place: neither is ever archived.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="within">The database's path in it.</param>
    /// <exception cref="BackupFailure"><see cref="ErrorCodes.UnsafeContent"/>.</exception>
    public static void RequireFree(string folder, string within)
    {
        try
        {
            new RootedFolder(folder).RefuseLinks(Path.GetDirectoryName(within)!.Replace(Path.DirectorySeparatorChar, '/'));
        }
        catch (UnsafePathException exception)
        {
            throw Unsafe(within, $"is to be written where '{Path.GetRelativePath(folder, exception.Path)}' of its own files {exception.Reason}", exception);
        }

        if (new FileInfo(Path.Join(folder, within)) is { LinkTarget: not null } or { Exists: true } || Presence.IsFolder(Path.Join(folder, within)))
            throw Unsafe(within, "is to be written where its own files have something else", null);
    }

    private static BackupFailure Unsafe(string within, string why, Exception? inner) => new(
        ErrorCodes.UnsafeContent,
        FailureCategory.InvalidData,
        $"The backup was refused: its database '{within}' {why}.",
        "Do not use this backup before you know who made it. Its parts can be looked at one by one: Export-DbBackup -Content Database, and -Content Files.",
        inner)
    { Target = within };
}
