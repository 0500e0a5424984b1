using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Verification;

namespace DbBackup.Engine.Restores;

/// <summary>Runs a restore as it was planned: beside, checked, and only then in place.</summary>
public sealed class RestoreService
{
    private readonly BackupRepository _repository;
    private readonly TimeProvider _clock;

    /// <summary>Creates the service.</summary>
    /// <param name="repository">Where the backup lies, and where the safety backup goes.</param>
    /// <param name="clock">The clock; the system's by default.</param>
    public RestoreService(BackupRepository repository, TimeProvider? clock = null)
    {
        _repository = repository;
        _clock = clock ?? TimeProvider.System;
    }

    /// <summary>Puts right what killed restores left where these paths lie.</summary>
    /// <returns>Whether there was anything to put right.</returns>
    public static bool Recover(IEnumerable<string> paths, IOperationObserver observer)
    {
        ArgumentNullException.ThrowIfNull(paths);
        bool any = false;
        // A link is restored where it leads to: the note lies there.
        IEnumerable<string> places = paths.SelectMany(path =>
            File.Exists(path) && File.ResolveLinkTarget(path, returnFinalTarget: true) is { } real ? [path, real.FullName] : (string[])[path]);
        foreach (string folder in places.Select(Path.GetDirectoryName).OfType<string>().Distinct(StringComparer.Ordinal))
            any |= RestoreJournal.Recover(folder, observer);
        return any;
    }

    /// <summary>Makes the plan, once what killed restores left at its targets has been put right.</summary>
    /// <exception cref="BackupException">As for <see cref="RestorePlanner.Plan"/>.</exception>
    public static RestorePlan Prepare(RestoreRequest request, IOperationObserver observer, CancellationToken cancellationToken)
    {
        RestorePlan plan = RestorePlanner.Plan(request, cancellationToken);
        return Recover(plan.Targets.Select(target => target.Path), observer) ? RestorePlanner.Plan(request, cancellationToken) : plan;
    }

    /// <summary>Runs the plan.</summary>
    /// <param name="plan">The plan, as it was shown.</param>
    /// <param name="lockTimeout">How long to wait for a locked database.</param>
    /// <param name="observer">Hears of the progress.</param>
    /// <param name="cancellationToken">Stops the restore; until the swap begins, nothing is changed then.</param>
    /// <exception cref="BackupException">The present state was left as it was.</exception>
    public Task<RestoreResult> RunAsync(RestorePlan plan, TimeSpan lockTimeout, IOperationObserver observer, CancellationToken cancellationToken) =>
        RunAsync(plan, lockTimeout, beforeSwap: null, observer, cancellationToken);

