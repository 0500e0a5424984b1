using System.Security.Cryptography;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>
/// Copies backups from one repository to another, byte for byte: each payload is hashed on its way, and the manifest is put last. A copy that was
/// cut leaves what has arrived. The next one reads that back, and sends what is missing.
/// </summary>
/// <param name="from">Where they are.</param>
/// <param name="to">Where they are copied to.</param>
/// <param name="bytesPerSecond">How fast at most; null for as fast as it goes.</param>
public sealed class BackupCopy(BackupRepository from, BackupRepository to, long? bytesPerSecond = null)
{
    private const int BlockSize = 1 << 20;

    /// <summary>Copies a backup with the records of its tests.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="allowNew">True if another repository than the known one is accepted at the destination, or created.</param>
    /// <param name="observer">Receives progress.</param>
    /// <param name="cancellationToken">Stops the copy; what has arrived is kept for the next one (<see cref="UnfinishedCopies"/>).</param>
    /// <returns>The backup at the destination; the one that is there already, if it is the same.</returns>
    /// <exception cref="BackupException">It is damaged, another one has its name at the destination, or that cannot be written.</exception>
    public Task<Backup> RunAsync(Backup backup, bool allowNew, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backup);
        ArgumentNullException.ThrowIfNull(observer);
        return DiskFailures.GuardAsync(to.Location, $"copying '{backup}'", () => CopyAsync(backup, allowNew, observer, cancellationToken));
    }

    /// <summary>Checks if a backup can be copied, and writes nothing.</summary>
    /// <exception cref="BackupException">It cannot.</exception>
    public async Task CheckAsync(Backup backup, bool allowNew, CancellationToken cancellationToken)
    {
        RequireCopyable(backup);
        await to.CheckAsync(null, allowNew, cancellationToken).ConfigureAwait(false);
    }

    private async Task<Backup> CopyAsync(Backup backup, bool allowNew, IOperationObserver observer, CancellationToken cancellationToken)
    {
        Manifest manifest = RequireCopyable(backup);
        var key = new BackupKey(backup.Source, backup.Name);
        await to.PrepareAsync(allowNew, cancellationToken).ConfigureAwait(false);
        // A difference is nothing without its full backup, which comes first: at no moment it lies there alone.
        if (manifest.Parent is not null)
            await CopyAsync(await new ParentBackups(from).RequireAsync(key, manifest, cancellationToken).ConfigureAwait(false), allowNew, observer, cancellationToken).ConfigureAwait(false);
        IAsyncDisposable reading = await from.ProtectAsync(key, cancellationToken).ConfigureAwait(false);
        await using (reading.ConfigureAwait(false))
        {
            byte[] json = await from.Store.ReadAsync(RepositoryKeys.FolderOf(key) + RepositoryKeys.Manifest, cancellationToken).ConfigureAwait(false)
                ?? throw BackupSelection.NotFound(backup.ToString(), from.Location);
            byte[]? there = await to.Store.ReadAsync(RepositoryKeys.FolderOf(key) + RepositoryKeys.Manifest, cancellationToken).ConfigureAwait(false);
            if (there is null)
                await WriteAsync(key, manifest, json, observer, cancellationToken).ConfigureAwait(false);
            else if (!there.AsSpan().SequenceEqual(json))
                throw BackupDraft.NameExists(key);
            else
                observer.Verbose($"'{key}' is in '{to.Location}' already.");
            await CopyTestsAsync(key, cancellationToken).ConfigureAwait(false);
        }

        // Its signature is of the repository from which it comes: this user has brought it here.
        if (to.Signers is not null && await from.FindAsync(key, cancellationToken).ConfigureAwait(false) is { Signature: SignatureStatus.Valid } trusted)
            await SignerTrustList.AcceptAsync(to, trusted, cancellationToken).ConfigureAwait(false);

        return await to.FindAsync(key, cancellationToken).ConfigureAwait(false) ?? throw BackupSelection.NotFound(key.ToString(), to.Location);
    }

    private async Task WriteAsync(BackupKey key, Manifest manifest, byte[] json, IOperationObserver observer, CancellationToken cancellationToken)
    {
        long size = manifest.Payloads.Sum(payload => payload.StoredSize);
        if ((await to.Store.ReadPropertiesAsync(cancellationToken).ConfigureAwait(false)).AvailableBytes is { } free && free < size)
            throw new NotEnoughSpaceException(to.Location, size, free, $"the copy of '{key}'");
        BackupDraft draft = await BackupDraft.ReserveCopyAsync(to.Store, key, BackupListing.HashOf(json), cancellationToken).ConfigureAwait(false);
        await using (draft.ConfigureAwait(false))
        {
            try
            {
                await SendAsync(key, manifest, draft, observer, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (IsCut(exception))
            {
                draft.Keep();
                throw;
            }

            await draft.PublishAsync(manifest, json).ConfigureAwait(false);
            observer.Verbose($"Copied '{key}', {ByteSize.Format(size)}, to '{to.Location}'.");
        }
    }

    // The next copy may go on with it, unlike with one whose source is damaged, or whose destination is full.
    private static bool IsCut(Exception exception) => exception is OperationCanceledException or BackupException { Code: ErrorCodes.ServerUnreachable or ErrorCodes.WriteFailed or ErrorCodes.ReadFailed };

    private async Task SendAsync(BackupKey key, Manifest manifest, BackupDraft draft, IOperationObserver observer, CancellationToken cancellationToken)
    {
        long size = manifest.Payloads.Sum(payload => payload.StoredSize);
        var pace = new Pace(bytesPerSecond);
        long before = 0;
        foreach (Payload payload in manifest.Payloads)
        {
            long done = before;
            Action<long> copied = bytes => observer.Progress(new OperationProgress($"Copying {key}", payload.FileName, done + bytes, size));
            if (await HasArrivedAsync(payload, draft, cancellationToken).ConfigureAwait(false))
            {
                observer.Verbose($"'{payload.FileName}' of '{key}' is in '{to.Location}' already, from a copy that was cut.");
            }
            else
            {
                await draft.WriteOnAsync(payload.FileName, (output, arrived) =>
                {
                    if (arrived > 0)
                        observer.Verbose($"Goes on with '{payload.FileName}' of '{key}', of which {ByteSize.Format(arrived)} have arrived.");
                    return CopyPayloadAsync(key, payload, output, arrived, pace, copied, cancellationToken);
                }, cancellationToken).ConfigureAwait(false);
            }

            before += payload.StoredSize;
        }

        if (manifest.Encryption is not null)
            await CopyKeyAsync(key, draft, cancellationToken).ConfigureAwait(false);
        foreach (string companion in RepositoryKeys.CompanionsOf(manifest).Except([RepositoryKeys.Key, RepositoryKeys.KeyRecord]).Append(RepositoryKeys.Instructions).Distinct())
        {
            if (await from.Store.ReadAsync(RepositoryKeys.FolderOf(key) + companion, cancellationToken).ConfigureAwait(false) is { } content)
                await draft.WriteAsync(companion, content).ConfigureAwait(false);
        }
    }

    // Read back whole: a server that was cut off in the middle of its writing may have the length alone.
    private static async Task<bool> HasArrivedAsync(Payload payload, BackupDraft draft, CancellationToken cancellationToken)
    {
        if (!draft.Arrived.TryGetValue(payload.FileName, out long size) || size != payload.StoredSize)
            return false;
        Stream there = draft.OpenRead(payload.FileName);
        await using (there.ConfigureAwait(false))
            return Convert.ToHexStringLower(await SHA256.HashDataAsync(there, cancellationToken).ConfigureAwait(false)) == payload.StoredSha256;
    }

    // Whole, whichever pair is in force where it comes from.
    private async Task CopyKeyAsync(BackupKey key, BackupDraft draft, CancellationToken cancellationToken)
    {
        StoredKeyFile stored = await new BackupKeyFiles(from.Store, RepositoryKeys.FolderOf(key)).ReadAsync(cancellationToken).ConfigureAwait(false);
        if (stored.Problem is { } problem)
        {
            throw new BackupFailure(
                ErrorCodes.BackupDamaged, FailureCategory.InvalidData, $"The key of backup '{key}' is damaged in '{from.Location}': {problem}. Nothing was copied.", "Test it with Test-DbBackup, and copy another backup of this source.")
            { Target = key.ToString() };
        }

        await draft.WriteAsync(RepositoryKeys.Key, stored.File!).ConfigureAwait(false);
        await draft.WriteAsync(RepositoryKeys.KeyRecord, ManifestJson.WriteKeyRecord(stored.Record!)).ConfigureAwait(false);
    }

    // What has arrived is read again at its source, for its hash, and for the comparison of parts; it is not sent, and so takes no part in the pace.
    private async Task CopyPayloadAsync(BackupKey key, Payload payload, Stream output, long arrived, Pace pace, Action<long> copied, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Stream input = from.OpenRead(key, payload.FileName);
        await using (input.ConfigureAwait(false))
        {
            byte[] block = new byte[pace.BlockSize(BlockSize)];
            long total = 0;
            while (await input.ReadAsync(block, cancellationToken).ConfigureAwait(false) is > 0 and var read)
            {
                hash.AppendData(block, 0, read);
                await output.WriteAsync(block.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                copied(total += read);
                await pace.KeepAsync((int)Math.Clamp(total - arrived, 0, read), cancellationToken).ConfigureAwait(false);
            }
        }

        if (Convert.ToHexStringLower(hash.GetHashAndReset()) != payload.StoredSha256)
        {
            throw new BackupFailure(
                ErrorCodes.BackupDamaged,
                FailureCategory.InvalidData,
                $"'{payload.FileName}' of backup '{key}' is damaged in '{from.Location}': its SHA-256 is not the one in its manifest. Nothing was copied.",
                "Test it with Test-DbBackup, and copy another backup of this source.")
            { Target = key.ToString() };
        }
    }

    // They are of this very manifest, and so of these bytes.
    private async Task CopyTestsAsync(BackupKey key, CancellationToken cancellationToken)
    {
        string folder = RepositoryKeys.FolderOf(key) + RepositoryKeys.Tests;
        HashSet<string> there = [.. (await to.Store.ListAsync(folder, cancellationToken).ConfigureAwait(false)).Select(each => each.Key)];
        string[] missing = [.. (await from.Store.ListAsync(folder, cancellationToken).ConfigureAwait(false)).Select(each => each.Key).Where(test => !there.Contains(test) && !UnfinishedKey.IsOne(test))];
        if (missing.Length == 0)
            return;
        IAsyncDisposable writing = await to.ProtectAsync(key, cancellationToken).ConfigureAwait(false);
        await using (writing.ConfigureAwait(false))
        {
            foreach (string test in missing)
            {
                if (await from.Store.ReadAsync(test, cancellationToken).ConfigureAwait(false) is { } record)
                    await to.Store.PutAsync(test, record, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private Manifest RequireCopyable(Backup backup)
    {
        Manifest manifest = BackupRepository.RequireHeader(backup);
        if (from.Location == to.Location)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"'{backup}' lies in '{to.Location}', which is also the destination.", "Name another repository with -Destination.")
            { Target = backup.ToString() };
        }

        return manifest.Kept is null ? manifest : throw new BackupFailure(
            ErrorCodes.InvalidArgument,
            FailureCategory.InvalidArgument,
            $"'{backup}' is a database that a restore has kept on its server, and no backup that could be copied.",
            "Make a backup of it first (New-DbBackup).")
        { Target = backup.ToString() };
    }
}
