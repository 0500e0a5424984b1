using System.Formats.Tar;
using System.Security.Cryptography;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Portability;

/// <summary>
/// A whole backup as one tar: the files of its folder, the manifest first, under SOURCE/NAME. Unpacked in a repository's folder it is a backup
/// there.
/// </summary>
internal static class BackupArchive
{
    // Manifests of ten thousand tables take a few megabytes.
    private const long LargestManifest = 256L << 20;

    /// <summary>Writes a backup, proved on the way.</summary>
    /// <param name="store">Where it lies.</param>
    /// <param name="backups">The backup, and behind it the full one from which it differs.</param>
    /// <param name="target">Takes the tar.</param>
    /// <param name="observer">Receives progress.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">A file of it is not what was written.</exception>
    public static async Task WriteAsync(IObjectStore store, IReadOnlyList<Backup> backups, Stream target, IOperationObserver observer, CancellationToken cancellationToken)
    {
        // Not pax: the framework puts the number of its process into each pax header, and the same backup would be another tar each time.
        var tar = new TarWriter(target, TarEntryFormat.Gnu, leaveOpen: true);
        await using (tar.ConfigureAwait(false))
        {
            foreach (Backup backup in backups)
                await WriteAsync(store, backup, tar, observer, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task WriteAsync(IObjectStore store, Backup backup, TarWriter tar, IOperationObserver observer, CancellationToken cancellationToken)
    {
        string folder = RepositoryKeys.FolderOf(new BackupKey(backup.Source, backup.Name));
        Manifest manifest = BackupRepository.RequireHeader(backup);
        Dictionary<string, long> sizes = (await store.ListAsync(folder, cancellationToken).ConfigureAwait(false)).ToDictionary(each => each.Key[folder.Length..], each => each.Size, StringComparer.Ordinal);
        IEnumerable<string> files =
        [
            RepositoryKeys.Manifest,
            RepositoryKeys.Instructions,
            .. RepositoryKeys.CompanionsOf(manifest).Except([RepositoryKeys.Instructions]),
            .. manifest.Payloads.Select(payload => payload.FileName),
            .. sizes.Keys.Where(IsTest).Order(StringComparer.Ordinal),
        ];
        foreach (string file in files.Where(file => file != RepositoryKeys.Instructions || sizes.ContainsKey(file)))
        {
            observer.Progress(new OperationProgress($"Exporting {backup}", file));
            if (!sizes.TryGetValue(file, out long size))
                throw Damaged(backup, file, "it is not there");
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            using var stored = new ObjectStream(store, folder + file, () => Damaged(backup, file, "it is not there"));
            using var content = new SizedStream(new ObservedStream(stored, hash), size);
            await tar.WriteEntryAsync(
                new GnuTarEntry(TarEntryType.RegularFile, folder + file)
                {
                    Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                    ModificationTime = manifest.Completed,
                    AccessTime = manifest.Completed,
                    ChangeTime = manifest.Completed,
                    DataStream = content,
                },
                cancellationToken).ConfigureAwait(false);
            if (manifest.Payloads.FirstOrDefault(payload => payload.FileName == file) is { } expected
                && (size != expected.StoredSize || Convert.ToHexStringLower(hash.GetHashAndReset()) != expected.StoredSha256))
                throw Damaged(backup, file, "its bytes are not those that were written");
        }
    }

    /// <summary>Reads the manifest at the beginning of a foreign file; null for what is no such tar.</summary>
    /// <exception cref="BackupException">It is one, and its manifest cannot be used.</exception>
    public static Manifest? ReadManifest(Stream content, string path)
    {
        try
        {
            using var tar = new TarReader(content, leaveOpen: true);
            return tar.GetNextEntry() is { } first && IsManifest(first) ? Manifest(first, path).Manifest : null;
        }
        catch (Exception exception) when (exception is InvalidDataException or EndOfStreamException or FormatException or ArgumentException)
        {
            // Whatever it is, it is none of ours.
            return null;
        }
    }

    /// <summary>Returns the manifest of a tar's first entry.</summary>
    /// <exception cref="BackupException">It cannot be used.</exception>
    public static (Manifest Manifest, byte[] Json) Manifest(TarEntry first, string path)
    {
        if (first.Length > LargestManifest)
            throw Unusable(path, $"its manifest has {ByteSize.Format(first.Length)}");
        byte[] json = new byte[first.Length];
        first.DataStream?.ReadExactly(json);
        Manifest manifest = ManifestJson.Read(json, out string? problem) is { } read && problem is null ? read : throw Unusable(path, problem ?? "its manifest cannot be read");
        return first.Name == RepositoryKeys.FolderOf(KeyOf(manifest, path)) + RepositoryKeys.Manifest
            ? (manifest, json)
            : throw Unusable(path, $"its manifest is that of '{manifest.Source.Name}/{manifest.Name}', and it lies in '{first.Name}'");
    }

    /// <summary>Returns the place of a backup.</summary>
    /// <exception cref="BackupException">Its names are no names.</exception>
    public static BackupKey KeyOf(Manifest manifest, string path) => BackupName.IsValid(manifest.Source.Name) && BackupName.IsValid(manifest.Name)
        ? new BackupKey(manifest.Source.Name, manifest.Name)
        : throw Unusable(path, "its manifest names what cannot be a source and a backup");

    /// <summary>True for a record of a test, by its path in the backup's folder.</summary>
    public static bool IsTest(string file) =>
        file.StartsWith(RepositoryKeys.Tests, StringComparison.Ordinal) && file.EndsWith(".json", StringComparison.Ordinal) && file.LastIndexOf('/') == RepositoryKeys.Tests.Length - 1;

    /// <summary>The failure for a tar that is not what an export wrote.</summary>
    public static BackupFailure Unusable(string path, string reason, Exception? inner = null) => new(
        ErrorCodes.BackupDamaged,
        FailureCategory.InvalidData,
        $"'{path}' is an exported backup of this module, and cannot be used: {reason}. Nothing was imported.",
        "Export it again: Export-DbBackup -Format Tar.",
        inner)
    { Target = path };

    /// <summary>True for the manifest of a backup, which comes before its files.</summary>
    public static bool IsManifest(TarEntry entry) =>
        entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile && entry.Name.Split('/') is [{ Length: > 0 }, { Length: > 0 }, RepositoryKeys.Manifest];

    private static BackupFailure Damaged(Backup backup, string file, string reason) => new(
        ErrorCodes.BackupDamaged,
        FailureCategory.InvalidData,
        $"'{file}' of backup '{backup}' is damaged: {reason}.",
        "Use another backup of this source: Get-DbBackup, and Test-DbBackup to find a good one.")
    { Target = backup.ToString() };
}
