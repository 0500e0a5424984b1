using System.Formats.Tar;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Signatures;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Portability;

/// <summary>Takes an exported backup back as the same backup: source, name, payloads and tests. Nothing of it is listed before all of it is proved.</summary>
/// <param name="repository">Where it goes.</param>
internal sealed class ArchiveImporter(BackupRepository repository)
{
    // Records of tests take some hundred bytes.
    private const long LargestTest = 1 << 20;
    private const int MostTests = 10_000;

    /// <summary>Imports a tar.</summary>
    /// <param name="path">Its absolute path, for messages.</param>
    /// <param name="content">The tar, decompressed.</param>
    /// <param name="wishes">What the user asked for; a name or source other than its own is refused.</param>
    /// <param name="observer">The progress observer.</param>
    /// <param name="cancellationToken">Stops the work; nothing is left then.</param>
    /// <exception cref="BackupException">It is damaged, or its place is taken.</exception>
    public async Task<Backup> RunAsync(string path, Stream content, BackupRequest wishes, IOperationObserver observer, CancellationToken cancellationToken)
    {
        try
        {
            using var tar = new TarReader(content, leaveOpen: true);
            TarEntry first = await tar.GetNextEntryAsync(copyData: false, cancellationToken).ConfigureAwait(false) ?? throw BackupArchive.Unusable(path, "it is empty");
            (Manifest manifest, byte[] json) = BackupArchive.Manifest(first, path);
            BackupKey key = BackupArchive.KeyOf(manifest, path);
            RequireOwnNames(path, key, wishes);
            await repository.PrepareAsync(wishes.AllowNewRepository, cancellationToken).ConfigureAwait(false);
            await RequireOwnSourceAsync(path, manifest, wishes, cancellationToken).ConfigureAwait(false);

            BackupDraft draft = await BackupDraft.ReserveAsync(repository.Store, key, mayRename: false, cancellationToken).ConfigureAwait(false);
            await using ConfiguredAsyncDisposable reserved = draft.ConfigureAwait(false);
            (Dictionary<string, byte[]> tests, TarEntry? next) = await ReadFilesAsync(path, tar, manifest, key, draft, observer, cancellationToken).ConfigureAwait(false);
            if (manifest.Parent is null && next is not null)
                throw Stranger(path, next);
            if (manifest.Parent is not null)
                await TakeParentAsync(path, tar, next, content, key, manifest, observer, cancellationToken).ConfigureAwait(false);
            // To its very end: what is cut off behind the last file may be cut off in it.
            await content.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
            await PublishAsync(path, key, manifest, json, draft, tests, observer, cancellationToken).ConfigureAwait(false);
            if (await repository.FindAsync(key, CancellationToken.None).ConfigureAwait(false) is { Problem: null } backup)
                return await AcceptAsync(backup, json, observer).ConfigureAwait(false);
            throw BackupArchive.Unusable(path, $"'{key}' cannot be read back from '{repository.Location}'");
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw BackupArchive.Unusable(path, exception.Message.TrimEnd('.'), exception);
        }
    }

