using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>Gathers a <see cref="PlainDumpReport"/> from the parts of one script.</summary>
internal sealed class PlainDumpFacts : IDumpEvents
{
    private readonly List<DumpedTable> _tables = [];
    private readonly Dictionary<string, int> _byName = [];
    private readonly DumpedObjects _objects = new();
    private Trailer _trailer;
    private byte[]? _restrictKey;
    private string? _copying;
    private IReadOnlyList<string>? _columns;
    private bool _copiesRevisions;
    private bool _dataAhead;
    private bool _isDumpOpen;
    private bool _isBroken;
    private bool _commits;
    private bool _isCluster;
    private bool _usesInserts;
    private bool _setsTransactionTimeout;
    private bool _usesRestrict;
    private long? _commandAt;
    private string? _serverVersion;
    private string? _clientVersion;

    private enum Trailer
    {
        None,
        DatabaseBegun,
        Database,
        ClusterBegun,
        Cluster,
    }

    /// <inheritdoc/>
    public bool WantsRows => _copiesRevisions;

    /// <inheritdoc/>
    public void Comment(ReadOnlySpan<byte> line, ByteRange range)
    {
        line = line.TrimEnd(" \t\r"u8);
        Trailer before = _trailer;
        if (before is Trailer.DatabaseBegun or Trailer.ClusterBegun)
            _trailer = !line.SequenceEqual("--"u8) ? Trailer.None : before == Trailer.DatabaseBegun ? Trailer.Database : Trailer.Cluster;
        if (line.SequenceEqual("-- PostgreSQL database dump"u8))
        {
            // Two dumps one after the other, and the first is cut off.
            _isBroken |= _isDumpOpen;
            _isDumpOpen = true;
            _trailer = Trailer.None;
        }
        else if (line.SequenceEqual("-- PostgreSQL database dump complete"u8))
        {
            _isDumpOpen = false;
            _trailer = Trailer.DatabaseBegun;
        }
        else if (line.SequenceEqual("-- PostgreSQL database cluster dump"u8))
        {
            _isCluster = true;
        }
        else if (line.SequenceEqual("-- PostgreSQL database cluster dump complete"u8))
        {
            _trailer = Trailer.ClusterBegun;
        }
        else
        {
            ReadEntry(line);
            _objects.Comment(line);
        }
    }

    /// <inheritdoc/>
    public void Command(ReadOnlySpan<byte> line, ByteRange range)
    {
        line = line.TrimEnd(" \t\r"u8);
        if (line.StartsWith("\\restrict "u8))
        {
            _usesRestrict = true;
            _restrictKey = line["\\restrict "u8.Length..].ToArray();
            _trailer = Trailer.None;
        }
        else if (line.StartsWith("\\unrestrict "u8))
        {
            // A key that is cut off is told by its being another one.
            if (_restrictKey is not null && line["\\unrestrict "u8.Length..].SequenceEqual(_restrictKey))
                _restrictKey = null;
            else
                _isBroken = true;
        }
        else
        {
            _trailer = Trailer.None;
            _commandAt ??= range.Offset;
        }
    }

    /// <inheritdoc/>
    public void Statement(ReadOnlySpan<byte> text, ByteRange range)
    {
        _commits |= text.SequenceEqual("COMMIT;"u8);
        _trailer = Trailer.None;
        (_copying, _copiesRevisions) = (null, false);
        if (text.StartsWith("COPY "u8))
        {
            // Only pg_dump's own comment makes it the data of a table.
            _copying = _dataAhead ? _objects.TableOf(text["COPY "u8.Length..]) : null;
            _columns = _copying is not null && (_objects.Inheriting.Contains(_copying) || _objects.PartitionedTables.Contains(_copying)) ? CopyColumns.Of(DumpText.Decode(text)) : null;
            _copiesRevisions = _dataAhead && DumpedObjects.HoldsRevisions(text);
            _dataAhead = false;
        }
        else if (_dataAhead && text.StartsWith("INSERT INTO "u8))
        {
            _usesInserts = true;
        }
        else if (text.StartsWith("SET transaction_timeout"u8))
        {
            _setsTransactionTimeout = true;
        }
        else
        {
            _objects.Statement(text);
        }
    }

    /// <inheritdoc/>
    public void CopyData(TableRows rows, ReadOnlySpan<byte> text, ByteRange range)
    {
        if (_copiesRevisions)
            _objects.AddRevisions(text);
        _copiesRevisions = false;
        if (_copying is not { } name)
            return;
        _copying = null;
        // The partitions of a table may all be loaded through its name (--load-via-partition-root).
        if (_byName.TryGetValue(name, out int index))
        {
            DumpedTable before = _tables[index];
            TableRows sum = new TableRows(before.Rows, before.Hash) + rows;
            bool isOneOrder = before.Columns is { } order && _columns?.SequenceEqual(order) == true;
            _tables[index] = before with { Rows = sum.Count, Hash = isOneOrder ? sum.Hash : null };
            return;
        }

        _byName.Add(name, _tables.Count);
        _tables.Add(new DumpedTable(name, rows.Count, rows.Hash, _columns));
    }

    /// <summary>Sums up.</summary>
    /// <param name="endsBetweenStatements">True if the script ends outside of data, quotes and statements.</param>
    public PlainDumpReport Report(bool endsBetweenStatements) => new()
    {
        Commits = _commits,
        IsComplete = endsBetweenStatements && !_isBroken && !_isDumpOpen && _restrictKey is null
            && _trailer == (_isCluster ? Trailer.Cluster : Trailer.Database),
        IsCluster = _isCluster,
        ServerVersion = _serverVersion,
        ClientVersion = _clientVersion,
        Tables = _tables,
        CreatedTables = _objects.Tables,
        PartitionedTables = _objects.PartitionedTables,
        Roles = [.. _objects.Roles],
        Extensions = [.. _objects.Extensions],
        Encoding = _objects.Encoding,
        SchemaRevision = _objects.Revisions.Count == 0 ? null : string.Join(",", _objects.Revisions),
        UsesInserts = _usesInserts,
        SetsTransactionTimeout = _setsTransactionTimeout,
        UsesRestrict = _usesRestrict,
        UnsafeAt = _commandAt,
    };

    private void ReadEntry(ReadOnlySpan<byte> line)
    {
        if (line.StartsWith("-- Data for Name: "u8))
            _dataAhead = line.IndexOf("; Type: TABLE DATA; "u8) > 0;
        else if (line.StartsWith("-- Name: "u8))
            _dataAhead = false;
        else if (line.StartsWith("-- Dumped from database version "u8))
            _serverVersion ??= Version(line["-- Dumped from database version "u8.Length..]);
        else if (line.StartsWith("-- Dumped by pg_dump version "u8))
            _clientVersion ??= Version(line["-- Dumped by pg_dump version "u8.Length..]);
    }

    // "15.18 (Debian 15.18-0+deb12u1)"
    private static string Version(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOf((byte)' ');
        return Encoding.ASCII.GetString(end < 0 ? text : text[..end]);
    }
}
