using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Load;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>Finds the databases in a script of pg_dumpall as it streams past.</summary>
/// <remarks>
/// A database's section runs from the opening comment of its pg_dump to the closing one, or to the <c>\unrestrict</c> after it. Since
/// version 11 the section itself creates the database and connects to it; template1 and postgres, and all databases of older versions,
/// are connected to before it.
/// </remarks>
internal sealed class DumpallSections : IDumpEvents
{
    private readonly PlainDumpFacts _whole = new();
    private readonly List<ByteRange> _globals = [];
    private readonly List<DumpallDatabase> _databases = [];
    private readonly Dictionary<string, DatabaseStatement> _created = [];
    private readonly Dictionary<string, List<DatabaseStatementTail>> _earlySettings = [];

    // Where the present range begins; -1 where what comes now belongs to nobody.
    private long _from;
    private List<ByteRange>? _ranges;
    private List<DatabaseStatementTail> _settings = [];
    private PlainDumpFacts _facts = new();
    private DatabaseStatement? _create;
    private string? _owner;
    private string? _connected;
    private string? _announced;
    private string? _name;
    private bool _isRestricted;
    private bool _isClosing;
    private ByteRange _lastComment;
    private long? _commandAt;

    public void Comment(ReadOnlySpan<byte> line, ByteRange range)
    {
        _whole.Comment(line, range);
        // The closing comment, cut off at the end of the file, looks like the opening one.
        bool isWhole = range.Length > line.Length;
        line = line.TrimEnd(" \t\r"u8);
        if (_ranges is { } && _isClosing && !line.SequenceEqual("--"u8))
            CloseDatabase(_lastComment.End);
        if (line.StartsWith("-- Database \""u8) && line.EndsWith("\" dump"u8))
        {
            CloseGlobals(_lastComment.Offset);
            _announced = DumpText.Decode(line["-- Database \""u8.Length..^"\" dump"u8.Length]);
        }
        else if (isWhole && line.SequenceEqual("-- PostgreSQL database dump"u8))
        {
            OpenDatabase(range.Offset);
        }
        else if (line.SequenceEqual("-- PostgreSQL database dump complete"u8))
        {
            _isClosing = _ranges is not null;
        }

        if (_ranges is not null)
            _facts.Comment(line, range);
        _lastComment = range;
    }

    public void Command(ReadOnlySpan<byte> line, ByteRange range)
    {
        _whole.Command(line, range);
        line = line.TrimEnd(" \t\r"u8);
        bool connects = line.StartsWith("\\connect "u8) || line.StartsWith("\\c "u8);
        if (connects)
            _connected = ConnectedTo(DumpText.Decode(line[(line.IndexOf((byte)' ') + 1)..]));
        // pg_restore writes \encoding before it connects to a database with an unusual name.
        else if (!line.StartsWith("\\restrict "u8) && !line.StartsWith("\\unrestrict "u8) && !line.StartsWith("\\encoding "u8))
            _commandAt ??= range.Offset;
        if (_ranges is null)
        {
            if (connects)
                CloseGlobals(range.Offset);
            return;
        }

        bool restricts = line.StartsWith("\\restrict "u8);
        bool releases = line.StartsWith("\\unrestrict "u8);
        if (_isClosing)
        {
            bool belongs = releases && _isRestricted;
            if (belongs)
                _facts.Command(line, range);
            CloseDatabase(belongs ? range.End : _lastComment.End);
        }
        else if (restricts && !_isRestricted)
        {
            _isRestricted = true;
            _facts.Command(line, range);
        }
        else
        {
            // pg_dump lifts the restriction for \connect and sets it again with the same key: without the middle it stays balanced.
            if (connects)
                _name = _connected;
            LeaveOut(range);
        }
    }

    public void Statement(ReadOnlySpan<byte> text, ByteRange range)
    {
        _whole.Statement(text, range);
        if (_isClosing)
            CloseDatabase(_lastComment.End);
        DatabaseStatement statement = DatabaseStatement.Read(text);
        if (_ranges is null)
        {
            if (statement.Kind == DatabaseStatementKind.Create)
                _created[QuotedName.Unquote(statement.Name)] = statement;
            // Up to version 10 the settings of databases stand among the globals.
            if (statement.Kind == DatabaseStatementKind.Setting)
                SettingsOf(QuotedName.Unquote(statement.Name)).Add(new DatabaseStatementTail(statement.Before, statement.Name, statement.After));
            if (_from >= 0 && (text.StartsWith("DROP "u8) || statement.Kind != DatabaseStatementKind.Content))
                LeaveOut(range, _globals);
            return;
        }

        if (statement.Kind == DatabaseStatementKind.Content)
        {
            _facts.Statement(text, range);
            return;
        }

        RequireWhole(text, range);
        LeaveOut(range);
        if (statement.Kind == DatabaseStatementKind.Create)
            (_create, _name) = (statement, QuotedName.Unquote(statement.Name));
        else if (statement.Kind == DatabaseStatementKind.Owner)
            _owner = QuotedName.Unquote(statement.After[" OWNER TO ".Length..].TrimEnd(';'));
        else if (statement.Kind == DatabaseStatementKind.Setting)
            _settings.Add(new DatabaseStatementTail(statement.Before, statement.Name, statement.After));
    }

