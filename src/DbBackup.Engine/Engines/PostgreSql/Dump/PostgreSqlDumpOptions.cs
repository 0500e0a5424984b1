namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>How a database is dumped, in pg_dump's own words.</summary>
public enum PostgreSqlFormat
{
    /// <summary>The fastest safe one: a parallel directory where processors and tables allow it, else a custom archive.</summary>
    Auto,

    /// <summary>One archive for pg_restore, streamed straight into the repository.</summary>
    Custom,

    /// <summary>A file for each table, dumped by several jobs at once into the staging folder and stored as one tar.</summary>
    Directory,

    /// <summary>SQL text for psql.</summary>
    Plain,
}

/// <summary>What of a database is dumped, and how.</summary>
public sealed record PostgreSqlDumpOptions
{
    /// <summary>The form.</summary>
    public PostgreSqlFormat Format { get; init; }

    /// <summary>How many tables are dumped at once; null for as many as help here.</summary>
    public int? Jobs { get; init; }

    /// <summary>Only these schemas: patterns as pg_dump takes them.</summary>
    public IReadOnlyList<string> Schemas { get; init; } = [];

    /// <summary>Only these tables.</summary>
    public IReadOnlyList<string> Tables { get; init; } = [];

    /// <summary>Not these tables.</summary>
    public IReadOnlyList<string> ExcludedTables { get; init; } = [];

    /// <summary>Of these tables the definition, not the rows.</summary>
    public IReadOnlyList<string> ExcludedTableData { get; init; } = [];

    /// <summary>Rows, large objects and positions of sequences alone, without definitions (pg_dump --data-only).</summary>
    public bool DataOnly { get; init; }

    /// <summary>How long to wait for a lock on a table.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>True if a database without any table is accepted.</summary>
    public bool AllowEmpty { get; init; }

    /// <summary>True if the rows of unlogged tables are left out, which a standby does not have.</summary>
    internal bool WithoutUnloggedRows { get; init; }

    /// <summary>From how many bytes on disk on a table is read by several sessions beside pg_dump, where such tables together have four times that.</summary>
    internal long LargeTableBytes { get; init; } = 16L << 20;

    /// <summary>Tables whose rows pg_dump leaves to other sessions, quoted with their schemas; the dump has those rows too.</summary>
    internal IReadOnlyList<string> RangedTables { get; init; } = [];

    /// <summary>True if only chosen schemas or tables are dumped, without what belongs to the database as a whole.</summary>
    internal bool IsPartial => Schemas.Count > 0 || Tables.Count > 0;

    /// <summary>True if the dump lacks rows of some tables.</summary>
    internal bool LacksRows => IsPartial || ExcludedTables.Count > 0 || ExcludedTableData.Count > 0;

    /// <summary>True if the dump holds something other than all rows and definitions of all tables.</summary>
    internal bool IsFiltered => LacksRows || DataOnly;
}
