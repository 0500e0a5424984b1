using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Dump.Unchanged;

/// <summary>Some blocks of a table, and where their rows stand in an archive.</summary>
/// <param name="From">The first block.</param>
/// <param name="Count">How many.</param>
/// <param name="Offset">Where their chunks begin in the archive.</param>
/// <param name="Length">Bytes of their chunks, with the chunks' lengths.</param>
/// <param name="Rows">The rows.</param>
internal sealed record DumpedRange(long From, long Count, long Offset, long Length, TableRows Rows);

/// <summary>A table in an archive.</summary>
/// <param name="ObjectId">Its number (oid).</param>
/// <param name="Shape">What made the text of its rows, beside its blocks.</param>
/// <param name="Ranges">Its rows, in the order of the blocks.</param>
internal sealed record DumpedTable(uint ObjectId, TableShape Shape, IReadOnlyList<DumpedRange> Ranges);
