namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>The entries of an archive that restore some of its tables, each whole.</summary>
internal sealed record ArchiveSelection
{
    /// <summary>The entries to restore, in the archive's order.</summary>
    public required IReadOnlyList<ArchiveEntry> Entries { get; init; }

    /// <summary>The tables among them, those without rows of their own (partitioned ones) too.</summary>
    public required IReadOnlyList<ArchiveEntry> Tables { get; init; }

    /// <summary>
    /// What the entries rely on and the selection does not hold: schemas, types, functions, sequences of other tables, tables that are
    /// inherited from or looked into. It must be there before the restore.
    /// </summary>
    public required IReadOnlyList<ArchiveEntry> Needs { get; init; }

    /// <summary>The foreign keys that are left out because they point to a table that is not selected.</summary>
    public required IReadOnlyList<ArchiveEntry> LeftOutForeignKeys { get; init; }

    /// <summary>The selection as a list file for <c>pg_restore -L</c>.</summary>
    public string ToListFile() => string.Concat(Entries.Select(entry => entry.Line + "\n"));

    /// <summary>Selects tables and whole schemas.</summary>
    /// <param name="listing">The archive's content, with dependencies.</param>
    /// <param name="schemas">Names of schemas, all of whose objects are taken; with <c>*</c> and <c>?</c>.</param>
    /// <param name="tables">Names of tables: <c>orders</c>, <c>sales.orders</c>, <c>"Odd Name"</c>; with <c>*</c> and <c>?</c>.</param>
    /// <param name="keepForeignKeys">True if foreign keys to tables that are not selected are taken too.</param>
    /// <exception cref="ArgumentException">The listing was made without <c>-v</c>.</exception>
    /// <exception cref="BackupFailure">A name fits nothing; the message tells the ones that are near.</exception>
    public static ArchiveSelection ForTables(
        ArchiveListing listing, IReadOnlyList<string> schemas, IReadOnlyList<string> tables, bool keepForeignKeys = false)
    {
        ArgumentNullException.ThrowIfNull(listing);
        ArgumentNullException.ThrowIfNull(schemas);
        ArgumentNullException.ThrowIfNull(tables);
        if (!listing.HasDependencies)
            throw new ArgumentException("The listing has no dependencies: it is made with pg_restore -l -v.", nameof(listing));
        var collector = new ArchiveCollector(listing, keepForeignKeys);
        foreach (string schema in schemas)
            collector.TakeSchemas(TablePattern.Parse(schema, 1), schema);
        foreach (string table in tables)
            collector.TakeTables(TablePattern.Parse(table, 2), table);
        return collector.Finish();
    }
}