    public bool WantsRows => _ranges is not null && _facts.WantsRows;

    public void CopyData(TableRows rows, ReadOnlySpan<byte> text, ByteRange range)
    {
        _whole.CopyData(rows, text, range);
        if (_ranges is not null)
            _facts.CopyData(rows, text, range);
    }

    public DumpallScript Finish(long length, bool endsBetweenStatements)
    {
        CloseGlobals(length);
        if (_ranges is not null)
            CloseDatabase(_isClosing ? _lastComment.End : length, endsBetweenStatements);
        PlainDumpReport whole = _whole.Report(endsBetweenStatements);
        return new DumpallScript
        {
            Globals = _globals,
            Databases = _databases,
            IsCluster = whole.IsCluster,
            IsWhole = whole.IsComplete,
            CommandAt = _commandAt,
            IsComplete = whole.IsComplete && whole.IsCluster && _databases.All(database => database.Report.IsComplete),
        };
    }

    private static void RequireWhole(ReadOnlySpan<byte> text, ByteRange range)
    {
        if (text.Length == range.Length)
            return;
        throw new BackupFailure(
            ErrorCodes.FormatNotSupported,
            FailureCategory.NotSupported,
            $"A statement about a database has {ByteSize.Format(range.Length)}, at byte {range.Offset} of the script; {ByteSize.Format(DumpLexer.KeptBytes)} are handled.",
            "Restore the script with psql.");
    }

    // \connect app, \connect "App", or \connect -reuse-previous=on "dbname='My ""App'" for a name with other signs.
    private static string ConnectedTo(string arguments)
    {
        const string Previous = "-reuse-previous=on ";
        string argument = QuotedName.Unquote(arguments.Replace(Previous, string.Empty, StringComparison.Ordinal).Trim());
        if (!arguments.StartsWith(Previous, StringComparison.Ordinal) || !argument.StartsWith("dbname=", StringComparison.Ordinal))
            return argument;
        string value = argument["dbname=".Length..];
        if (value.Length < 2 || value[0] != '\'')
            return value;
        var name = new StringBuilder();
        for (int index = 1; index < value.Length - 1; index++)
            name.Append(value[index] == '\\' ? value[++index] : value[index]);
        return name.ToString();
    }

    private List<DatabaseStatementTail> SettingsOf(string database)
    {
        if (!_earlySettings.TryGetValue(database, out List<DatabaseStatementTail>? settings))
            _earlySettings.Add(database, settings = []);
        return settings;
    }

    private void CloseGlobals(long end)
    {
        if (_databases.Count == 0 && _ranges is null)
            Add(_globals, end);
    }

    private void OpenDatabase(long headerOffset)
    {
        // The comment's first line, --, stands before the one that tells.
        long start = _lastComment.End == headerOffset ? _lastComment.Offset : headerOffset;
        if (_ranges is not null)
            CloseDatabase(start);
        CloseGlobals(start);
        (_ranges, _settings, _facts) = ([], [], new PlainDumpFacts());
        (_from, _isRestricted, _isClosing) = (start, false, false);
        (_create, _owner, _name, _connected) = (null, null, _connected, null);
    }

    private void CloseDatabase(long end, bool endsBetweenStatements = true)
    {
        Add(_ranges!, end);
        string name = _name ?? _announced ?? string.Empty;
        DatabaseStatement? create = _create ?? (_created.TryGetValue(name, out DatabaseStatement before) ? before : null);
        Dictionary<string, string> options = create?.Options() ?? [];
        _databases.Add(new DumpallDatabase
        {
            Name = name,
            Options = options,
            Owner = _owner ?? options.GetValueOrDefault("OWNER"),
            DatabaseSettings = [.. SettingsOf(name), .. _settings],
            Ranges = _ranges!,
            Report = _facts.Report(endsBetweenStatements),
        });
        (_ranges, _from, _isClosing, _announced) = (null, -1, false, null);
    }

    private void LeaveOut(ByteRange range) => LeaveOut(range, _ranges!);

    private void LeaveOut(ByteRange range, List<ByteRange> ranges)
    {
        Add(ranges, range.Offset);
        _from = range.End;
    }

    private void Add(List<ByteRange> ranges, long end)
    {
        if (_from >= 0 && end > _from)
            ranges.Add(new ByteRange(_from, end - _from));
        _from = -1;
    }
}