    /// <summary>Runs the plan, with something else that takes its place at the same moment.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="lockTimeout">How long to wait for a locked database.</param>
    /// <param name="beforeSwap">Runs when everything waits in its place; where it fails, nothing is swapped.</param>
    /// <param name="observer">Hears of the progress.</param>
    /// <param name="cancellationToken">Stops the restore.</param>
    internal async Task<RestoreResult> RunAsync(
        RestorePlan plan, TimeSpan lockTimeout, Func<CancellationToken, Task>? beforeSwap, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(observer);
        var duration = Stopwatch.StartNew();
        Manifest manifest = BackupRepository.RequireManifest(plan.Backup);
        var key = new BackupKey(plan.Backup.Source, plan.Backup.Name);
        await using ConfiguredAsyncDisposable claim = (await _repository.ProtectAsync(key, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        var content = new BackupContent(manifest, file => _repository.OpenRead(key, file));
        IReadOnlyList<RestoreItem> work = RestoreItem.For(plan);
        try
        {
            RestoreItem[] places = [.. work.Where(item => !item.IsWithin)];
            foreach (RestoreItem item in places)
                Directory.CreateDirectory(Path.GetDirectoryName(item.Target.Path)!);
            using RestoreJournal journal = RestoreJournal.Begin(
                Path.GetDirectoryName(places[0].Target.Path)!,
                [.. work.Where(item => item.IsSwapped).Select(item => item.Swap)],
                [.. work.Where(item => item.Target.Action == RestoreAction.WriteInto).Select(item => item.Swap)]);
            try
            {
                return await RunAsync(plan, content, work, journal, duration, lockTimeout, beforeSwap, observer, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                // Half of a restore point is none: what was begun waits for the next run, which finishes it.
                if (journal.SwapBegun && work.Any(item => !item.IsWithin && item.Swap.IsDone))
                {
                    journal.Keep();
                    observer.Warning(
                        "The restore was interrupted in the middle of its swap. Run Restore-DbBackup or New-DbBackup again from a new session: it completes it first. The state before is in the safety backup.");
                }
                else
                {
                    foreach (RestoreItem item in work)
                        item.Swap.Discard();
                }

                throw;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw DiskFailures.From(exception, work[0].Target.Path, $"restoring '{plan.Backup}'");
        }
    }

    private async Task<RestoreResult> RunAsync(
        RestorePlan plan,
        BackupContent content,
        IReadOnlyList<RestoreItem> work,
        RestoreJournal journal,
        Stopwatch duration,
        TimeSpan lockTimeout,
        Func<CancellationToken, Task>? beforeSwap,
        IOperationObserver observer,
        CancellationToken cancellationToken)
    {
        string activity = $"Restoring {plan.Backup}";
        BackupStatus status = BackupStatus.Restored;
        foreach ((RestoreTarget target, StagedSwap swap, _) in work.OrderBy(item => item.IsWithin))
        {
            if (target.Payload.Kind == PayloadKind.Database)
                status = await StageDatabaseAsync(content, target, swap, observer, activity, cancellationToken).ConfigureAwait(false);
            else
                await StageFolderAsync(content, target, swap, observer, activity, cancellationToken).ConfigureAwait(false);
        }

        RestoreTarget? database = plan.Targets.FirstOrDefault(target => target.Payload.Kind == PayloadKind.Database);
        LiveDatabaseLock? live = database?.Action == RestoreAction.Replace
            ? LiveDatabaseLock.TryTake(database.Path, lockTimeout, cancellationToken)
            : null;
        List<string> aside = [];
        Backup? safety = null;
        var present = new PresentState(_repository, _clock);
        try
        {
            if (plan.SafetyBackup)
            {
                bool usable = database?.Action != RestoreAction.Replace || live is not null;
                safety = usable ? await present.TryBackUpAsync(plan, withDatabase: true, lockTimeout, observer, cancellationToken).ConfigureAwait(false) : null;
                if (safety is null)
                {
                    // Copying the file would end our own lock on it (POSIX locks end with the first close); a damaged database
                    // has no writers that could be kept from anything.
                    live?.Dispose();
                    live = null;
                    aside = present.SetAside(plan, database!);
                    observer.Warning($"The present database is damaged and cannot be backed up; it was copied as it is to '{aside[0]}'.");
                    safety = await present.TryBackUpAsync(plan, withDatabase: false, lockTimeout, observer, cancellationToken).ConfigureAwait(false);
                }
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (beforeSwap is not null)
                await beforeSwap(cancellationToken).ConfigureAwait(false);
            observer.Progress(new OperationProgress(activity, "putting it in place"));
            Swap(work, live, journal, lockTimeout, observer, activity, cancellationToken);
        }
        finally
        {
            live?.Dispose();
        }

        observer.Verbose($"Restored '{plan.Backup}' in {duration.Elapsed.TotalSeconds:0.0} s.");
        string? revision = database is null ? null : content.Manifest.SchemaRevision;
        return new RestoreResult
        {
            Name = plan.Backup.Name,
            Source = plan.Backup.Source,
            Restored = [.. plan.Targets.Select(target => target.Path)],
            Status = status,
            SafetyBackup = safety,
            KeptAside = aside,
            SchemaRevision = revision,
            PreviousSchemaRevision = plan.PresentRevision,
            NextCommands = MigrationCommands.For(revision, plan.PresentRevision),
            Duration = duration.Elapsed,
        };
    }

    private static async Task<BackupStatus> StageDatabaseAsync(
        BackupContent content, RestoreTarget target, StagedSwap swap, IOperationObserver observer, string activity, CancellationToken cancellationToken)
    {
        Payload payload = target.Payload;
        var progress = new PayloadProgress(observer, activity, $"restoring {payload.RestoreName} beside", payload.OriginalSize);
        Directory.CreateDirectory(Path.GetDirectoryName(swap.Staged)!);
        await DatabaseRestorer.RestoreAsync(content, payload, swap.Staged, progress, cancellationToken).ConfigureAwait(false);
        observer.Progress(new OperationProgress(activity, $"checking {payload.RestoreName}"));
        await Task.Run(() => DatabaseRestorer.RequireEqual(content.Manifest, payload, swap.Staged, cancellationToken), cancellationToken).ConfigureAwait(false);
        BackupStatus status = content.Manifest.Fingerprint is null ? BackupStatus.Restored : BackupStatus.Matched;
        ApplyAttributes(target, swap.Staged);
        DurableFiles.FlushFile(swap.Staged);
        observer.Verbose($"Restored {payload.RestoreName} beside its place: {status}.");
        return status;
    }

    private static async Task StageFolderAsync(
        BackupContent content, RestoreTarget target, StagedSwap swap, IOperationObserver observer, string activity, CancellationToken cancellationToken)
    {
        Payload payload = target.Payload;
        var progress = new PayloadProgress(observer, activity, $"restoring {payload.RestoreName} beside", payload.OriginalSize);
        // Archives of one folder hold its name as their first component; the folder waits under another name until the swap.
        string extracted = swap.Extracting;
        ArchiveSummary summary;
        try
        {
            using (PayloadReader tar = content.OpenOriginal(payload, cancellationToken))
            {
                summary = await FolderExtractor.ExtractAsync(tar, extracted, new ExtractOptions { Bytes = progress }, cancellationToken).ConfigureAwait(false);
                await tar.CopyToAsync(Stream.Null, cancellationToken).ConfigureAwait(false);
            }

            string inner = Path.Combine(extracted, payload.RestoreName);
            bool wrapped = (Directory.Exists(inner) || File.Exists(inner)) && Directory.EnumerateFileSystemEntries(extracted).Count() == 1;
            if (wrapped && File.Exists(inner))
                File.Move(inner, swap.Staged);
            else
                Directory.Move(wrapped ? inner : extracted, swap.Staged);
        }
        finally
        {
            if (Directory.Exists(extracted))
                Directory.Delete(extracted, recursive: true);
        }

        foreach (string warning in summary.Warnings)
            observer.Warning(warning);
        if (payload.EntryCount is { } expected && summary.Entries != expected)
            throw DatabaseRestorer.Mismatch(payload, string.Create(CultureInfo.InvariantCulture, $"{summary.Entries} entries instead of {expected}"));
        if (Directory.Exists(swap.Staged))
            DurableFiles.FlushTree(swap.Staged, cancellationToken);
        else
            DurableFiles.FlushFile(swap.Staged);
        observer.Verbose($"Restored {payload.RestoreName} beside its place: {summary.Entries} entries.");
    }

    // The restored file belongs to whom the present one belongs, else to whom it belonged: the application must be able to open it.
    private static void ApplyAttributes(RestoreTarget target, string staged)
    {
        if (OperatingSystem.IsWindows())
            return;
        bool exists = File.Exists(target.Path);
        if (exists)
            File.SetUnixFileMode(staged, File.GetUnixFileMode(target.Path));
        else if (target.Payload.UnixMode is { } mode)
            File.SetUnixFileMode(staged, (UnixFileMode)Convert.ToInt32(mode, 8));
        if (UnixFile.EffectiveUserId != 0)
            return;
        if (exists && UnixFile.TryStatFollow(target.Path, out UnixFileFacts facts))
        {
            UnixFile.TrySetOwner(staged, facts.UserId, facts.GroupId);
        }
        else if (target.Payload.UnixOwner?.Split(':') is [var user, var group]
            && uint.TryParse(user, CultureInfo.InvariantCulture, out uint userId) && uint.TryParse(group, CultureInfo.InvariantCulture, out uint groupId))
        {
            UnixFile.TrySetOwner(staged, userId, groupId);
        }
    }

    private static void Swap(
        IReadOnlyList<RestoreItem> work, LiveDatabaseLock? live, RestoreJournal journal, TimeSpan lockTimeout, IOperationObserver observer, string activity, CancellationToken cancellationToken)
    {
        live?.MakeSelfContained();
        journal.BeginSwap();
        // Windows does not rename over an open file; elsewhere the lock is kept until the new file is in place.
        if (OperatingSystem.IsWindows())
            live?.Dispose();
        foreach ((RestoreTarget target, StagedSwap swap, _) in work.Where(item => !item.IsWithin))
        {
            if (target.Action == RestoreAction.WriteInto)
            {
                SqliteSnapshot.WriteInto(
                    swap.Staged,
                    target.Path,
                    lockTimeout,
                    (done, total) => observer.Progress(new OperationProgress(activity, "writing into the open database", done, total)),
                    cancellationToken);
                swap.Discard();
            }
            else
            {
                swap.Finish();
            }
        }
    }
}
