namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>
/// Reads the SQL script of a database as it streams past, without a server: whether it is whole, from which version it comes, and how
/// many rows each table has. Constant memory; a script of hundreds of MB takes about a second.
/// </summary>
/// <remarks>Not safe for use by several threads.</remarks>
internal sealed class PlainDumpScanner
{
    private readonly PlainDumpFacts _facts = new();
    private readonly DumpLexer _lexer;

    /// <summary>Begins a script.</summary>
    /// <param name="inUtc">True if times with a zone are hashed as they are in UTC.</param>
    public PlainDumpScanner(bool inUtc = false) => _lexer = new DumpLexer(_facts, inUtc);

    /// <summary>Takes the next bytes of the script, in chunks of any size.</summary>
    public void Append(ReadOnlySpan<byte> bytes) => _lexer.Append(bytes);

    /// <summary>Ends the script.</summary>
    /// <returns>What was found; also where the script is cut off.</returns>
    public PlainDumpReport Complete()
    {
        PlainDumpReport report = _facts.Report(_lexer.Complete());
        return _lexer.UnsafeAt is { } place && !(report.UnsafeAt < place) ? report with { UnsafeAt = place } : report;
    }
}
