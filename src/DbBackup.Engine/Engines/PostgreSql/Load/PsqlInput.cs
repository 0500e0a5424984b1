using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Rows;
using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Load;

/// <summary>
/// What psql is given to read. SQL text that is not our own passes the lexer first, and no command to psql passes: neither one on a line of
/// its own nor a backslash outside of quotes. The restriction under which pg_dump puts its text is left out; where psql knows it, all of the
/// input is within one of our own, and psql itself takes no command then.
/// </summary>
/// <param name="input">psql's input.</param>
/// <param name="origin">The file with the text, for messages.</param>
/// <param name="withoutOwners">True if statements about owners, privileges and the like are left out, as pg_restore leaves them out of archives.</param>
internal sealed class PsqlInput(Stream input, string origin, bool withoutOwners = false) : IDumpEvents
{
    private const int ChunkBytes = 1 << 20;
    private const int LongestCommand = 4096;

    // Of a statement that is longer nothing is left out.
    private const int LongestHeld = 1 << 16;

    private static readonly SearchValues<byte> Letters = SearchValues.Create("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);

    private readonly PlainDumpFacts _facts = new();
    private readonly List<ByteRange> _leftOut = [];
    private DumpLexer? _lexer;
    private long _passed;
    private long? _commandAt;
    private byte[] _held = [];

    /// <inheritdoc/>
    public bool WantsRows => _facts.WantsRows;

    /// <summary>True if a psql knows <c>\restrict</c>; it came with the fixes of CVE-2025-8714.</summary>
    /// <param name="version">Its version, such as 15.18.</param>
    public static bool KnowsRestrict(string version)
    {
        string[] parts = version.Split('.');
        if (!int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int major))
            return false;
        _ = int.TryParse(parts.ElementAtOrDefault(1), NumberStyles.None, CultureInfo.InvariantCulture, out int minor);
        return major switch { >= 18 => true, 17 => minor >= 6, 16 => minor >= 10, 15 => minor >= 14, 14 => minor >= 19, 13 => minor >= 22, _ => false };
    }

    /// <summary>Has psql take no command from here on.</summary>
    public ValueTask RestrictAsync(CancellationToken cancellationToken) =>
        SayAsync($"\\restrict {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32))}\n", cancellationToken);

    /// <summary>Gives it statements of our own.</summary>
    public ValueTask SayAsync(string sql, CancellationToken cancellationToken) => input.WriteAsync(Encoding.UTF8.GetBytes(sql), cancellationToken);

