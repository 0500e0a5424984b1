namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>A script of pg_dumpall, or of pg_dump with one database, cut into what can be restored for itself.</summary>
internal sealed record DumpallScript
{
    private const int ChunkBytes = 1 << 18;

    /// <summary>
    /// The parts with roles and tablespaces, in order. The DROP statements of <c>pg_dumpall --clean</c> are left out, so that to run them
    /// takes nothing away.
    /// </summary>
    public required IReadOnlyList<ByteRange> Globals { get; init; }

    /// <summary>The databases, in the script's order.</summary>
    public required IReadOnlyList<DumpallDatabase> Databases { get; init; }

    /// <summary>True if it is a script of pg_dumpall.</summary>
    public required bool IsCluster { get; init; }

    /// <summary>True if it ends as a script of its kind does, in pg_dump's or pg_dumpall's closing comment.</summary>
    public required bool IsWhole { get; init; }

    /// <summary>True if it is a script of pg_dumpall and whole: each of its databases, and its end.</summary>
    public required bool IsComplete { get; init; }

    /// <summary>
    /// Where the first thing stands that psql would take for a command within a statement; null for nothing. Commands on lines of their own
    /// are left out of all parts but <c>\restrict</c>, and are not meant.
    /// </summary>
    public long? UnsafeAt { get; init; }

    /// <summary>Where the first command stands that is none of pg_dump's; null for nothing.</summary>
    public long? CommandAt { get; init; }

    /// <summary>Reads a script once, from where the stream stands. The ranges count from there.</summary>
    /// <param name="script">The script, decompressed.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static DumpallScript Scan(Stream script, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(script);
        var sections = new DumpallSections();
        var lexer = new DumpLexer(sections, inUtc: true);
        byte[] chunk = new byte[ChunkBytes];
        for (int read; (read = script.Read(chunk, 0, chunk.Length)) > 0;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            lexer.Append(chunk.AsSpan(0, read));
        }

        bool endsBetweenStatements = lexer.Complete();
        return sections.Finish(lexer.Position, endsBetweenStatements) with { UnsafeAt = lexer.UnsafeAt };
    }
}

/// <summary>A database within a script of pg_dumpall.</summary>
internal sealed record DumpallDatabase
{
    /// <summary>Its name, without quotes.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// What <c>CREATE DATABASE</c> states, by key words in upper case: ENCODING, LOCALE, LC_COLLATE, LC_CTYPE, LOCALE_PROVIDER, ICU_LOCALE,
    /// BUILTIN_LOCALE, ICU_RULES, TABLESPACE and the like. Empty for template1 and postgres, which every server has.
    /// </summary>
    public required IReadOnlyDictionary<string, string> Options { get; init; }

    /// <summary>The role that owns it, without quotes.</summary>
    public string? Owner { get; init; }

    /// <summary>The settings, comments and rights of the database itself, which are not in <see cref="Ranges"/>.</summary>
    public required IReadOnlyList<DatabaseStatementTail> DatabaseSettings { get; init; }

    /// <summary>
    /// The parts of the script that, one after the other, are a plain dump that psql restores into an empty database of any name.
    /// </summary>
    public required IReadOnlyList<ByteRange> Ranges { get; init; }

    /// <summary>What those parts say of themselves.</summary>
    public required PlainDumpReport Report { get; init; }

    /// <summary>The encoding, such as UTF8.</summary>
    public string? Encoding => Options.GetValueOrDefault("ENCODING");

    /// <summary>The locale, where one word states collation and character types (PostgreSQL 13 and later write it so).</summary>
    public string? Locale => Options.GetValueOrDefault("LOCALE");

    /// <summary>The collation.</summary>
    public string? Collate => Options.GetValueOrDefault("LC_COLLATE") ?? Locale;

    /// <summary>The character types.</summary>
    public string? Ctype => Options.GetValueOrDefault("LC_CTYPE") ?? Locale;

    /// <summary>libc, icu or builtin.</summary>
    public string? LocaleProvider => Options.GetValueOrDefault("LOCALE_PROVIDER");

    /// <summary>True if the script creates the database.</summary>
    public bool IsCreated => Options.Count > 0;
}

/// <summary>A statement about a database as a whole, cut at the database's name.</summary>
/// <param name="Before">What stands before the name: <c>ALTER DATABASE </c>.</param>
/// <param name="Name">The name as it is quoted.</param>
/// <param name="After">What stands after it: <c> SET "TimeZone" TO 'UTC';</c>.</param>
internal sealed record DatabaseStatementTail(string Before, string Name, string After)
{
    /// <summary>The statement as it stands in the script.</summary>
    public string Text => Before + Name + After;

    /// <summary>The statement for a database of another name.</summary>
    /// <param name="database">The name, without quotes.</param>
    public string TextFor(string database) => Before + QuotedName.Quote(database) + After;
}
