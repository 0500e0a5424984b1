namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>What a file or folder was like when it was read for the first time.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Bytes">How many bytes it has, in all files.</param>
/// <param name="LastWritten">When it, or anything in it, was written last.</param>
internal sealed record FileStamp(string Path, long Bytes, DateTimeOffset LastWritten)
{
    /// <summary>Looks at a file or folder.</summary>
    public static FileStamp Of(string path)
    {
        FileInfo[] files = Directory.Exists(path) ? new DirectoryInfo(path).GetFiles("*", SearchOption.AllDirectories) : [new FileInfo(path)];
        return new FileStamp(path, files.Sum(file => file.Length), new DateTimeOffset(files.Select(file => file.LastWriteTimeUtc).DefaultIfEmpty().Max()));
    }

    /// <summary>Fails where it is another one now: what was proved would not be what was stored.</summary>
    /// <exception cref="BackupFailure"><see cref="ErrorCodes.DumpIncomplete"/>.</exception>
    public void RequireUnchanged()
    {
        if (Of(Path) == this)
            return;
        throw new BackupFailure(
            ErrorCodes.DumpIncomplete,
            FailureCategory.InvalidData,
            $"'{Path}' was written while it was read. Nothing was imported.",
            "Wait until the program that writes it has ended, then import it.")
        { Target = Path };
    }
}
