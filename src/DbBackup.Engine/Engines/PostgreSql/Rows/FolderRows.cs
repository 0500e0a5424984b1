namespace DbBackup.Engine.Engines.PostgreSql.Rows;

/// <summary>Counts the rows of each table in an archive of the directory format while its files are read one after the other.</summary>
/// <param name="contents">What <c>toc.dat</c> lists.</param>
/// <remarks>Not safe for use by several threads.</remarks>
internal sealed class FolderRows(ArchiveContents contents)
{
    private readonly Dictionary<string, ArchivedTable> _byFile = contents.Tables.Values.ToDictionary(table => table.FileName, StringComparer.Ordinal);
    private readonly Dictionary<uint, TableRows> _rows = [];
    private readonly CopyRows _copy = new();
    private ArchivedTable? _table;
    private string? _path;

    /// <summary>Reads the table of contents of a folder; null where it is of a form that is not known here.</summary>
    public static FolderRows? Open(string folder) =>
        ArchiveContents.TryRead(File.ReadAllBytes(Path.Combine(folder, "toc.dat")), out ArchiveContents? contents, out _) && contents is not null ? new FolderRows(contents) : null;

    /// <summary>What <c>toc.dat</c> lists.</summary>
    public ArchiveContents Contents => contents;

    /// <summary>Takes the next bytes of a file.</summary>
    /// <param name="path">The file; files come one after the other.</param>
    /// <param name="bytes">The bytes.</param>
    public void Take(string path, ReadOnlySpan<byte> bytes)
    {
        if (path != _path)
        {
            End();
            _path = path;
            _copy.Reset();
            _table = _byFile.GetValueOrDefault(Path.GetFileName(path));
        }

        if (_table is not null)
            _copy.Append(bytes);
    }

    /// <summary>Ends the folder.</summary>
    /// <returns>The rows by the oids of their tables.</returns>
    /// <exception cref="InvalidDataException">A file is missing or cut off.</exception>
    public IReadOnlyDictionary<uint, TableRows> Complete()
    {
        End();
        ArchivedTable? without = _byFile.Values.FirstOrDefault(table => !_rows.ContainsKey(table.Table));
        return without is null ? _rows : throw new InvalidDataException($"the file {without.FileName} with the data of a table is missing or cut off");
    }

    private void End()
    {
        if (_table is not null && _copy.IsEnded)
            _rows[_table.Table] = _copy.Result();
        _table = null;
    }
}
