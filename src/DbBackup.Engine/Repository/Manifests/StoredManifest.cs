using System.Text.Json;

namespace DbBackup.Engine.Repository.Manifests;

/// <summary>
/// The manifest as <c>backup.json</c> has it: a header that anyone may read, and apart from it the details (names of tables and roles, row
/// counts, hashes of the plain content), which can be sealed without the header.
/// </summary>
internal sealed record StoredManifest
{
    public int FormatVersion { get; init; }

    public IReadOnlyList<string> Requires { get; init; } = [];

    public required Guid Id { get; init; }

    public required string Name { get; init; }

    public required string Method { get; init; }

    public ParentInfo? Parent { get; init; }

    public required string Reason { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required DateTimeOffset Completed { get; init; }

    public double DurationSeconds { get; init; }

    public long Sequence { get; init; }

    public required SourceInfo Source { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    public string? Host { get; init; }

    public string? ModuleVersion { get; init; }

    public required IReadOnlyList<StoredPayload> Payloads { get; init; }

    public KeptDatabase? Kept { get; init; }

    public string? InstructionsSha256 { get; init; }

    public EncryptionInfo? Encryption { get; init; }

    /// <summary>Of a sealed manifest: true if the details say that something has collapsed. Retention asks that without a key.</summary>
    public bool? IsCollapsed { get; init; }

    /// <summary>The details; null if they are sealed.</summary>
    public StoredDetails? Details { get; init; }

    /// <summary>The details as an age file in base64, sealed to the backup's own key; null if they are plain.</summary>
    public string? SealedDetails { get; init; }

    public static StoredManifest Of(Manifest manifest) => new()
    {
        FormatVersion = manifest.FormatVersion,
        Requires = manifest.Requires,
        Id = manifest.Id,
        Name = manifest.Name,
        Method = manifest.Method,
        Parent = manifest.Parent,
        Reason = manifest.Reason,
        Created = manifest.Created,
        Completed = manifest.Completed,
        DurationSeconds = manifest.DurationSeconds,
        Sequence = manifest.Sequence,
        Source = manifest.Source,
        Tags = manifest.Tags,
        Host = manifest.Host,
        ModuleVersion = manifest.ModuleVersion,
        Payloads = [.. manifest.Payloads.Select(StoredPayload.Of)],
        Kept = manifest.Kept,
        InstructionsSha256 = manifest.InstructionsSha256,
        Encryption = manifest.Encryption,
        Details = new StoredDetails
        {
            Payloads = [.. manifest.Payloads.Select(StoredPayloadDetails.Of)],
            Git = manifest.Git,
            Tools = manifest.Tools,
            ImportedFrom = manifest.ImportedFrom,
            ImportedSha256 = manifest.ImportedSha256,
            Pause = manifest.Pause,
            Notes = manifest.Notes,
            Collapsed = manifest.Collapsed.Count == 0 ? null : manifest.Collapsed,
        },
    };

    // A list may have been written as null.
    private static bool IsAge(IReadOnlyList<string>? requires) => requires?.Contains(Manifest.Age) == true;

    /// <exception cref="JsonException">Header and details do not belong together.</exception>
    public Manifest ToManifest()
    {
        if (Payloads.Contains(null!) || (Details is not null && (Details.Payloads.Count != Payloads.Count || Details.Payloads.Contains(null!))))
            throw new JsonException("its details are not those of its payloads.");
        if (Details is null == (SealedDetails is null) || (SealedDetails is not null && Encryption is null) || IsAge(Requires) != Encryption is not null)
            throw new JsonException("its details are neither plain nor sealed.");
        bool isEncrypted = Encryption is not null;
        return new Manifest
        {
            FormatVersion = FormatVersion,
            Requires = Requires,
            Id = Id,
            Name = Name,
            Method = Method,
            Parent = Parent,
            Reason = Reason,
            Created = Created,
            Completed = Completed,
            DurationSeconds = DurationSeconds,
            Sequence = Sequence,
            Source = Source,
            Tags = Tags,
            Host = Host,
            ModuleVersion = ModuleVersion,
            Payloads = Details is null
                ? [.. Payloads.Select(payload => payload.ToSealedPayload())]
                : [.. Payloads.Zip(Details.Payloads, (payload, details) => payload.ToPayload(details, isEncrypted))],
            Kept = Kept,
            InstructionsSha256 = InstructionsSha256,
            Encryption = Encryption,
            IsSealed = Details is null,
            Git = Details?.Git,
            Tools = Details?.Tools ?? new Dictionary<string, string>(),
            ImportedFrom = Details?.ImportedFrom,
            ImportedSha256 = Details?.ImportedSha256,
            Pause = Details?.Pause,
            Notes = Details?.Notes ?? [],
            Collapsed = Details is not null ? Details.Collapsed ?? [] : IsCollapsed == true ? ["something holds far less than before; what, is sealed"] : [],
        };
    }
}

/// <summary>What may be sealed.</summary>
internal sealed record StoredDetails
{
    /// <summary>In the order of the header's payloads.</summary>
    public required IReadOnlyList<StoredPayloadDetails> Payloads { get; init; }

    public GitInfo? Git { get; init; }

    public IReadOnlyDictionary<string, string> Tools { get; init; } = new Dictionary<string, string>();

    public string? ImportedFrom { get; init; }

    public string? ImportedSha256 { get; init; }

    public PauseInfo? Pause { get; init; }

    public IReadOnlyList<string> Notes { get; init; } = [];

    public IReadOnlyList<string>? Collapsed { get; init; }
}
