using System.Diagnostics;
using System.Globalization;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Retention;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades;

/// <summary>Runs the steps of an upgrade, and writes each to the journal before it begins and after it ends.</summary>
/// <param name="journal">The journal.</param>
/// <param name="upgrade">The upgrade.</param>
/// <param name="repository">The repository for the backup.</param>
/// <param name="observer">Receives progress.</param>
internal sealed class UpgradeRun(UpgradeJournal journal, ResolvedUpgrade upgrade, BackupRepository repository, IOperationObserver observer)
{
    // The migration tool's own table is filled in any new database.
    private const string VersionTable = "alembic_version";

    private UpgradeRequest Request => upgrade.Request;

    /// <summary>Returns why the migration is not rehearsed on a copy; null if it is.</summary>
    public static string? WhyNotRehearsed(ResolvedUpgrade upgrade)
    {
        if (upgrade.Request.NoRehearsal)
            return "-NoRehearsal was given";
        if (upgrade.Target.WhyNoCopy is { } reason)
            return reason;
        // A second instance beside the live services might repeat work, such as sending mails or emptying queues.
        return upgrade.Request is { Migrate: null, Subject: UpgradeSubject.ComposeProject, RequireRehearsal: false } ? "the new version migrates at start-up; a trial start beside the live services needs -Rehearse" : null;
    }

    /// <summary>Returns the tag of a backup that was made for a rehearsal.</summary>
    public static string RehearsalTag(string id) => "rehearsal:" + id;

