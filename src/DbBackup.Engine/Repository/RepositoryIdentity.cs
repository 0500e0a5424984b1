using System.Text.Json;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>The content of <c>repository.json</c>.</summary>
/// <param name="Format">The version of the repository's layout.</param>
/// <param name="Id">What tells this repository from every other.</param>
/// <param name="Created">When it was created (UTC).</param>
internal sealed record RepositoryFile(int Format, Guid Id, DateTimeOffset Created)
{
    /// <summary>The layout that this module writes.</summary>
    public const int CurrentFormat = 1;
}

/// <summary>Tells a repository from another one, and from the empty folder of a disk that is not mounted.</summary>
internal sealed class RepositoryIdentity(IObjectStore store, KnownRepositories? known)
{
    private const string Hint = "Check that its disk or share is mounted. If the repository was removed or replaced on purpose, pass -AllowNewRepository to New-DbBackup.";

    /// <summary>True if the repository is there, with its identity.</summary>
    public async Task<bool> IsThereAsync(CancellationToken cancellationToken) =>
        await store.ReadAsync(RepositoryKeys.Identity, cancellationToken).ConfigureAwait(false) is not null;

    /// <summary>Fails if a known repository is gone. Another one may be read: nothing is lost by that.</summary>
    /// <returns>Its file, and true if it is the one that is known at its place, or none is; null if there is no file.</returns>
    public async Task<(RepositoryFile File, bool IsExpected)?> RequireReadableAsync(CancellationToken cancellationToken)
    {
        RepositoryFile? file = await ReadAsync(cancellationToken).ConfigureAwait(false);
        if (known is null)
            return file is null ? null : (file, true);
        IReadOnlyList<Guid> ids = known.IdsAt(store.Location);
        if (file is null && ids.Count > 0)
            throw Gone();
        if (file is not null && ids.Count == 0)
            known.Remember(store.Location, file.Id);
        return file is null ? null : (file, ids.Count == 0 || ids.Contains(file.Id));
    }

    /// <summary>Returns the repository's file, or null if there is none yet; fails if it is not the one that is known at its place.</summary>
    /// <param name="allowNew">True if another one than that which is known is accepted.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task<RepositoryFile?> RequireKnownAsync(bool allowNew, CancellationToken cancellationToken)
    {
        RepositoryFile? file = await ReadAsync(cancellationToken).ConfigureAwait(false);
        IReadOnlyList<Guid> ids = known?.IdsAt(store.Location) ?? [];
        if (!allowNew && ids.Count > 0 && file is null)
            throw Gone();
        if (!allowNew && ids.Count > 0 && !ids.Contains(file!.Id))
        {
            throw new BackupFailure(
                ErrorCodes.RepositoryChanged,
                FailureCategory.Refused,
                $"The repository at '{store.Location}' is not the one that was used there before (it has the id {file.Id}). Nothing was written.",
                Hint)
            { Target = store.Location };
        }

        return file;
    }

    /// <summary>Makes sure that the repository is the one that is known, or creates one at a place where none was known.</summary>
    /// <param name="allowNew">True if another one than that which is known is accepted, or created.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public async Task RequireWritableAsync(bool allowNew, CancellationToken cancellationToken)
    {
        RepositoryFile? file = await RequireKnownAsync(allowNew, cancellationToken).ConfigureAwait(false);
        if (file is null)
        {
            byte[] json = JsonSerializer.SerializeToUtf8Bytes(new RepositoryFile(RepositoryFile.CurrentFormat, Guid.NewGuid(), DateTimeOffset.UtcNow), RepositoryJsonContext.Default.RepositoryFile);
            await store.PutAsync(RepositoryKeys.Identity, json, cancellationToken).ConfigureAwait(false);
            // Another process may have been quicker.
            file = await ReadAsync(cancellationToken).ConfigureAwait(false) ?? throw Gone();
        }

        known?.Remember(store.Location, file.Id);
    }

    private BackupFailure Gone() => new(
        ErrorCodes.RepositoryGone,
        FailureCategory.NotFound,
        $"The repository that was used at '{store.Location}' before is not there now. Nothing was written.",
        Hint)
    { Target = store.Location };

    /// <summary>Reads the repository's file; null if there is none yet.</summary>
    public async Task<RepositoryFile?> ReadAsync(CancellationToken cancellationToken)
    {
        if (await store.ReadAsync(RepositoryKeys.Identity, cancellationToken).ConfigureAwait(false) is not { } json)
            return null;
        try
        {
            // What a later format adds is read over.
            RepositoryFile file = JsonSerializer.Deserialize(json, RepositoryJsonContext.Default.RepositoryFile) ?? throw new JsonException("it is empty.");
            return file.Format <= RepositoryFile.CurrentFormat
                ? file
                : throw new BackupFailure(
                    ErrorCodes.ManifestTooNew,
                    FailureCategory.NotSupported,
                    $"The repository '{store.Location}' has format {file.Format}; this module knows formats up to {RepositoryFile.CurrentFormat}.",
                    "Update the DbBackup module on this machine.")
                { Target = store.Location };
        }
        catch (JsonException exception)
        {
            throw new BackupFailure(
                ErrorCodes.ManifestUnreadable,
                FailureCategory.InvalidData,
                $"'{store.Locate(RepositoryKeys.Identity)}' cannot be read: {exception.Message}",
                "Check the disk, and restore the file from a copy of the repository.",
                exception)
            { Target = store.Location };
        }
    }
}
