using System.Text.Json;

namespace DbBackup.Engine.Repository.Manifests;

/// <summary>A payload in the header of <c>backup.json</c>: what a reader needs to find, check and unpack the file.</summary>
internal sealed record StoredPayload
{
    public required string FileName { get; init; }

    public required string Kind { get; init; }

    public required string Format { get; init; }

    public required string Compression { get; init; }

    public ParentPayloadInfo? Parent { get; init; }

    public string Scope { get; init; } = BackupScope.Whole;

    public required long OriginalSize { get; init; }

    public required long StoredSize { get; init; }

    public required string StoredSha256 { get; init; }

    /// <summary>Room for payloads in several objects: this version writes none, and leaves what has some to a newer one.</summary>
    public IReadOnlyList<JsonElement>? Parts { get; init; }

    public static StoredPayload Of(Payload payload) => new()
    {
        FileName = payload.FileName,
        Kind = payload.Kind,
        Format = payload.Format,
        Compression = payload.Compression,
        Parent = payload.Parent,
        Scope = payload.Scope,
        OriginalSize = payload.OriginalSize,
        StoredSize = payload.StoredSize,
        StoredSha256 = payload.StoredSha256,
    };

    public Payload ToPayload(StoredPayloadDetails details, bool isEncrypted) => details.FileName != FileName
        ? throw new JsonException($"its details of '{details.FileName}' are not those of '{FileName}'.")
        : new Payload
        {
            FileName = FileName,
            Kind = Kind,
            Format = Format,
            Compression = Compression,
            Parent = Parent,
            Scope = Scope,
            OriginalSize = OriginalSize,
            StoredSize = StoredSize,
            OriginalSha256 = details.OriginalSha256,
            StoredSha256 = StoredSha256,
            IsEncrypted = isEncrypted,
            OriginalPath = details.OriginalPath,
            RestoreName = details.RestoreName,
            Within = details.Within,
            Database = details.Database?.ToInfo(Format),
            Fingerprint = details.Fingerprint,
            SchemaRevision = details.SchemaRevision,
            Damage = details.Damage,
            EntryCount = details.EntryCount,
            HoleBytes = details.HoleBytes ?? 0,
            CatalogSha256 = details.CatalogSha256,
            UnixMode = details.UnixMode,
            UnixOwner = details.UnixOwner,
        };

    /// <summary>The payload as far as it is known without a key.</summary>
    public Payload ToSealedPayload() => new()
    {
        FileName = FileName,
        Kind = Kind,
        Format = Format,
        Compression = Compression,
        Parent = Parent,
        Scope = Scope,
        OriginalSize = OriginalSize,
        StoredSize = StoredSize,
        OriginalSha256 = string.Empty,
        StoredSha256 = StoredSha256,
        IsEncrypted = true,
        RestoreName = StemOf(FileName),
    };

    // A database is compared with its last backup by this name.
    private static string StemOf(string fileName)
    {
        string stem = fileName;
        foreach (string ending in new[] { ".age", ".patch.tar", ".zst", ".gz", ".tar" })
        {
            if (stem.Length > ending.Length && stem.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
                stem = stem[..^ending.Length];
        }

        return stem;
    }
}

/// <summary>What a payload tells about the source's content.</summary>
internal sealed record StoredPayloadDetails
{
    public required string FileName { get; init; }

    public required string OriginalSha256 { get; init; }

    public string? OriginalPath { get; init; }

    public required string RestoreName { get; init; }

    public string? Within { get; init; }

    public long? EntryCount { get; init; }

    public long? HoleBytes { get; init; }

    public string? CatalogSha256 { get; init; }

    public string? UnixMode { get; init; }

    public string? UnixOwner { get; init; }

    public string? SchemaRevision { get; init; }

    public string? Damage { get; init; }

    public StoredDatabase? Database { get; init; }

    public Fingerprint? Fingerprint { get; init; }

    public static StoredPayloadDetails Of(Payload payload) => new()
    {
        FileName = payload.FileName,
        OriginalSha256 = payload.OriginalSha256,
        OriginalPath = payload.OriginalPath,
        RestoreName = payload.RestoreName,
        Within = payload.Within,
        EntryCount = payload.EntryCount,
        HoleBytes = payload.HoleBytes == 0 ? null : payload.HoleBytes,
        CatalogSha256 = payload.CatalogSha256,
        UnixMode = payload.UnixMode,
        UnixOwner = payload.UnixOwner,
        SchemaRevision = payload.SchemaRevision,
        Damage = payload.Damage,
        Database = payload.Database is { } database ? StoredDatabase.Of(database) : null,
        Fingerprint = payload.Fingerprint,
    };
}
