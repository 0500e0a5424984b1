namespace DbBackup.Testing.PowerLoss;

/// <summary>What a file operation does.</summary>
internal enum FileOperationKind
{
    CreateFile,
    CreateFolder,
    Write,
    Truncate,
    Rename,
    Link,
    Delete,
    Flush,
    FlushAll,

    /// <summary>A request to a server, such as a container engine: what it does is no matter of this disk.</summary>
    Request,
}

/// <summary>One operation on files, with paths relative to the observed folder.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Path">The file or folder; empty for the observed folder itself; the line of a request.</param>
/// <param name="To">The new name of a rename or link.</param>
/// <param name="Offset">Where a write begins, or the new size.</param>
/// <param name="Data">What is written.</param>
internal sealed record FileOperation(FileOperationKind Kind, string Path, string? To = null, long Offset = 0, byte[]? Data = null)
{
    public override string ToString() => $"{Kind} {Path}{(To is null ? "" : " -> " + To)}{(Data is null ? "" : $" {Data.Length} bytes at {Offset}")}";
}
