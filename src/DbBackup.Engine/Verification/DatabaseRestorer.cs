using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Verification;

/// <summary>Makes a database file of a payload, in a new place where nobody looks yet.</summary>
internal static class DatabaseRestorer
{
    /// <summary>Restores a database payload into a new file; when this returns, its sizes and hashes were right.</summary>
    /// <exception cref="BackupException">The payload is damaged, or there is no room.</exception>
    public static async Task RestoreAsync(
        BackupContent content, Payload payload, string file, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        using PayloadReader original = content.OpenOriginal(payload, cancellationToken);
        if (payload.Format == PayloadFormat.SqliteSql)
        {
            await Task.Run(() => SqlScript.Load(original, file, cancellationToken), cancellationToken).ConfigureAwait(false);
            return;
        }

        using var target = new FileStream(
            file, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.Asynchronous);
        await CopyAsync(original, target, progress, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Copies a payload's content to its end, where its sizes and hashes are proved.</summary>
    public static async Task CopyAsync(Stream original, Stream target, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(1 << 20);
        long done = 0;
        int read;
        while ((read = await original.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            progress?.Report(done += read);
        }
    }

    /// <summary>Checks a restored file and compares it with the backup's fingerprint.</summary>
    /// <returns>The facts of the restored file.</returns>
    /// <exception cref="BackupException">It is damaged, or not what was backed up.</exception>
    public static Fingerprint RequireEqual(Manifest manifest, Payload payload, string file, CancellationToken cancellationToken)
    {
        if (SqliteCheck.FindDamage(file, thorough: false, cancellationToken) is { } damage)
            throw Mismatch(payload, damage);
        Fingerprint actual = SqliteFingerprint.Take(file, payload.Fingerprint?.Level ?? FingerprintLevel.Rows, cancellationToken);
        IReadOnlyList<string> differences = payload.Fingerprint?.DifferencesFrom(actual) ?? [];
        return differences.Count == 0 ? actual : throw Mismatch(payload, string.Join("; ", differences.Take(5)));
    }

    /// <summary>The failure for what does not give back what was backed up.</summary>
    public static BackupFailure Mismatch(Payload payload, string findings) => new(
        ErrorCodes.RestoreMismatch,
        FailureCategory.InvalidData,
        $"'{payload.FileName}' does not give back what was backed up: {findings}. Nothing was changed.",
        "Use another backup of this source: Get-DbBackup, and Test-DbBackup -Level Restore to find a good one.")
    { Target = payload.FileName };
}
