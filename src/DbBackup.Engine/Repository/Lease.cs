using System.Text.Json.Serialization;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>The content of a lease.</summary>
/// <param name="Name">What is leased, as in <c>source/name</c>.</param>
/// <param name="Purpose">What it was taken for.</param>
/// <param name="Owner">The process that has it.</param>
/// <param name="Taken">When it was taken (UTC).</param>
internal sealed record LeaseContent(string Name, LeasePurpose Purpose, ProcessIdentity Owner, DateTimeOffset Taken);

/// <summary>What a lease was taken for.</summary>
internal enum LeasePurpose
{
    /// <summary>To read a backup.</summary>
    Read,

    /// <summary>To write a backup.</summary>
    Write,

    /// <summary>To remove a backup, or to decide what is removed.</summary>
    Remove,
}

/// <summary>A lease as it lies in a repository.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Name">What is leased; null if it cannot be read.</param>
/// <param name="IsDead">True if its owner has ended.</param>
internal sealed record ListedLease(string Key, string? Name, bool IsDead);

/// <summary>A lease that this process has.</summary>
internal sealed class Lease : IAsyncDisposable
{
    private readonly IObjectStore _store;
    private readonly string? _key;
    private bool _isKept;

    /// <param name="store">The store.</param>
    /// <param name="key">The lease's key; null for one that could not be written.</param>
    /// <param name="tookOver">True if an owner that died had it before.</param>
    public Lease(IObjectStore store, string? key, bool tookOver)
    {
        _store = store;
        _key = key;
        TookOver = tookOver;
    }

    /// <summary>True if an owner that died had it before: what that one left is still there.</summary>
    public bool TookOver { get; }

    /// <summary>Leaves the lease to be found by a later run, which cleans up what this one could not.</summary>
    public void Keep() => _isKept = true;

    /// <summary>Gives the lease up.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isKept || _key is null)
            return;
        _isKept = true;
        try
        {
            await _store.DeleteAsync(_key, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException)
        {
            // The store is not reachable any more. The next run finds that the owner is dead.
        }
    }
}

/// <summary>The generated JSON code of the small files of a repository.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = true, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LeaseContent))]
[JsonSerializable(typeof(UnfinishedCopy))]
[JsonSerializable(typeof(RepositoryFile))]
[JsonSerializable(typeof(KnownRepository))]
internal sealed partial class RepositoryJsonContext : JsonSerializerContext;
