using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>Receives what a <see cref="DumpLexer"/> finds. The spans are valid during the call only.</summary>
internal interface IDumpEvents
{
    /// <summary>A comment that fills a line of its own between two statements.</summary>
    void Comment(ReadOnlySpan<byte> line, ByteRange range);

    /// <summary>A command to psql itself, such as <c>\connect</c>; without its line end.</summary>
    void Command(ReadOnlySpan<byte> line, ByteRange range);

    /// <summary>A whole statement with its semicolon; of a very long one (<see cref="DumpLexer.KeptBytes"/>) only the beginning.</summary>
    void Statement(ReadOnlySpan<byte> text, ByteRange range);

    /// <summary>True if the rows after the statement that was heard last are wanted, and not only their number.</summary>
    bool WantsRows { get; }

    /// <summary>
    /// The data after a <c>COPY … FROM stdin;</c>, up to and with the line <c>\.</c>. The text is empty unless it was wanted; of very long
    /// data it is only the beginning.
    /// </summary>
    void CopyData(TableRows rows, ReadOnlySpan<byte> text, ByteRange range);
}
