using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>The note of a copy that was begun.</summary>
/// <param name="Name">The backup, as in <c>source/name</c>.</param>
/// <param name="ManifestSha256">The hash of its manifest: only a copy of the same goes on with it.</param>
/// <param name="Begun">When it was begun, or gone on with (UTC).</param>
internal sealed record UnfinishedCopy(string Name, string ManifestSha256, DateTimeOffset Begun)
{
    /// <summary>When a later run removes what has arrived of it.</summary>
    public DateTimeOffset Ends => Begun + UnfinishedCopies.Lifetime;
}

/// <summary>
/// The copies in a repository that were cut. A note says that the files under a name are of such a copy, so that the sweep which removes what
/// dead runs left leaves them for the next copy to go on with, for <see cref="Lifetime"/>.
/// </summary>
internal sealed class UnfinishedCopies(IObjectStore store)
{
    /// <summary>For how long what has arrived is kept.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(7);

    /// <summary>Lists all notes.</summary>
    public async Task<IReadOnlyList<UnfinishedCopy>> ListAsync(CancellationToken cancellationToken)
    {
        var found = new List<UnfinishedCopy>();
        foreach (StoredObject each in await store.ListAsync(RepositoryKeys.Copies, cancellationToken).ConfigureAwait(false))
        {
            if (await ReadAsync(each.Key, cancellationToken).ConfigureAwait(false) is { } copy && each.Key == KeyOf(copy.Name) && IsOfBackup(copy.Name))
                found.Add(copy);
        }

        return found;
    }

    /// <summary>The note of a name; null if there is none.</summary>
    public async Task<UnfinishedCopy?> FindAsync(string name, CancellationToken cancellationToken) =>
        await ReadAsync(KeyOf(name), cancellationToken).ConfigureAwait(false) is { } copy && copy.Name == name ? copy : null;

    /// <summary>Notes that a copy begins, or goes on. To be called with the name's lease.</summary>
    public async Task NoteAsync(string name, string manifestSha256, CancellationToken cancellationToken)
    {
        await store.DeleteAsync(KeyOf(name), cancellationToken).ConfigureAwait(false);
        byte[] content = JsonSerializer.SerializeToUtf8Bytes(new UnfinishedCopy(name, manifestSha256, DateTimeOffset.UtcNow), RepositoryJsonContext.Default.UnfinishedCopy);
        await store.PutAsync(KeyOf(name), content, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes the note: the copy is whole, or nothing of it is left. To be called with the name's lease.</summary>
    public Task ForgetAsync(string name, CancellationToken cancellationToken) => store.DeleteAsync(KeyOf(name), cancellationToken);

    /// <summary>Removes what has arrived under a name, unless it is a backup, and the note. To be called with the name's lease.</summary>
    public async Task DiscardAsync(string name, CancellationToken cancellationToken)
    {
        await BackupDraft.RemoveFilesAsync(store, name, cancellationToken).ConfigureAwait(false);
        await ForgetAsync(name, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes what has arrived of copies with which none went on for <see cref="Lifetime"/>, and the notes of those that died when they were whole.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        await new UnfinishedWrites(store).TryRemoveAsync(RepositoryKeys.Copies, cancellationToken).ConfigureAwait(false);
        foreach (UnfinishedCopy copy in await ListAsync(cancellationToken).ConfigureAwait(false))
        {
            bool isWhole = await store.ReadAsync($"{copy.Name}/{RepositoryKeys.Manifest}", cancellationToken).ConfigureAwait(false) is not null;
            if ((!isWhole && copy.Ends > DateTimeOffset.UtcNow) || await new Leases(store).TryTakeAsync(copy.Name, LeasePurpose.Remove, cancellationToken).ConfigureAwait(false) is not { } lease)
                continue;
            await using (lease.ConfigureAwait(false))
                await DiscardAsync(copy.Name, cancellationToken).ConfigureAwait(false);
        }
    }

    private static bool IsOfBackup(string name) => name.Split('/') is [var source, var backup] && BackupName.IsValid(source) && BackupName.IsValid(backup);

    private static string KeyOf(string name) => $"{RepositoryKeys.Copies}{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..32]}.json";

    // What cannot be read is no note: the files are then a leftover as any other.
    private async Task<UnfinishedCopy?> ReadAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            return await store.ReadAsync(key, cancellationToken).ConfigureAwait(false) is { } json ? JsonSerializer.Deserialize(json, RepositoryJsonContext.Default.UnfinishedCopy) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
