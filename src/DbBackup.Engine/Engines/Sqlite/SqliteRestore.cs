using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>Makes a database file of a payload, in a new place that no process uses yet.</summary>
internal static class SqliteRestore
{
    /// <summary>Restores a database payload into a new file; when this returns, its sizes and hashes were right.</summary>
    /// <exception cref="BackupException">The payload is damaged, or there is no room.</exception>
    public static async Task RestoreAsync(
        BackupContent content, Payload payload, string file, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        using PayloadReader original = content.OpenOriginal(payload, cancellationToken);
        if (payload.Format == PayloadFormat.SqliteSql)
        {
            // Private from the first byte on; the library creates files with the mode of others.
            PrivateFiles.CreateNew(file).Dispose();
            await Task.Run(() => SqlScript.Load(original, file, cancellationToken), cancellationToken).ConfigureAwait(false);
            return;
        }

        using FileStream target = PrivateFiles.CreateNew(file);
        await PayloadCopy.RunAsync(original, target, progress, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Checks a restored file and compares it with the backup's fingerprint.</summary>
    /// <returns>The facts of the restored file.</returns>
    /// <exception cref="BackupException">It is damaged, or not what was backed up.</exception>
    public static Fingerprint RequireEqual(Payload payload, string file, CancellationToken cancellationToken)
    {
        if (SqliteCheck.Run(file, payload.RestoreName, thorough: false, cancellationToken).Damage is { } damage)
            throw PayloadCopy.Mismatch(payload, damage);
        Fingerprint actual = SqliteFingerprint.Take(file, payload.Fingerprint?.Level ?? FingerprintLevel.Rows, cancellationToken, null, payload.Damage is not null);
        IReadOnlyList<string> differences = payload.Fingerprint?.DifferencesFrom(actual) ?? [];
        return differences.Count == 0 ? actual : throw PayloadCopy.Mismatch(payload, string.Join("; ", differences.Take(5)));
    }
}
