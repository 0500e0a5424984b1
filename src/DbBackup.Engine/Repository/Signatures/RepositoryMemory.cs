using System.Text.Json.Serialization;

namespace DbBackup.Engine.Repository.Signatures;

/// <summary>A signer that a user trusts: a key, and the repository for which it signs. A key that signs for two places is trusted for each.</summary>
/// <param name="PublicKey">The public key's text.</param>
/// <param name="Repository">The id of the repository for which it signs.</param>
/// <param name="Host">The computer that the first backup named.</param>
/// <param name="Since">When the user began to trust it (UTC).</param>
internal sealed record KnownSigner(string PublicKey, Guid Repository, string? Host, DateTimeOffset Since)
{
    /// <summary>True if it is this key's, for this repository.</summary>
    public bool Is(string publicKey, Guid repository) => PublicKey == publicKey && Repository == repository;
}

/// <summary>A backup that a user has seen under a name.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Sequence">Its place in the order of its source's backups; 0 for an import.</param>
/// <param name="Completed">When it was written (UTC).</param>
internal sealed record SeenBackup(Guid Id, string Name, long Sequence, DateTimeOffset Completed)
{
    /// <summary>
    /// True if another backup was written before this one: by the clock, and by the order if both are in it. A clock may have been set back, and
    /// an order begins anew behind backups that were deleted as files; not both for an honest one.
    /// </summary>
    public bool IsAfter(Manifest other) => other.Id != Id && other.Completed < Completed && (Sequence == 0 || other.Sequence <= Sequence);
}

/// <summary>What a user has seen of a source.</summary>
internal sealed record SourceMemory
{
    /// <summary>Who had signed its backups when it was first seen signed, and whose copies the user has brought here since.</summary>
    public List<KnownSigner> Signers { get; init; } = [];

    /// <summary>The hashes of the manifests that were not signed then.</summary>
    public HashSet<string> NotSigned { get; init; } = new(StringComparer.Ordinal);

    /// <summary>The newest backup under each name that was given; a name that we make is not used twice.</summary>
    public Dictionary<string, SeenBackup> Named { get; init; } = new(StringComparer.Ordinal);

    /// <summary>The newest signed backup of all.</summary>
    public SeenBackup? Newest { get; set; }
}

/// <summary>What a user knows of a repository's signers, wherever it lies: a copy of it has its id.</summary>
internal sealed record RepositoryMemory
{
    /// <summary>The version of this file.</summary>
    public int Format { get; init; } = 1;

    /// <summary>The repository's location when it was last seen: for people who look into the file.</summary>
    public string? Location { get; set; }

    /// <summary>The signers that the user has approved for all sources.</summary>
    public List<KnownSigner> Approved { get; init; } = [];

    /// <summary>The public keys that the user no longer trusts, for whatever source and repository they sign.</summary>
    public HashSet<string> Removed { get; init; } = new(StringComparer.Ordinal);

    /// <summary>By the sources' names.</summary>
    public Dictionary<string, SourceMemory> Sources { get; init; } = new(StringComparer.Ordinal);
}

/// <summary>The generated JSON code of what is remembered of signers.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RepositoryMemory))]
internal sealed partial class RepositoryMemoryJson : JsonSerializerContext;