    /// <summary>Runs the steps that are not done yet, and rolls everything back if one fails.</summary>
    public async Task<UpgradeResult> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (UpgradeStep step in journal.Record.Steps)
                await StepAsync(step.Name, cancellationToken).ConfigureAwait(false);
            journal.TryWrite(journal.Record.Ended(UpgradeState.Succeeded), observer);
            return journal.Record.ToResult();
        }
        catch (Exception exception)
        {
            // Any exception: nothing else brings the application back.
            string words = exception is OperationCanceledException ? "The upgrade was cancelled." : exception.Message;
            journal.TryWrite(journal.Record with { Failure = words, Recommendation = (exception as BackupException)?.Hint }, observer);
            if (journal.Record.IsChanged && Request.NoRollback)
            {
                journal.TryWrite(journal.Record with { State = UpgradeState.Failed }, observer);
            }
            else
            {
                if (journal.Record.IsChanged)
                    observer.Warning($"Upgrading '{upgrade.Name}' failed; rolling back.");
                await new UpgradeRollback(journal, upgrade, repository, observer, isLater: false).RunAsync().ConfigureAwait(false);
            }

            if (exception is not BackupException)
                throw;
            return journal.Record.ToResult();
        }
    }

    /// <summary>Prepares an interrupted upgrade to be resumed: an interrupted migration starts again on restored data.</summary>
    public async Task PrepareToResumeAsync(CancellationToken cancellationToken)
    {
        UpgradeRecord record = journal.Record;
        // If the new version migrates at start-up, its start is the migration.
        string migrates = record.StateOf(UpgradeSteps.Migration) == UpgradeStepState.Skipped ? UpgradeSteps.Start : UpgradeSteps.Migration;
        bool isAgain = record.HasBegun(migrates) && record.StateOf(migrates) != UpgradeStepState.Done;
        var back = new UpgradeRollback(journal, upgrade, repository, observer, isLater: true);
        await back.SweepAsync().ConfigureAwait(false);
        // A new server is loaded into an empty volume each time.
        if (isAgain && !Request.ReplacesServer)
            await back.RestoreDataAsync(cancellationToken).ConfigureAwait(false);
        // All steps after a repeated step are repeated.
        UpgradeStep[] steps = [.. record.Steps];
        int first = Array.FindIndex(steps, step => step.State is not (UpgradeStepState.Done or UpgradeStepState.Skipped) || (isAgain && step.Name == migrates));
        for (int each = Math.Max(0, first); first >= 0 && each < steps.Length; each++)
            steps[each] = new UpgradeStep { Name = steps[each].Name };
        journal.Write(record with { State = UpgradeState.Running, Owner = ProcessIdentity.Current, Failure = null, Recommendation = null, Steps = steps });
    }

    private async Task StepAsync(string name, CancellationToken cancellationToken)
    {
        if (journal.Record.StateOf(name) is UpgradeStepState.Done or UpgradeStepState.Skipped)
            return;
        if (WhySkipped(name) is { } reason)
        {
            journal.Write(new UpgradeStep { Name = name, State = UpgradeStepState.Skipped, Detail = reason });
            return;
        }

        var step = new UpgradeStep { Name = name, State = UpgradeStepState.Running, Started = DateTimeOffset.UtcNow };
        journal.Write(step);
        observer.Progress(new OperationProgress($"Upgrading {upgrade.Name}", name));
        var time = Stopwatch.StartNew();
        try
        {
            string detail = await WorkAsync(name, cancellationToken).ConfigureAwait(false);
            step = step with { State = UpgradeStepState.Done, Duration = time.Elapsed, Detail = detail };
            journal.Write(step);
            observer.Verbose(step.ToString());
        }
        catch (Exception exception)
        {
            journal.TryWrite(journal.Record.With(step with { State = UpgradeStepState.Failed, Duration = time.Elapsed, Detail = exception.Message.Split('\n')[0].TrimEnd('\r', ':') }), observer);
            throw;
        }
    }

    private string? WhySkipped(string name) => name switch
    {
        UpgradeSteps.Rehearsal => WhyNotRehearsed(upgrade),
        UpgradeSteps.Migration when Request.Migrate is null && !Request.ReplacesServer => "the new version migrates at start-up",
        _ => null,
    };

    private Task<string> WorkAsync(string name, CancellationToken cancellationToken) => name switch
    {
        UpgradeSteps.Preflight => PreflightAsync(cancellationToken),
        UpgradeSteps.Version => FetchAsync(cancellationToken),
        UpgradeSteps.Rehearsal => RehearseAsync(cancellationToken),
        UpgradeSteps.Maintenance => StopAsync(cancellationToken),
        UpgradeSteps.Backup => BackUpAsync(cancellationToken),
        UpgradeSteps.Install => upgrade.Deployment.InstallAsync(journal, observer, cancellationToken),
        UpgradeSteps.Migration => MigrateAsync(cancellationToken),
        UpgradeSteps.Start => upgrade.Deployment.StartAsync(journal, observer, cancellationToken),
        UpgradeSteps.Check => CheckAsync(cancellationToken),
        UpgradeSteps.Release => CleanUpAsync(),
        _ => throw new InvalidOperationException($"Unknown step '{name}'."),
    };

    private async Task<string> PreflightAsync(CancellationToken cancellationToken)
    {
        UpgradeInspection found = await UpgradeInspection.MakeAsync(upgrade, repository, cancellationToken).ConfigureAwait(false);
        journal.Write(journal.Record with { FromRevision = found.Revision.Revision, Deployment = found.Deployment });
        return $"{(Request.ReplacesServer ? found.Revision.Revision : Describe(found.Revision))}, {ByteSize.Format(found.Size)}";
    }

    private async Task<string> FetchAsync(CancellationToken cancellationToken)
    {
        string detail = await upgrade.Deployment.FetchAsync(journal, observer, cancellationToken).ConfigureAwait(false);
        if (Request.MigrationTool is null)
            return detail;
        SchemaRevision revision = await upgrade.Target.RevisionAsync(cancellationToken).ConfigureAwait(false);
        return $"{detail}; {Describe(await UpgradeInspection.CompareAsync(upgrade, revision, Request.Force, cancellationToken).ConfigureAwait(false))}";
    }

    private async Task<string> StopAsync(CancellationToken cancellationToken)
    {
        string detail = await upgrade.Deployment.StopAsync(journal, observer, cancellationToken).ConfigureAwait(false);
        await UpgradeInspection.RequireFreeAsync(upgrade, cancellationToken).ConfigureAwait(false);
        return detail;
    }

    private async Task<string> BackUpAsync(CancellationToken cancellationToken)
    {
        // Tested by a restore: it may be all that is left. One that a new server is loaded from is compared there, while the old data stay where they are.
        Backup backup = await BackUpAsync(BackupReason.PreMigration, "upgrade:" + journal.Record.Id, verify: !Request.ReplacesServer, cancellationToken).ConfigureAwait(false);
        journal.Write(journal.Record with { BackupSource = backup.Source, BackupName = backup.Name, BackupKey = UpgradeBackup.KeyOf(backup, repository) });
        return $"{backup.Source}/{backup.Name}, {backup.Status}, {ByteSize.Format(backup.Size)}";
    }

    private async Task<Backup> BackUpAsync(string reason, string tag, bool verify, CancellationToken cancellationToken)
    {
        PlannedBackups plan = await BackupPlanner.PlanAsync(upgrade.Target.Intent, observer, cancellationToken).ConfigureAwait(false);
        await using (plan.ConfigureAwait(false))
        {
            PlannedBackup planned = plan.Backups.Single();
            return await new BackupService(repository).CreateAsync(
                new BackupRequest
                {
                    Sources = planned.Sources,
                    SourceName = Request.SourceName,
                    Reason = reason,
                    Verify = verify,
                    Fingerprint = verify || Request.ReplacesServer ? FingerprintLevel.Content : FingerprintLevel.Rows,
                    TestServer = planned.TestServer,
                    Pause = planned.Pause,
                    Tags = [tag],
                    Sealing = Request.Sealing,
                },
                observer,
                cancellationToken).ConfigureAwait(false);
        }
    }

    // If the application is stopped for the backup, it keeps running during the rehearsal, which uses a temporary backup.
    private async Task<string> RehearseAsync(CancellationToken cancellationToken)
    {
        if (journal.Record.BackupName is not null)
            return await RehearseOnAsync(await UpgradeBackup.FindAsync(journal.Record, repository, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        Backup backup = await BackUpAsync(BackupReason.Rehearsal, RehearsalTag(journal.Record.Id), verify: false, cancellationToken).ConfigureAwait(false);
        try
        {
            return await RehearseOnAsync(backup, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await new BackupRemoval(repository).RemoveTemporaryAsync(backup, observer).ConfigureAwait(false);
        }
    }

    private async Task<string> RehearseOnAsync(Backup backup, CancellationToken cancellationToken)
    {
        await upgrade.Deployment.BeginRehearsalAsync(journal, cancellationToken).ConfigureAwait(false);
        string detail = await RehearseOnCopyAsync(backup, cancellationToken).ConfigureAwait(false);
        upgrade.Deployment.EndRehearsal(journal, observer);
        return detail;
    }

    private async Task<string> RehearseOnCopyAsync(Backup backup, CancellationToken cancellationToken)
    {
        var time = Stopwatch.StartNew();
        IUpgradeTarget copy = await upgrade.Target.CopyAsync(backup, repository, observer, cancellationToken).ConfigureAwait(false);
        await using (copy.ConfigureAwait(false))
        {
            if (Request.ReplacesServer)
            {
                double loading = time.Elapsed.TotalSeconds;
                string checks = await CheckDataAsync(copy, isCopy: true, cancellationToken).ConfigureAwait(false);
                return string.Create(CultureInfo.InvariantCulture, $"a new server was loaded and compared in {loading:0.0} s beside the old one; {checks}");
            }

            time.Restart();
            if (Request.Migrate is { } migrate)
                await upgrade.Deployment.RunAsync(migrate, copy, journal, observer, cancellationToken).ConfigureAwait(false);
            else
                await upgrade.Deployment.TrialRunAsync(copy, journal, observer, cancellationToken).ConfigureAwait(false);
            double seconds = time.Elapsed.TotalSeconds;
            await CheckDataAsync(copy, isCopy: true, cancellationToken).ConfigureAwait(false);
            return string.Create(CultureInfo.InvariantCulture, $"{(Request.Migrate is null ? "the new version ran for" : "the migration took")} {seconds:0.0} s on a copy");
        }
    }

    private async Task<string> MigrateAsync(CancellationToken cancellationToken)
    {
        if (Request.ReplacesServer)
        {
            Backup backup = await UpgradeBackup.FindAsync(journal.Record, repository, cancellationToken).ConfigureAwait(false);
            return await upgrade.Deployment.LoadAsync(backup, repository, journal, observer, cancellationToken).ConfigureAwait(false);
        }

        await upgrade.Deployment.RunAsync(Request.Migrate!, upgrade.Target, journal, observer, cancellationToken).ConfigureAwait(false);
        await upgrade.Target.FlushAsync(cancellationToken).ConfigureAwait(false);
        string? revision = (await upgrade.Target.RevisionAsync(cancellationToken).ConfigureAwait(false)).Revision;
        journal.Write(journal.Record with { ToRevision = revision });
        return revision is null ? "done" : $"schema revision {revision}";
    }

    private async Task<string> CheckAsync(CancellationToken cancellationToken)
    {
        await upgrade.Deployment.WatchAsync(journal.Record, cancellationToken).ConfigureAwait(false);
        await CheckRowsAsync(cancellationToken).ConfigureAwait(false);
        return await CheckDataAsync(upgrade.Target.Upgraded, isCopy: false, cancellationToken).ConfigureAwait(false);
    }

    // A new version that was started on other data finds an empty database, and fills its schema in by itself.
    private async Task CheckRowsAsync(CancellationToken cancellationToken)
    {
        if (Request.Force || journal.Record.BackupName is null)
            return;
        Backup backup = await UpgradeBackup.FindAsync(journal.Record, repository, cancellationToken).ConfigureAwait(false);
        foreach (Payload payload in backup.Manifest!.Payloads)
        {
            TableFingerprint[] before = [.. (payload.Fingerprint?.Tables ?? []).Where(table => table.Rows > 0 && !table.Name.Contains(VersionTable, StringComparison.OrdinalIgnoreCase))];
            if (before.Length == 0 || await upgrade.Target.Upgraded.FilledTablesAsync(payload, cancellationToken).ConfigureAwait(false) is not { } filled)
                continue;
            TableFingerprint[] lost = [.. before.Where(table => !filled.Contains(table.Name))];
            bool hasOthers = filled.Any(name => !name.Contains(VersionTable, StringComparison.OrdinalIgnoreCase) && payload.Fingerprint!.Tables.All(table => table.Name != name));
            string names = string.Join(", ", lost.Take(5).Select(table => table.ToString()));
            // Tables may get other names, and some may be dropped.
            if (lost.Length == before.Length && !hasOthers)
            {
                throw new BackupFailure(
                    ErrorCodes.UpgradeStepFailed, FailureCategory.InvalidData, $"After the upgrade all tables of '{payload.RestoreName}' that had rows are empty or gone: {names}.",
                    "Find out whether the new version uses another folder, volume or database. If it is meant to begin without rows: -Force.")
                { Target = upgrade.Name };
            }

            if (lost.Length > 0)
                observer.Warning($"After the upgrade these tables of '{payload.RestoreName}' are empty or gone: {names}{(lost.Length > 5 ? ", …" : string.Empty)}.");
        }
    }

    // The new version works by now: leftovers of the old one are no reason to roll back.
    private async Task<string> CleanUpAsync()
    {
        try
        {
            return await upgrade.Deployment.CleanUpAsync(journal, observer, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException failure)
        {
            observer.Warning($"'{upgrade.Name}' was upgraded, but parts of the old version could not be removed: {failure.Message}");
            return failure.Message;
        }
    }

    private async Task<string> CheckDataAsync(IUpgradeTarget target, bool isCopy, CancellationToken cancellationToken)
    {
        if (await target.FindDamageAsync(cancellationToken).ConfigureAwait(false) is { } damage)
            throw Failed($"The migrated database is damaged: {damage}");
        SchemaRevision revision = await UpgradeInspection.CompareAsync(upgrade, await target.RevisionAsync(cancellationToken).ConfigureAwait(false), mayNotFit: true, cancellationToken).ConfigureAwait(false);
        if (revision.Relation is SchemaRelation.Behind)
            throw Failed($"After the migration, {revision.Pending!.Count} migrations are still pending: {string.Join(", ", revision.Pending)}.");
        if (!isCopy)
            journal.Write(journal.Record with { ToRevision = revision.Revision });
        string[] checks = [.. Request.Checks.Where(check => !isCopy || UpgradeCheck.IsOfData(check, Request.StopsApplication))];
        foreach (string check in checks)
            await UpgradeCheck.RunAsync(check, Request.Timeout, target, upgrade.Deployment, observer, cancellationToken).ConfigureAwait(false);
        return checks.Length == 0 ? "database check passed" : string.Create(CultureInfo.InvariantCulture, $"database check passed, {checks.Length} of {checks.Length} health checks passed");
    }

    private BackupFailure Failed(string message) =>
        new(ErrorCodes.UpgradeStepFailed, FailureCategory.InvalidData, message, "Correct the migration and try it on a copy.") { Target = upgrade.Name };

    private static string Describe(SchemaRevision revision)
    {
        string schema = revision.Revision is null ? "no schema revision" : $"schema revision {revision.Revision}";
        return revision.CodeHeads is null ? schema : $"{schema}, {revision.Relation}: {revision.Pending!.Count} {(revision.Pending.Count == 1 ? "migration" : "migrations")} pending";
    }
}
