using System.Diagnostics;
using System.Runtime.CompilerServices;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Verification;

/// <summary>Tests backups: reads them back, restores them into a scratch place, compares them with their fingerprint.</summary>
public sealed class BackupVerifier
{
    private readonly BackupRepository _repository;

    /// <summary>Creates the verifier for a repository.</summary>
    public BackupVerifier(BackupRepository repository) => _repository = repository;

    /// <summary>Tests a backup and notes the outcome beside it.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="options">How deep, and where.</param>
    /// <param name="observer">The progress observer.</param>
    /// <param name="cancellationToken">Stops the test; nothing is noted then.</param>
    /// <returns>What was found. A damaged backup is a result, not an exception.</returns>
    /// <exception cref="BackupException">The test could not be made: the manifest is unreadable, there is no room.</exception>
    public async Task<BackupTestResult> TestAsync(
        Backup backup, BackupTestOptions options, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(backup);
        ArgumentNullException.ThrowIfNull(options);
        // One whose manifest was altered is tested all the same: that tells whether its payloads are whole.
        Manifest manifest = backup is { Status: BackupStatus.Damaged, Manifest: { } altered } ? altered : BackupRepository.RequireHeader(backup);
        // Stored bytes are compared without a key; all else reads what is in them.
        if (manifest.IsSealed && options.Level != BackupTestLevel.Checksum)
            manifest = (await new EncryptedBackups(_repository).OpenAsync(backup, cancellationToken).ConfigureAwait(false)).Manifest!;
        var key = new BackupKey(backup.Source, backup.Name);
        await using ConfiguredAsyncDisposable claim = (await _repository.ProtectAsync(key, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        var content = _repository.ContentOf(key, manifest);
        using LocalWorkspace? scratch = options.Level == BackupTestLevel.Checksum
            ? null
            : await _repository.OpenScratchAsync(options.StagingPath, manifest.Payloads.Sum(payload => payload.RestoredSize), cancellationToken).ConfigureAwait(false);
        BackupTestResult result, recorded;
        try
        {
            IReadOnlyList<BackupCheck> small = await new SmallFiles(_repository, observer).CheckAsync(backup, manifest, cancellationToken).ConfigureAwait(false);
            result = await RunAsync(content, _repository.Location, options with { IsSuspect = backup.IsSuspect }, scratch?.Path, observer, cancellationToken).ConfigureAwait(false);
            // What a signature is worth depends on whom this user knows; a record is for all.
            recorded = With(result, [.. small.Where(check => check.Passed || check.Name != SmallFiles.SignatureCheck)]);
            result = With(result, small);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DiskFailures.From(exception, scratch?.Path ?? _repository.Location, $"testing '{backup}'");
        }

        try
        {
            await _repository.RecordAsync(backup, ToRecord(recorded, manifest.Encryption is not null), CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.RepositoryNotWritable)
        {
            observer.Warning($"The test of '{backup}' is valid, but its result could not be saved: {failure.Message}");
        }

        return result;
    }

    /// <summary>The record to keep of a result.</summary>
    /// <param name="result">The result.</param>
    /// <param name="isEncrypted">True if what differs would tell of an encrypted backup's content: it is not written down then.</param>
    internal static TestRecord ToRecord(BackupTestResult result, bool isEncrypted)
    {
        // An assertion that could not run says nothing about the backup.
        BackupCheck? failed = result.Checks.FirstOrDefault(check => !check.Passed);
        return new()
        {
            Tested = result.Tested.ToUniversalTime(),
            Level = result.Level,
            Passed = failed is null,
            Reached = result.Status,
            Failure = failed is null ? null : isEncrypted ? "it did not pass; what was found is not recorded beside an encrypted backup. Test it again to see it" : result.Failure,
            Host = Environment.MachineName,
        };
    }

    /// <summary>Tests the content of a backup, wherever it lies.</summary>
    internal static async Task<BackupTestResult> RunAsync(
        BackupContent content, string repository, BackupTestOptions options, string? scratch, IOperationObserver observer, CancellationToken cancellationToken)
    {
        var duration = Stopwatch.StartNew();
        Manifest manifest = content.Manifest;
        BackupTestLevel level = options.Level;
        var checks = new List<BackupCheck>();
        var missing = new List<string>();
        var answers = new AssertionAnswers(options.Assertions);
        string activity = $"Testing {manifest.Source.Name}/{manifest.Name}";
        var databases = new List<DatabaseTestOutcome>();
        if (manifest.Kept is { } kept)
            checks.Add(await FindKeptAsync(manifest, kept, options, cancellationToken).ConfigureAwait(false));
        foreach (Payload payload in manifest.Payloads)
        {
            var progress = new PayloadProgress(observer, activity, $"reading {payload.FileName}", payload.StoredSize);
            try
            {
                if (level == BackupTestLevel.Checksum)
                {
                    using Stream stored = content.Open(payload.FileName);
                    await PayloadReader.VerifyStoredAsync(stored, payload, progress, cancellationToken).ConfigureAwait(false);
                    checks.Add(new BackupCheck($"{payload.FileName} checksum", true, $"{ByteSize.Format(payload.StoredSize)} read, SHA-256 is right"));
                    if (payload.Parent is not null)
                        checks.Add(await content.VerifyParentAsync!(payload, progress, cancellationToken).ConfigureAwait(false));
                }
                else if (payload.Kind != PayloadKind.Files)
                {
                    var run = new DatabaseTestRun(content, payload, options, scratch!, checks, missing, answers, observer, activity);
                    DatabaseTestOutcome outcome = await DatabaseEngines.Of(payload).TestAsync(run, cancellationToken).ConfigureAwait(false);
                    if (payload.Kind == PayloadKind.Database)
                        databases.Add(outcome);
                }
                else
                {
                    await TestFilesAsync(content, payload, level, scratch!, checks, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (BackupException failure) when (failure.Category == FailureCategory.InvalidData)
            {
                checks.Add(new BackupCheck(payload.FileName, false, failure.Message));
            }
        }

        checks.AddRange(answers.Checks);
        return new BackupTestResult
        {
            Name = manifest.Name,
            Source = manifest.Source.Name,
            Repository = repository,
            Level = level,
            Status = StatusOfFailed(checks) is { } failed ? failed
                : level != BackupTestLevel.Restore || manifest.Kept is not null || databases.Contains(DatabaseTestOutcome.Checked) ? BackupStatus.Checked
                : databases.Count > 0 && databases.TrueForAll(outcome => outcome == DatabaseTestOutcome.Matched) ? BackupStatus.Matched : BackupStatus.Restored,
            Checks = checks,
            Missing = missing,
            NotRun = answers.NotRun,
            Tested = DateTimeOffset.Now,
            Duration = duration.Elapsed,
        };
    }

    private static BackupTestResult With(BackupTestResult result, IReadOnlyList<BackupCheck> checks)
    {
        List<BackupCheck> all = [.. result.Checks, .. checks];
        return result with { Checks = all, Status = StatusOfFailed(all) ?? result.Status };
    }

    private static BackupStatus? StatusOfFailed(List<BackupCheck> checks) =>
        checks.TrueForAll(check => check.Passed) ? null
        : checks.TrueForAll(check => check.Passed || check.IsOfRestore) ? BackupStatus.Mismatched : BackupStatus.Damaged;

    // A database that is kept on its server has no payloads: it is there, whole, or it is not.
    private static async Task<BackupCheck> FindKeptAsync(Manifest manifest, KeptDatabase kept, BackupTestOptions options, CancellationToken cancellationToken)
    {
        try
        {
            string name = await DatabaseEngines.OfKept(manifest).FindKeptAsync(manifest, options.TestServer ?? new(), cancellationToken).ConfigureAwait(false);
            return new BackupCheck("kept database", true, $"'{name}' is on its server");
        }
        catch (BackupException failure) when (failure.Code == ErrorCodes.KeptDatabaseGone)
        {
            return new BackupCheck("kept database", false, failure.Message);
        }
    }

    private static async Task TestFilesAsync(
        BackupContent content, Payload payload, BackupTestLevel level, string scratch, List<BackupCheck> checks, CancellationToken cancellationToken)
    {
        ArchiveSummary summary;
        using (PayloadReader tar = content.OpenOriginal(payload, cancellationToken))
        {
            if (level == BackupTestLevel.Restore)
            {
                string folder = Path.Combine(scratch, $"{Guid.NewGuid():N}");
                summary = await FolderExtractor.ExtractAsync(tar, folder, new ExtractOptions { MakeHoles = payload.HoleBytes > 0 }, cancellationToken).ConfigureAwait(false);
                await tar.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
                FolderRemoval.Delete(folder);
            }
            else
            {
                summary = await TarInspector.ReadToEndAsync(tar, requireEndMark: false, cancellationToken).ConfigureAwait(false);
                await tar.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
            }
        }

        checks.Add(new BackupCheck($"{payload.FileName} checksum", true, $"{ByteSize.Format(payload.OriginalSize)} read whole, both SHA-256 are right"));
        bool complete = payload.EntryCount is not { } expected || expected == summary.Entries;
        checks.Add(new BackupCheck(
            $"{payload.RestoreName} {(level == BackupTestLevel.Restore ? "extracted" : "entries")}",
            complete,
            complete ? $"{summary.Entries} entries" : $"{summary.Entries} entries instead of {payload.EntryCount}"));
    }
}
