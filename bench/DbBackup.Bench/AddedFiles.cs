namespace DbBackup.Bench;

/// <summary>What a backup adds to a repository that holds an earlier one; it is taken out again, so that the next contender finds the same.</summary>
internal sealed class AddedFiles
{
    private readonly string _folder;
    private readonly HashSet<string> _before;
    private readonly long _bytes;

    /// <summary>Notes what the repository has.</summary>
    public AddedFiles(string folder)
    {
        _folder = folder;
        _before = Entries().Select(entry => entry.FullName).ToHashSet();
        _bytes = Size();
    }

    /// <summary>Bytes of the repository, less those that it had.</summary>
    public long Bytes => Size() - _bytes;

    /// <summary>Removes what it did not have.</summary>
    public void Remove()
    {
        foreach (FileSystemInfo entry in Entries().Where(entry => !_before.Contains(entry.FullName)).OrderByDescending(entry => entry.FullName.Length).ToList())
            entry.Delete();
    }

    private long Size() => Entries().OfType<FileInfo>().Sum(file => file.Length);

    private IEnumerable<FileSystemInfo> Entries() => new DirectoryInfo(_folder).EnumerateFileSystemInfos("*", SearchOption.AllDirectories);
}