    // The full backup stands behind the one that differs from it, and is published before it.
    private async Task TakeParentAsync(
        string path, TarReader tar, TarEntry? first, Stream content, BackupKey child, Manifest manifest, IOperationObserver observer, CancellationToken cancellationToken)
    {
        var key = new BackupKey(child.Source, manifest.Parent!.Name);
        if (first is null)
        {
            // A tar that was made by hand may lack it; it may be here.
            await new ParentBackups(repository).RequireAsync(child, manifest, cancellationToken).ConfigureAwait(false);
            return;
        }

        (Manifest parent, byte[] json) = BackupArchive.Manifest(first, path);
        if (BackupArchive.KeyOf(parent, path) != key || parent.Id != manifest.Parent.Id)
            throw Stranger(path, first);
        byte[]? present = await repository.Store.ReadAsync(RepositoryKeys.FolderOf(key) + RepositoryKeys.Manifest, cancellationToken).ConfigureAwait(false);
        bool isHere = present is not null && present.AsSpan().SequenceEqual(json);
        BackupDraft? draft = isHere ? null : await BackupDraft.ReserveAsync(repository.Store, key, mayRename: false, cancellationToken).ConfigureAwait(false);
        try
        {
            (Dictionary<string, byte[]> tests, TarEntry? next) = await ReadFilesAsync(path, tar, parent, key, draft, observer, cancellationToken).ConfigureAwait(false);
            if (next is not null)
                throw Stranger(path, next);
            await content.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
            if (draft is not null)
                await PublishAsync(path, key, parent, json, draft, tests, observer, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (draft is not null)
                await draft.DisposeAsync().ConfigureAwait(false);
        }

        if (draft is not null && await repository.FindAsync(key, CancellationToken.None).ConfigureAwait(false) is { Problem: null } backup)
            await AcceptAsync(backup, json, observer).ConfigureAwait(false);
    }

    private async Task PublishAsync(
        string path, BackupKey key, Manifest manifest, byte[] json, BackupDraft draft, Dictionary<string, byte[]> tests, IOperationObserver observer, CancellationToken cancellationToken)
    {
        await ProveAsync(path, manifest, draft, observer, cancellationToken).ConfigureAwait(false);
        await draft.PublishAsync(manifest, json).ConfigureAwait(false);
        foreach ((string file, byte[] record) in tests)
            await repository.Store.PutAsync(RepositoryKeys.FolderOf(key) + file, record, CancellationToken.None).ConfigureAwait(false);
    }

    // The user has brought it here; who signed it is not known for that.
    private async Task<Backup> AcceptAsync(Backup backup, byte[] json, IOperationObserver observer)
    {
        switch (backup.GetSignature())
        {
            case { Status: SignatureStatus.OtherRepository or SignatureStatus.Replayed }:
                await SignerTrustList.AcceptAsync(repository, backup, CancellationToken.None).ConfigureAwait(false);
                break;
            case { Status: SignatureStatus.Missing }:
                await SignerTrustList.AcceptNotSignedAsync(repository, backup.Source, json, CancellationToken.None).ConfigureAwait(false);
                break;
            case { IsTrusted: false } signature:
                observer.Warning($"'{backup}' was imported, and {signature.Problem}. {SignatureGate.HintFor(signature)}");
                return backup;
            default:
                return backup;
        }

        return await repository.FindAsync(new BackupKey(backup.Source, backup.Name), CancellationToken.None).ConfigureAwait(false) ?? backup;
    }

    private static void RequireOwnNames(string path, BackupKey key, BackupRequest wishes)
    {
        if ((wishes.Name ?? key.Name) == key.Name && (wishes.SourceName ?? key.Source) == key.Source && wishes.Created is null)
            return;
        throw new BackupFailure(
            ErrorCodes.InvalidArgument,
            FailureCategory.InvalidArgument,
            $"'{path}' is the backup '{key}' of this module, and keeps its source, name and time.",
            "Leave -Source, -Name and -Created out.")
        { Target = path };
    }

    // A source is an exact identity: the backups of two databases do not share one.
    private async Task RequireOwnSourceAsync(string path, Manifest manifest, BackupRequest wishes, CancellationToken cancellationToken)
    {
        if (wishes.SourceName is not null || manifest.Source.Location is not { } location)
            return;
        Backup[] others = [.. (await repository.ListAsync(manifest.Source.Name, cancellationToken).ConfigureAwait(false)).Where(backup => BackupSelection.IsOrdinary(backup) && backup.Manifest?.Source.Location is not null)];
        if (others.Length == 0 || others.Any(backup => backup.Manifest!.Source.Location == location))
            return;
        throw new BackupFailure(
            ErrorCodes.SourceNameTaken,
            FailureCategory.AlreadyExists,
            $"In '{repository.Location}' the source '{manifest.Source.Name}' is '{others[0].Manifest!.Source.Location}', and the backup in '{path}' is of '{location}'.",
            $"Import it into another repository (-Repository); if it is the same database that has moved, say so with -Source '{manifest.Source.Name}'.")
        { Target = path };
    }

    // Without a draft they are passed over. Also returns the manifest of another backup that comes behind it.
    private static async Task<(Dictionary<string, byte[]> Tests, TarEntry? Next)> ReadFilesAsync(
        string path, TarReader tar, Manifest manifest, BackupKey key, BackupDraft? draft, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string folder = RepositoryKeys.FolderOf(key);
        TarEntry? next = null;
        HashSet<string> missing = [.. manifest.Payloads.Select(payload => payload.FileName)];
        missing.UnionWith(RepositoryKeys.CompanionsOf(manifest));
        var tests = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        while (await tar.GetNextEntryAsync(copyData: false, cancellationToken).ConfigureAwait(false) is { } entry)
        {
            if (BackupArchive.IsManifest(entry) && !entry.Name.StartsWith(folder, StringComparison.Ordinal))
            {
                next = entry;
                break;
            }

            string file = entry.Name.StartsWith(folder, StringComparison.Ordinal) ? entry.Name[folder.Length..] : string.Empty;
            Stream data = entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile ? entry.DataStream ?? Stream.Null : throw Stranger(path, entry);
            if (missing.Remove(file))
            {
                observer.Progress(new OperationProgress($"Importing {key}", file));
                if (draft is not null)
                    await draft.WriteAsync(file, target => data.CopyToAsync(target, 1 << 20, cancellationToken), cancellationToken).ConfigureAwait(false);
            }
            else if (BackupArchive.IsTest(file) && entry.Length <= LargestTest && tests.Count < MostTests)
            {
                byte[] record = new byte[entry.Length];
                await data.ReadExactlyAsync(record, cancellationToken).ConfigureAwait(false);
                if (ManifestJson.ReadTest(record) is null || !tests.TryAdd(file, record))
                    throw Stranger(path, entry);
            }
            else
            {
                throw Stranger(path, entry);
            }
        }

        return missing.Count == 0 ? (tests, next) : throw BackupArchive.Unusable(path, $"it lacks '{missing.First()}'");
    }

    private async Task ProveAsync(string path, Manifest manifest, BackupDraft draft, IOperationObserver observer, CancellationToken cancellationToken)
    {
        BackupContent content = repository.ContentOf(draft.Key, manifest, draft.OpenRead);
        foreach (Payload payload in manifest.Payloads)
        {
            observer.Progress(new OperationProgress($"Importing {draft.Key}", $"checking {payload.FileName}"));
            if (payload.IsEncrypted)
            {
                using Stream stored = draft.OpenRead(payload.FileName);
                await PayloadReader.VerifyStoredAsync(stored, payload, null, cancellationToken).ConfigureAwait(false);
                continue;
            }

            using PayloadReader reader = content.OpenOriginal(payload, cancellationToken);
            await reader.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
        }

        await RequireAsync(RepositoryKeys.Instructions, manifest.InstructionsSha256).ConfigureAwait(false);
        if (manifest.Encryption is not { } encryption)
            return;
        await RequireAsync(RepositoryKeys.SealedInstructions, encryption.InstructionsSha256).ConfigureAwait(false);
        await RequireAsync(RepositoryKeys.Key, ManifestJson.ReadKeyRecord(await ReadAsync(RepositoryKeys.KeyRecord).ConfigureAwait(false))?.KeySha256 ?? string.Empty).ConfigureAwait(false);

        async Task<byte[]> ReadAsync(string file)
        {
            using Stream stored = draft.OpenRead(file);
            using var content = new MemoryStream();
            await stored.CopyToAsync(content, cancellationToken).ConfigureAwait(false);
            return content.ToArray();
        }

        async Task RequireAsync(string file, string? expected)
        {
            if (expected is not null && Convert.ToHexStringLower(SHA256.HashData(await ReadAsync(file).ConfigureAwait(false))) != expected)
                throw BackupArchive.Unusable(path, $"its {file} is not what was written");
        }
    }

    private static BackupFailure Stranger(string path, TarEntry entry) => BackupArchive.Unusable(path, $"it holds '{ForeignText.Shown(entry.Name)}', which is no file of the backup, or is there twice");
}
