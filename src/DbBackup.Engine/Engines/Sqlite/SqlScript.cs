using System.Text;
using SQLitePCL;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>
/// Loads SQL text into a new SQLite file, a statement at a time, so that memory stays bounded. It knows no dot commands:
/// a dump from elsewhere cannot run programs with <c>.shell</c>.
/// </summary>
internal static class SqlScript
{
    // A blob of 128 MiB as hexadecimal text; the text of a statement is in memory several times.
    private const int LongestStatement = 256 << 20;

    // How much text is looked through for the end of one statement, which a trigger of a million lines would make endless.
    private const long MostLookedThrough = 4L << 30;

    // Kept for the next statement, which is as short as most.
    private const int ReaderCapacity = 1 << 20;

    /// <summary>Loads the text; the new file is whole only when this returns.</summary>
    /// <exception cref="BackupException">A statement failed, the text ends in the middle, or it holds no statement.</exception>
    public static void Load(Stream text, string database, CancellationToken cancellationToken)
    {
        using SqliteDatabase target = SqliteDatabase.OpenPrivate(database, cancellationToken);
        target.ExecuteRaw("PRAGMA synchronous=OFF");
        target.Guard.IgnoresOtherSettings = true;
        using var reader = new StreamReader(text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), detectEncodingFromByteOrderMarks: true, 1 << 16);
        var lines = new LineReader(reader);
        // As the bytes that SQLite is asked about: a trigger's end is looked for at each of its lines.
        var statement = new MemoryStream();
        var quotes = new SqlQuotes();
        long line = 0, statements = 0, loaded = 0, lookedThrough = 0;
        while (lines.Next() is { } next)
        {
            cancellationToken.ThrowIfCancellationRequested();
            line++;
            if (statement.Length == 0 && (string.IsNullOrWhiteSpace(next) || next.StartsWith("--", StringComparison.Ordinal)))
                continue;
            if (statement.Length + next.Length > LongestStatement || lookedThrough > MostLookedThrough)
                throw TooLong(line);
            statement.Write(Encoding.UTF8.GetBytes(next));
            statement.WriteByte((byte)'\n');
            // Only a line with a semicolon can end a statement; whether it does (and not inside a trigger) SQLite knows.
            if (quotes.AreOpenAfter(next) || !next.Contains(';', StringComparison.Ordinal))
                continue;
            lookedThrough += statement.Length;
            if (!IsComplete(statement))
                continue;
            string sql = Text(statement);
            loaded += sql.Length;
            target.Guard.AllowValues(3L * sql.Length);
            target.Guard.ExpectEnd(loaded);
            Run(target, sql, line);
            statement.SetLength(0);
            if (statement.Capacity > ReaderCapacity)
                statement = new MemoryStream();
            lookedThrough = 0;
            quotes = new SqlQuotes();
            statements++;
        }

        if (statements == 0 || !string.IsNullOrWhiteSpace(Text(statement)))
            throw Unfinished(line);
        if (raw.sqlite3_get_autocommit(target.Handle) == 0)
            throw Unfinished(line);
    }

    private static bool IsComplete(MemoryStream statement)
    {
        // SQLite reads up to a zero byte, which is no part of the statement.
        statement.WriteByte(0);
        bool complete = raw.sqlite3_complete(utf8z.FromSpan(Bytes(statement))) != 0;
        statement.SetLength(statement.Length - 1);
        return complete;
    }

    private static string Text(MemoryStream statement) => Encoding.UTF8.GetString(Bytes(statement));

    private static ReadOnlySpan<byte> Bytes(MemoryStream statement) => statement.GetBuffer().AsSpan(0, (int)statement.Length);

    private static void Run(SqliteDatabase target, string sql, long line)
    {
        try
        {
            target.ExecuteRaw(sql);
        }
        catch (BackupException failure) when (target.Guard.Refused is { } refused)
        {
            throw new BackupFailure(
                ErrorCodes.UnsafeContent,
                FailureCategory.Refused,
                $"The SQL text is refused at line {line}: {refused} reaches beyond its own database, which no dump does. Nothing outside was changed.",
                "Do not use this dump before you know who made it.",
                failure);
        }
        catch (BackupException failure) when (target.Guard.RanTooLong)
        {
            throw new BackupFailure(
                ErrorCodes.UnsafeContent,
                FailureCategory.Refused,
                $"The SQL text is refused at line {line}: its statement does not come to an end, however little data there is.",
                "Do not use this dump before you know who made it.",
                failure);
        }
        catch (BackupException failure) when (failure.Code is not (ErrorCodes.NotEnoughSpace or ErrorCodes.ReadFailed))
        {
            throw new BackupFailure(
                ErrorCodes.DumpIncomplete,
                FailureCategory.InvalidData,
                $"The SQL text fails at line {line}: {failure.InnerException?.Message ?? failure.Message}",
                "The dump is damaged or was not made for SQLite; use another backup.",
                failure);
        }
    }

    private static BackupFailure TooLong(long? line) => new(
        ErrorCodes.FormatNotSupported,
        FailureCategory.NotSupported,
        $"The SQL text has a statement{(line is null ? string.Empty : $" at line {line}")} that is longer than the {LongestStatement >> 20} MiB that are read here.",
        "Load it with the stock program (sqlite3 NEW.db < DUMP), and import or back up the database file.");

    private static BackupFailure Unfinished(long line) => new(
        ErrorCodes.DumpIncomplete,
        FailureCategory.InvalidData,
        $"The SQL text ends in the middle, after {line} lines: its last statement or transaction is not complete.",
        "The dump was cut off; use another backup.");

    // Lines end at a line feed alone: a carriage return may stand in a text, where StreamReader would change it.
    private sealed class LineReader(StreamReader reader)
    {
        private readonly char[] _buffer = new char[1 << 16];
        private int _start;
        private int _end;

        /// <summary>The next line without its line feed; null at the end.</summary>
        public string? Next()
        {
            StringBuilder? begun = null;
            while (true)
            {
                if (_start == _end)
                {
                    (_start, _end) = (0, reader.Read(_buffer, 0, _buffer.Length));
                    if (_end == 0)
                        return begun?.ToString();
                }

                ReadOnlySpan<char> rest = _buffer.AsSpan(_start, _end - _start);
                int length = rest.IndexOf('\n');
                if (length >= 0)
                {
                    _start += length + 1;
                    return begun is null ? rest[..length].ToString() : begun.Append(rest[..length]).ToString();
                }

                begun = (begun ?? new StringBuilder()).Append(rest);
                if (begun.Length > LongestStatement)
                    throw TooLong(null);
                _start = _end;
            }
        }
    }
}
