using System.Globalization;
using System.Text.RegularExpressions;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Facts;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Engines.PostgreSql.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>Which tables a dump holds, as the dump itself says: an exit code of 0 proves nothing.</summary>
/// <param name="Tables">The oids of the tables that it defines; null where it does not name oids.</param>
/// <param name="WithRows">The oids of the tables whose rows it holds; null where it does not name oids.</param>
/// <param name="Names">The names of the tables whose rows it holds, where it names those instead.</param>
internal sealed partial record DumpContents(IReadOnlySet<uint>? Tables, IReadOnlySet<uint>? WithRows, IReadOnlySet<string>? Names)
{
    /// <summary>The rows of each table by its oid, as they passed; null where they were not counted.</summary>
    public IReadOnlyDictionary<uint, TableRows>? Rows { get; init; }

    /// <summary>The columns of tables in the order of their rows, by oid; needed of those alone that inherit.</summary>
    public IReadOnlyDictionary<uint, IReadOnlyList<string>> Columns { get; init; } = new Dictionary<uint, IReadOnlyList<string>>();

    /// <summary>The rows by the tables' names, in SQL text.</summary>
    public IReadOnlyDictionary<string, DumpedTable>? RowsByName { get; init; }

    /// <summary>The tables that the rows of partitions are loaded through, by the partitions' oids, quoted.</summary>
    public IReadOnlyDictionary<uint, string> Targets { get; init; } = new Dictionary<uint, string>();

    /// <summary>The facts of tables, as they passed, ordered by name; null where rows were not counted.</summary>
    /// <param name="tables">The tables that keep rows.</param>
    /// <param name="level">How deep.</param>
    public IReadOnlyList<TableFingerprint>? FactsOf(IEnumerable<PostgreSqlTable> tables, FingerprintLevel level) => Rows is null && RowsByName is null ? null :
    [
        .. tables.GroupBy(RootOf).SelectMany(group => group.Key is { } root ? [OfTree(root, [.. group], level)] : group.Select(table => OfTable(table, level)))
            .OrderBy(table => table.Name, StringComparer.Ordinal),
    ];

    // pg_dump loads partitions through their root if their hash may fall otherwise elsewhere, as that of an enum does: only of the whole tree is
    // it known how many rows there will be.
    private string? RootOf(PostgreSqlTable table) => table.Root is null ? null
        : Rows is not null ? Targets.GetValueOrDefault(table.ObjectId) == table.Root ? table.Root : null
        : RowsByName!.ContainsKey(table.Root) ? table.Root : null;

    private TableFingerprint OfTree(string root, IReadOnlyList<PostgreSqlTable> partitions, FingerprintLevel level)
    {
        if (Rows is null)
            return Fact(root, new TableRows(RowsByName![root].Rows, RowsByName[root].Hash), RowsByName[root].Columns, level);
        TableRows rows = partitions.Select(partition => Rows.GetValueOrDefault(partition.ObjectId, new CopyRows().Result())).Aggregate((sum, next) => sum + next);
        IReadOnlyList<string>[] columns = [.. partitions.Select(partition => Columns.GetValueOrDefault(partition.ObjectId)).OfType<IReadOnlyList<string>>()];
        // Rows whose columns stand in different orders have no hash together.
        bool isOneOrder = columns.Length > 0 && columns.All(order => order.SequenceEqual(columns[0]));
        return Fact(root, isOneOrder ? rows : rows with { Hash = null }, isOneOrder ? columns[0] : null, level);
    }

    private TableFingerprint OfTable(PostgreSqlTable table, FingerprintLevel level)
    {
        // A table whose data were left out has none.
        TableRows rows = new CopyRows().Result();
        IReadOnlyList<string>? columns = null;
        if (Rows is not null)
        {
            rows = Rows.GetValueOrDefault(table.ObjectId, rows);
            columns = table.Inherits ? Columns.GetValueOrDefault(table.ObjectId) : null;
        }
        else if (RowsByName!.TryGetValue(table.Name, out DumpedTable? dumped))
        {
            (rows, columns) = (new TableRows(dumped.Rows, dumped.Hash), dumped.Columns);
        }

        return Fact(table.Name, rows, columns, level);
    }

