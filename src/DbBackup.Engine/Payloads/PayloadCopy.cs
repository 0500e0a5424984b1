namespace DbBackup.Engine.Payloads;

/// <summary>Gives a payload's content out to its end.</summary>
internal static class PayloadCopy
{
    /// <summary>Copies a payload's content to its end, where its sizes and hashes are proved.</summary>
    public static async Task RunAsync(Stream original, Stream target, IProgress<long>? progress, CancellationToken cancellationToken)
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

    /// <summary>The failure for what does not give back what was backed up.</summary>
    /// <param name="payload">The payload.</param>
    /// <param name="findings">What differs.</param>
    /// <param name="hint">What to do next; null for the usual advice.</param>
    public static BackupFailure Mismatch(Payload payload, string findings, string? hint = null) => new(
        ErrorCodes.RestoreMismatch,
        FailureCategory.InvalidData,
        $"'{payload.FileName}' does not give back what was backed up: {findings}. Nothing was changed.",
        hint ?? "Use another backup of this source: Get-DbBackup, and Test-DbBackup -Level Restore to find a good one.")
    { Target = payload.FileName };
}
