using DbBackup.Engine.Engines;

namespace DbBackup.Engine.Portability;

/// <summary>The databases and dumps in a folder that is no dump itself.</summary>
internal static class DataFolder
{
    private static readonly EnumerationOptions s_all = new() { RecurseSubdirectories = true, IgnoreInaccessible = false, AttributesToSkip = FileAttributes.ReparsePoint };

    /// <summary>Returns the databases as an application uses them.</summary>
    public static IReadOnlyList<(string Path, ForeignDump Dump)> DatabasesIn(string folder) => [.. Find(folder, (file, dump) => dump.IsDatabase && file.Compression == PayloadCompression.None)];

    /// <summary>Returns dumps that programs write: what looks like one is not enough.</summary>
    public static IEnumerable<(string Path, ForeignDump Dump)> DumpsIn(string folder) => Find(folder, (_, dump) => !dump.IsDatabase && !dump.IsGuess);

    private static IEnumerable<(string Path, ForeignDump Dump)> Find(string folder, Func<ForeignFile, ForeignDump, bool> wanted)
    {
        foreach (string path in Directory.EnumerateFiles(folder, "*", s_all))
        {
            if (Recognize(path) is ({ } file, { } dump) && wanted(file, dump))
                yield return (path, dump);
        }
    }

    private static (ForeignFile? File, ForeignDump? Dump) Recognize(string path)
    {
        try
        {
            ForeignFile file = ForeignFile.Read(path);
            return (file, DatabaseEngines.Recognize(file));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The archive of the folder says what cannot be read.
            return default;
        }
    }
}
