using System.Globalization;
using System.Text.Json;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>
/// The <c>backup_metadata.json</c> that PATS' own scripts put into a backup's folder. Its <c>created_at</c> has no time zone; it was
/// written by a clock in local time.
/// </summary>
/// <param name="Name">The backup's name.</param>
/// <param name="Created">When it was made.</param>
/// <param name="Revision">The Alembic revision.</param>
/// <param name="DatabaseFile">The database's file name.</param>
/// <param name="UploadsIncluded">True if the folder holds the uploads.</param>
internal sealed record PatsMetadata(string? Name, DateTimeOffset? Created, string? Revision, string DatabaseFile, bool UploadsIncluded)
{
    public const string FileName = "backup_metadata.json";

    private const long LongestFile = 1 << 20;

    /// <summary>Reads the file of a folder.</summary>
    /// <exception cref="BackupException">It is no such file.</exception>
    public static PatsMetadata Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            using FileStream file = RegularFile.Open(path);
            if (file.Length > LongestFile)
                throw new JsonException($"it has {ByteSize.Format(file.Length)}, and PATS writes some hundred bytes.");
            using JsonDocument json = JsonDocument.Parse(file);
            string? Text(string name) => json.RootElement.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
            DateTimeOffset? created = DateTimeOffset.TryParse(Text("created_at"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out DateTimeOffset moment) ? moment : null;
            bool uploads = json.RootElement.TryGetProperty("uploads_included", out JsonElement included) && included.ValueKind == JsonValueKind.True;
            string database = Text("database_file") ?? "pats.db";
            if (Path.GetFileName(database) != database || database is "" or "." or ".." || database.Contains('\0', StringComparison.Ordinal))
                throw new JsonException($"its database_file '{database}' leads elsewhere.");
            return new PatsMetadata(Text("backup_name"), created, Text("alembic_revision"), database, uploads);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or UnsafePathException)
        {
            throw new BackupFailure(
                ErrorCodes.ImportNotRecognized,
                FailureCategory.InvalidData,
                $"'{path}' cannot be read: {exception.Message}",
                "Repair or remove the file; without it the folder is imported as it is.",
                exception)
            { Target = path };
        }
    }
}
