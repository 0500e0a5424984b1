namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>What SQLite's check found in a file.</summary>
/// <param name="Damage">Damage of its structure, by which rows may be lost; null without any.</param>
/// <param name="IndexDamage">Damage in indexes alone, which are made again from their tables; null without any.</param>
/// <param name="Notes">What is no damage: values that a constraint or type does not allow, pages that nothing uses, what could not be checked.</param>
internal sealed record SqliteFindings(string? Damage, string? IndexDamage, IReadOnlyList<string> Notes);
