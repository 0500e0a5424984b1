using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Payloads.Patches;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Verification;

namespace DbBackup.Engine.Backups;

/// <summary>The test that a new backup has to pass before it is published.</summary>
/// <param name="Record">What is kept of it; null if it could not run.</param>
/// <param name="Failure">Why the backup is not proved; null if it is.</param>
internal sealed record Proof(TestRecord? Record, BackupException? Failure)
{
    /// <summary>Tests what has been written.</summary>
    /// <exception cref="BackupException">It is damaged, or is to be thrown away because it did not pass.</exception>
    public static async Task<Proof> RunAsync(
        BackupRepository repository, BackupRequest request, BackupDraft draft, string scratch, Manifest manifest, X25519Identity? key, IOperationObserver observer, CancellationToken cancellationToken)
    {
        BackupContent content = repository.ContentOf(draft.Key, manifest, draft.OpenRead) with { Key = key };
        BackupTestResult result;
        try
        {
            result = await BackupVerifier
                .RunAsync(content, string.Empty, new BackupTestOptions { Level = request.ProofLevel, TestServer = request.TestServer }, scratch, observer, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException failure) when (!request.DiscardUnverified && !cancellationToken.IsCancellationRequested)
        {
            // A test that could not run says nothing of the backup.
            return new Proof(null, failure);
        }

        TestRecord record = BackupVerifier.ToRecord(result, isEncrypted: key is not null);
        if (result.Passed)
            return new Proof(record, null);
        bool isDamaged = result.Status == BackupStatus.Damaged;
        // What was copied from the full backup may be damaged there: a backup that needs no other tells.
        if (isDamaged && manifest.Parent is { } parent)
            throw new ParentDamagedException($"with '{parent.Name}' it did not pass its test: {result.Failure?.TrimEnd('.')}", null);
        var unproved = new BackupFailure(
            ErrorCodes.BackupDamaged,
            FailureCategory.InvalidData,
            $"The backup did not pass its test, so it was not kept: {result.Failure}",
            isDamaged ? "Check the disk of the repository and the memory of this machine, then try again." : "Leave -DiscardUnverified out to keep the backup and look at it.")
        { Target = manifest.Name };
        return isDamaged || request.DiscardUnverified ? throw unproved : new Proof(record, new BackupFailure(ErrorCodes.TestFailed, FailureCategory.InvalidData, result.Failure!, unproved.Hint));
    }

    /// <summary>The failure for a backup that was kept and did not prove itself.</summary>
    public BackupUnprovedException Unproved(Backup backup) => new(
        backup,
        Failure!.Category,
        Failure.Message,
        backup.Status == BackupStatus.Mismatched
            ? $"Correct what it names in the database, and make a new backup. This one can still be restored: Restore-DbBackup {backup.Name} -Source {backup.Source} -AllowMismatch."
            : $"Test it when that is mended: Test-DbBackup {backup.Name} -Source {backup.Source} -Level Restore. ({Failure.Hint})",
        Failure.Code == ErrorCodes.TestFailed ? null : Failure);
}