    /// <summary>Gives it a text to its end.</summary>
    /// <returns>What the text says of itself.</returns>
    /// <exception cref="BackupException">It holds what psql would take for a command, or ends within a statement.</exception>
    public async Task<PlainDumpReport> CopyAsync(Stream text, CancellationToken cancellationToken)
    {
        byte[] chunk = GC.AllocateUninitializedArray<byte>(ChunkBytes);
        for (int read; (read = await text.ReadAsync(chunk, cancellationToken).ConfigureAwait(false)) > 0;)
            await PassAsync(chunk.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
        return Complete();
    }

    /// <summary>Gives it a piece of a text.</summary>
    public async ValueTask PassAsync(ReadOnlyMemory<byte> chunk, CancellationToken cancellationToken)
    {
        _lexer ??= new DumpLexer(this);
        long start = _lexer.Position;
        // psql ends a line at such a byte, and reads on with the next.
        int zero = chunk.Span.IndexOf((byte)0);
        if (zero >= 0)
            throw Unsafe(origin, start + zero);
        _lexer.Append(chunk.Span);
        RequireSafe(_lexer);
        if (_held.Length > 0)
        {
            chunk = (byte[])[.. _held, .. chunk.Span];
            start -= _held.Length;
        }

        // A command whose line has not ended is left out as a whole, or refused.
        long end = _lexer.CommandFrom ?? _lexer.Position;
        if (_lexer.Position - end > LongestCommand)
            throw Unsafe(origin, end);
        if (withoutOwners && _lexer.StatementFrom is { } statement && _lexer.Position - statement <= LongestHeld)
            end = statement;
        foreach (ByteRange range in _leftOut)
        {
            await WriteAsync(chunk, start, range.Offset, cancellationToken).ConfigureAwait(false);
            _passed = range.End;
        }

        _leftOut.Clear();
        await WriteAsync(chunk, start, end, cancellationToken).ConfigureAwait(false);
        _held = withoutOwners && _lexer.StatementFrom == end ? chunk[(int)(Math.Max(end, start) - start)..].ToArray() : [];
    }

    /// <summary>Ends the text.</summary>
    public PlainDumpReport Complete()
    {
        _lexer ??= new DumpLexer(this);
        bool isWhole = _lexer.Complete();
        RequireSafe(_lexer);
        // What follows would be read as a part of it.
        return isWhole ? _facts.Report(isWhole) : throw new BackupFailure(
            ErrorCodes.DumpIncomplete,
            FailureCategory.InvalidData,
            $"'{origin}' ends within a statement or within data: it was cut off.",
            "Use another backup of this source: Get-DbBackup, and Test-DbBackup to find a whole one.")
        { Target = origin };
    }

    /// <inheritdoc/>
    public void Comment(ReadOnlySpan<byte> line, ByteRange range) => _facts.Comment(line, range);

    /// <inheritdoc/>
    public void Command(ReadOnlySpan<byte> line, ByteRange range)
    {
        _facts.Command(line, range);
        if (!IsRestriction(line))
            _commandAt ??= range.Offset;
        _leftOut.Add(range);
    }

    /// <inheritdoc/>
    public void Statement(ReadOnlySpan<byte> text, ByteRange range)
    {
        _facts.Statement(text, range);
        if (withoutOwners && range.Length <= LongestHeld && IsOfOwners(text))
            _leftOut.Add(range);
    }

    /// <inheritdoc/>
    public void CopyData(TableRows rows, ReadOnlySpan<byte> text, ByteRange range) => _facts.CopyData(rows, text, range);

    /// <summary>The failure of a text with a command in it.</summary>
    /// <param name="origin">The file with the text.</param>
    /// <param name="place">Where in it, in bytes.</param>
    public static BackupFailure Unsafe(string origin, long place) => new(
        ErrorCodes.DumpUnsafe,
        FailureCategory.Refused,
        string.Create(CultureInfo.InvariantCulture, $"'{origin}' holds at byte {place} what psql would run as a command of its own, outside of the database; no dump of pg_dump has that. It was not run."),
        "Look at the text there before you trust any of it, and have a new dump made.")
    { Target = origin };

    // As pg_dump writes them. What is not left out fails, and is no harm.
    private static bool IsOfOwners(ReadOnlySpan<byte> text)
    {
        if (text.StartsWith("GRANT "u8) || text.StartsWith("REVOKE "u8) || text.StartsWith("ALTER DEFAULT PRIVILEGES "u8) || text.StartsWith("COMMENT ON EXTENSION "u8)
            || text.StartsWith("SET SESSION AUTHORIZATION "u8) || text.StartsWith("CREATE PUBLICATION "u8) || text.StartsWith("ALTER PUBLICATION "u8) || text.StartsWith("CREATE SUBSCRIPTION "u8))
            return true;
        int owner = text.StartsWith("ALTER "u8) ? text.LastIndexOf(" OWNER TO "u8) : -1;
        return owner >= 0 && !text[(owner + 10)..].Contains((byte)'\'');
    }

    // The key alone, and nothing that psql would read on the same line.
    private static bool IsRestriction(ReadOnlySpan<byte> line)
    {
        line = line.TrimEnd(" \t\r"u8);
        ReadOnlySpan<byte> key = line.StartsWith("\\restrict "u8) ? line["\\restrict "u8.Length..] : line.StartsWith("\\unrestrict "u8) ? line["\\unrestrict "u8.Length..] : [];
        return !key.IsEmpty && !key.ContainsAnyExcept(Letters);
    }

    private void RequireSafe(DumpLexer lexer)
    {
        if ((_commandAt ?? lexer.UnsafeAt) is { } place)
            throw Unsafe(origin, place);
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> chunk, long start, long end, CancellationToken cancellationToken)
    {
        long from = Math.Max(_passed, start);
        if (end > from)
            await input.WriteAsync(chunk[(int)(from - start)..(int)(end - start)], cancellationToken).ConfigureAwait(false);
        _passed = Math.Max(_passed, end);
    }
}