    private static TableFingerprint Fact(string name, TableRows rows, IReadOnlyList<string>? columns, FingerprintLevel level) => level == FingerprintLevel.Content
        ? new TableFingerprint(name, rows.Count) { ContentHash = rows.Hash, Columns = columns }
        : new TableFingerprint(name, rows.Count);

    /// <summary>Reads a listing that <c>pg_restore -l</c> made.</summary>
    public static DumpContents FromListing(string listing)
    {
        var tables = new HashSet<uint>();
        var rows = new HashSet<uint>();
        foreach (Match entry in Entry().Matches(listing))
        {
            if (!uint.TryParse(entry.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out uint objectId))
                throw ArchiveListing.Unreadable(entry.Value);
            (entry.Groups[2].Length > 0 ? rows : tables).Add(objectId);
        }

        return new DumpContents(tables, rows, null);
    }

    /// <summary>True if it holds the rows of a table.</summary>
    public bool HasRowsOf(PostgreSqlTable table) => WithRows?.Contains(table.ObjectId) ?? (Names!.Contains(table.Name) || (table.Root is { } root && Names.Contains(root)));

    /// <summary>True if it defines a table.</summary>
    public bool Defines(PostgreSqlTable table) => Tables?.Contains(table.ObjectId) ?? HasRowsOf(table);

    /// <summary>Lists an archive file or folder.</summary>
    public static async Task<string> ListAsync(PostgreSqlClient client, string archive, bool withDependencies, CancellationToken cancellationToken)
    {
        string[] arguments = withDependencies ? ["--list", "--verbose"] : ["--list"];
        using ArchiveInput input = await ArchiveInput.OpenAsync(client, archive, cancellationToken).ConfigureAwait(false);
        using ToolProcess tool = await client.StartAsync("pg_restore", [.. arguments, .. input.Arguments], new Dictionary<string, string?>(), input.Use, cancellationToken).ConfigureAwait(false);
        using CancellationTokenRegistration stop = cancellationToken.Register(tool.Kill);
        // It reads no further than it must.
        Task feeding = input.FeedAsync(tool, cancellationToken);
        using var reader = new StreamReader(tool.Output);
        string listing = await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
        await feeding.ConfigureAwait(false);
        await tool.RequireSuccessAsync("The archive is damaged; make a new one.", cancellationToken).ConfigureAwait(false);
        return listing;
    }

    // "3321; 0 16385 TABLE DATA public album postgres" and "215; 1259 16385 TABLE public album postgres": the third number is the oid.
    [GeneratedRegex(@"^\d+; \d+ (\d+) TABLE( DATA)? ", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Entry();
}

/// <summary>Has a listing made of an archive while its bytes stream by: the table of contents stands at its beginning.</summary>
internal sealed class PassingListing : IDisposable
{
    private readonly ToolProcess _tool;
    private readonly Task<string> _listing;
    private bool _ended;

    private PassingListing(ToolProcess tool)
    {
        _tool = tool;
        var reader = new StreamReader(_tool.Output);
        _listing = reader.ReadToEndAsync(CancellationToken.None);
    }

    public static async Task<PassingListing> StartAsync(PostgreSqlClient client, CancellationToken cancellationToken) =>
        new(await client.StartAsync("pg_restore", ["--list"], new Dictionary<string, string?>(), ToolUse.Feed, cancellationToken).ConfigureAwait(false));

    /// <summary>Shows it the next bytes; it takes what it needs.</summary>
    public void Take(ReadOnlyMemory<byte> bytes)
    {
        _ended |= _listing.IsCompleted || _tool.HasInputEnough;
        if (_ended || bytes.IsEmpty)
            return;
        try
        {
            _tool.Input.Write(bytes.Span);
            _tool.Input.Flush();
        }
        catch (IOException)
        {
            // It has read the table of contents and gone.
            _ended = true;
        }
    }

    /// <summary>The listing, once all bytes have passed.</summary>
    /// <exception cref="ToolFailedException">What passed was no archive.</exception>
    public async Task<string> CompleteAsync(CancellationToken cancellationToken)
    {
        _ended = true;
        try
        {
            _tool.Input.Dispose();
        }
        catch (IOException)
        {
            // As above: it has gone.
        }

        string listing = await _listing.ConfigureAwait(false);
        await _tool.RequireSuccessAsync("pg_dump wrote no archive; check its version and its output.", cancellationToken).ConfigureAwait(false);
        return listing;
    }

    public void Dispose() => _tool.Dispose();
}
