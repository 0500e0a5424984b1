using DbBackup.Engine.Payloads;
using DbBackup.Engine.Sources.Sqlite;

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
        byte[] buffer = GC.AllocateUninitializedArray<byte>(1 << 20);
        long done = 0;
        int read;
        while ((read = await original.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            progress?.Report(done += read);
        }
    }
}
