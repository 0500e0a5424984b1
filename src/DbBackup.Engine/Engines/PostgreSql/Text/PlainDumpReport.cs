using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>What a SQL script of pg_dump, pg_dumpall or <c>pg_restore -f</c> says of itself.</summary>
internal sealed record PlainDumpReport
{
    /// <summary>
    /// True if it ends as it should: in pg_dump's own closing comment (of a cluster's script in pg_dumpall's), outside of all data and
    /// quotes, with nothing but comments after it.
    /// </summary>
    public required bool IsComplete { get; init; }

    /// <summary>True if it is a script of pg_dumpall.</summary>
    public required bool IsCluster { get; init; }

    /// <summary>The version of the server that was dumped, such as "15.18"; of a cluster's script as the first database states it.</summary>
    public required string? ServerVersion { get; init; }

    /// <summary>The version of the pg_dump that wrote it.</summary>
    public required string? ClientVersion { get; init; }

    /// <summary>The tables with data, in the script's order; none where the data are INSERT statements.</summary>
    public required IReadOnlyList<DumpedTable> Tables { get; init; }

    /// <summary>The tables that it creates and that keep rows themselves, quoted as in the statement, in the script's order.</summary>
    public required IReadOnlyList<string> CreatedTables { get; init; }

    /// <summary>The partitioned tables that it creates: their rows are in their partitions.</summary>
    public required IReadOnlyList<string> PartitionedTables { get; init; }

    /// <summary>The roles that it names, as owners, in privileges and in policies; ordered, without quotes.</summary>
    public required IReadOnlyList<string> Roles { get; init; }

    /// <summary>The extensions that it creates, without quotes; plpgsql is everywhere and not among them.</summary>
    public required IReadOnlyList<string> Extensions { get; init; }

    /// <summary>The encoding of the text, which is the database's unless another one was asked for; null where it is not stated.</summary>
    public required string? Encoding { get; init; }

    /// <summary>What Alembic's <c>alembic_version</c> table says; several heads with commas. Null without such a table, and with INSERT statements.</summary>
    public required string? SchemaRevision { get; init; }

    /// <summary>True if data are INSERT statements, which are not counted.</summary>
    public required bool UsesInserts { get; init; }

    /// <summary>True if it commits by itself on the way, as pg_dump has it around large objects: it cannot be one transaction then.</summary>
    public bool Commits { get; init; }

    /// <summary>True if it sets <c>transaction_timeout</c>, which servers before version 17 do not know.</summary>
    public required bool SetsTransactionTimeout { get; init; }

    /// <summary>True if it uses <c>\restrict</c>, which psql knows since August 2025 (versions 13.22, 14.19, 15.14, 16.10, 17.6).</summary>
    public required bool UsesRestrict { get; init; }

    /// <summary>Where the first thing stands that psql would take for a command of its own, which no dump has; null for nothing.</summary>
    public long? UnsafeAt { get; init; }
}

/// <summary>A table whose rows stand in a script.</summary>
/// <param name="Name">Its name, quoted as in the COPY statement: <c>public."Album"</c>.</param>
/// <param name="Rows">How many rows.</param>
/// <param name="Hash">The hash of its rows (<see cref="TableRows.Hash"/>); null where it is not known.</param>
/// <param name="Columns">Its columns in the order of its rows, where a restore may have them in another one; null otherwise.</param>
internal sealed record DumpedTable(string Name, long Rows, string? Hash, IReadOnlyList<string>? Columns);
