namespace DbBackup.Engine.Portability;

/// <summary>What the beginning of a foreign file tells.</summary>
/// <param name="Description">What it is: "a SQLite database".</param>
/// <param name="Created">When it was made; null for an archive that has to be unpacked first.</param>
public sealed record ImportPreview(string Description, DateTimeOffset? Created);
