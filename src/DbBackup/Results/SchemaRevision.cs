namespace DbBackup;

/// <summary>At which revision of its schema a database is.</summary>
public sealed record SchemaRevision
{
    /// <summary>The database or backup: a path, an address, or <c>source/name</c>.</summary>
    public required string Target { get; init; }

    /// <summary>The kind: <c>Sqlite</c>, <c>PostgreSql</c>.</summary>
    public required string Engine { get; init; }

    /// <summary>The database's name, where a backup or server holds several.</summary>
    public string? Database { get; init; }

    /// <summary>What Alembic's table says; several heads with commas. Null where there is no such table, or nothing in it.</summary>
    public string? Revision { get; init; }

    /// <summary>The heads one by one: more than one where migrations have branched.</summary>
    public IReadOnlyList<string> Heads => Revision?.Split(',') ?? [];

    /// <summary>The revisions to which the code leads with which it was compared; null where it was compared with none.</summary>
    public IReadOnlyList<string>? CodeHeads { get; init => field = Indexable.OfAny(value); }

    /// <summary>The migrations of that code that the database has not had yet, the oldest first.</summary>
    public IReadOnlyList<string>? Pending { get; init => field = Indexable.OfAny(value); }

    /// <summary>How it stands to that code.</summary>
    public SchemaRelation Relation { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Revision ?? string.Empty;
}
