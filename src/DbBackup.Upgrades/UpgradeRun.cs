using System.Diagnostics;
using System.Globalization;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Retention;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades;

/// <summary>The steps of an upgrade, each in the journal before it begins and after it has ended.</summary>
/// <param name="journal">The journal.</param>
/// <param name="setup">What is upgraded.</param>
/// <param name="repository">Where the backup goes.</param>
/// <param name="observer">Hears of the steps.</param>
internal sealed class UpgradeRun(UpgradeJournal journal, ResolvedUpgrade setup, BackupRepository repository, IOperationObserver observer)
{
    private UpgradeRequest Request => setup.Request;

    /// <summary>Why the migration is not tried on a copy first; null where it is.</summary>
    public static string? WhyNotRehearsed(ResolvedUpgrade setup)
    {
        if (setup.Request.NoRehearsal)
            return "not wanted";
        if (setup.Target.WhyNoCopy is { } reason)
            return reason;
        // With its neighbours within reach it might do there what is to be done once: send its mails, empty its queues.
        return setup.Request is { Migrate: null, IsOfProject: true, RequireRehearsal: false } ? "the new version migrates when it starts, which among its neighbours is done only where it is wanted (-Rehearse)" : null;
    }

    /// <summary>What tells the backup that is made for a rehearsal alone.</summary>
    public static string RehearsalTag(string id) => "rehearsal:" + id;

    /// <summary>Makes the steps that are not done yet, and takes all back where one fails.</summary>
    public async Task<UpgradeResult> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (UpgradeStep step in journal.Note.Steps)
                await StepAsync(step.Name, cancellationToken).ConfigureAwait(false);
            journal.TryWrite(journal.Note with { State = UpgradeState.Succeeded }, observer);
            return journal.Note.ToResult();
        }
        catch (Exception exception)
        {
            // Whatever it is: nobody else brings the application back.
            string words = exception is OperationCanceledException ? "It was stopped." : exception.Message;
            journal.TryWrite(journal.Note with { Failure = words, Recommendation = (exception as BackupException)?.Hint }, observer);
            if (journal.Note.IsChanged && Request.NoRollback)
            {
                journal.TryWrite(journal.Note with { State = UpgradeState.Failed }, observer);
            }
            else
            {
                if (journal.Note.IsChanged)
                    observer.Warning($"The upgrade of '{setup.Name}' failed; its old state is restored now.");
                await new UpgradeRollback(journal, setup, repository, observer, isLater: false).RunAsync().ConfigureAwait(false);
            }

            if (exception is not BackupException)
                throw;
            return journal.Note.ToResult();
        }
    }

    /// <summary>Makes an upgrade that was cut off ready to go on: a migration is never continued in its middle.</summary>
    public async Task PrepareToGoOnAsync(CancellationToken cancellationToken)
    {
        UpgradeRecord note = journal.Note;
        // Where the new version migrates by itself, its start is the migration.
        string migrates = note.StateOf(UpgradeSteps.Migration) == UpgradeStepState.Skipped ? UpgradeSteps.Start : UpgradeSteps.Migration;
        bool isAgain = note.HasBegun(migrates) && note.StateOf(migrates) != UpgradeStepState.Done;
        var back = new UpgradeRollback(journal, setup, repository, observer, isLater: true);
        await back.SweepAsync().ConfigureAwait(false);
        if (isAgain)
            await back.RestoreDataAsync(cancellationToken).ConfigureAwait(false);
        // What comes after a step that is made again is made again, too.
        UpgradeStep[] steps = [.. note.Steps];
        int first = Array.FindIndex(steps, step => step.State is not (UpgradeStepState.Done or UpgradeStepState.Skipped) || (isAgain && step.Name == migrates));
        for (int each = Math.Max(0, first); first >= 0 && each < steps.Length; each++)
            steps[each] = new UpgradeStep { Name = steps[each].Name };
        journal.Write(note with { State = UpgradeState.Running, Owner = ProcessIdentity.Current, Failure = null, Recommendation = null, Steps = steps });
    }

    private async Task StepAsync(string name, CancellationToken cancellationToken)
    {
        if (journal.Note.StateOf(name) is UpgradeStepState.Done or UpgradeStepState.Skipped)
            return;
        if (WhySkipped(name) is { } reason)
        {
            journal.Write(new UpgradeStep { Name = name, State = UpgradeStepState.Skipped, Detail = reason });
            return;
        }

        var step = new UpgradeStep { Name = name, State = UpgradeStepState.Running, Started = DateTimeOffset.UtcNow };
        journal.Write(step);
        observer.Progress(new OperationProgress($"Upgrading {setup.Name}", name));
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
            journal.TryWrite(journal.Note.With(step with { State = UpgradeStepState.Failed, Duration = time.Elapsed, Detail = exception.Message.Split('\n')[0].TrimEnd('\r', ':') }), observer);
            throw;
        }
    }

    private string? WhySkipped(string name) => name switch
    {
        UpgradeSteps.Rehearsal => WhyNotRehearsed(setup),
        UpgradeSteps.Migration when Request.Migrate is null => "the new version migrates when it starts",
        _ => null,
    };

    private Task<string> WorkAsync(string name, CancellationToken cancellationToken) => name switch
    {
        UpgradeSteps.Preflight => PreflightAsync(cancellationToken),
        UpgradeSteps.Version => FetchAsync(cancellationToken),
        UpgradeSteps.Rehearsal => RehearseAsync(cancellationToken),
        UpgradeSteps.Maintenance => StopAsync(cancellationToken),
        UpgradeSteps.Backup => BackUpAsync(cancellationToken),
        UpgradeSteps.Install => setup.Deployment.InstallAsync(journal, observer, cancellationToken),
        UpgradeSteps.Migration => MigrateAsync(cancellationToken),
        UpgradeSteps.Start => setup.Deployment.StartAsync(journal, observer, cancellationToken),
        UpgradeSteps.Check => CheckAsync(cancellationToken),
        UpgradeSteps.Release => CleanUpAsync(),
        _ => throw new InvalidOperationException($"There is no step '{name}'."),
    };

    private async Task<string> PreflightAsync(CancellationToken cancellationToken)
    {
        UpgradeInspection found = await UpgradeInspection.MakeAsync(setup, repository, cancellationToken).ConfigureAwait(false);
        journal.Write(journal.Note with { FromRevision = found.Revision.Revision, Deployment = found.Deployment });
        return $"{Describe(found.Revision)}, {ByteSize.Format(found.Size)}";
    }

    private async Task<string> FetchAsync(CancellationToken cancellationToken)
    {
        string detail = await setup.Deployment.FetchAsync(journal, observer, cancellationToken).ConfigureAwait(false);
        if (Request.MigrationTool is null)
            return detail;
        SchemaRevision revision = await setup.Target.RevisionAsync(cancellationToken).ConfigureAwait(false);
        return $"{detail}; {Describe(await UpgradeInspection.CompareAsync(setup, revision, Request.Force, cancellationToken).ConfigureAwait(false))}";
    }

    private async Task<string> StopAsync(CancellationToken cancellationToken)
    {
        string detail = await setup.Deployment.StopAsync(journal, observer, cancellationToken).ConfigureAwait(false);
        await UpgradeInspection.RequireFreeAsync(setup, cancellationToken).ConfigureAwait(false);
        return detail;
    }

    private async Task<string> BackUpAsync(CancellationToken cancellationToken)
    {
        // Restored and compared before it counts: it may be all that is left.
        Backup backup = await BackUpAsync(BackupReason.PreMigration, "upgrade:" + journal.Note.Id, verify: true, cancellationToken).ConfigureAwait(false);
        journal.Write(journal.Note with { BackupSource = backup.Source, BackupName = backup.Name });
        return $"{backup.Source}/{backup.Name}, {backup.Status}, {ByteSize.Format(backup.Size)}";
    }

    private async Task<Backup> BackUpAsync(string reason, string tag, bool verify, CancellationToken cancellationToken)
    {
        PlannedBackups plan = await BackupPlanner.PlanAsync(setup.Target.Intent, observer, cancellationToken).ConfigureAwait(false);
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
                    Fingerprint = verify ? FingerprintLevel.Content : FingerprintLevel.Rows,
                    TestServer = planned.TestServer,
                    Pause = planned.Pause,
                    Tags = [tag],
                },
                observer,
                cancellationToken).ConfigureAwait(false);
        }
    }

    // Where the application is stopped for the backup that counts, it goes on during the rehearsal, which has one of its own for so long.
    private async Task<string> RehearseAsync(CancellationToken cancellationToken)
    {
        if (journal.Note.BackupName is not null)
            return await RehearseOnAsync(await UpgradeRollback.FindBackupAsync(journal.Note, repository, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        Backup backup = await BackUpAsync(BackupReason.Rehearsal, RehearsalTag(journal.Note.Id), verify: false, cancellationToken).ConfigureAwait(false);
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
        IUpgradeTarget copy = await setup.Target.CopyAsync(backup, repository, observer, cancellationToken).ConfigureAwait(false);
        await using (copy.ConfigureAwait(false))
        {
            var time = Stopwatch.StartNew();
            if (Request.Migrate is { } migrate)
                await setup.Deployment.RunAsync(migrate, copy, journal, observer, cancellationToken).ConfigureAwait(false);
            else
                await setup.Deployment.TrialRunAsync(copy, journal, observer, cancellationToken).ConfigureAwait(false);
            double seconds = time.Elapsed.TotalSeconds;
            await CheckDataAsync(copy, isCopy: true, cancellationToken).ConfigureAwait(false);
            return string.Create(CultureInfo.InvariantCulture, $"{(Request.Migrate is null ? "the new version ran" : "the migration took")} {seconds:0.0} s on a copy");
        }
    }

    private async Task<string> MigrateAsync(CancellationToken cancellationToken)
    {
        await setup.Deployment.RunAsync(Request.Migrate!, setup.Target, journal, observer, cancellationToken).ConfigureAwait(false);
        string? revision = (await setup.Target.RevisionAsync(cancellationToken).ConfigureAwait(false)).Revision;
        journal.Write(journal.Note with { ToRevision = revision });
        return revision is null ? "done" : $"schema revision {revision}";
    }

    private async Task<string> CheckAsync(CancellationToken cancellationToken)
    {
        await setup.Deployment.WatchAsync(cancellationToken).ConfigureAwait(false);
        return await CheckDataAsync(setup.Target, isCopy: false, cancellationToken).ConfigureAwait(false);
    }

    // The new version has proved itself by now: what is not let go of is no reason to take it back.
    private async Task<string> CleanUpAsync()
    {
        try
        {
            return await setup.Deployment.CleanUpAsync(journal, CancellationToken.None).ConfigureAwait(false);
        }
        catch (BackupException failure)
        {
            observer.Warning($"The upgrade of '{setup.Name}' has succeeded, but not all of the old version could be let go of: {failure.Message}");
            return failure.Message;
        }
    }

    private async Task<string> CheckDataAsync(IUpgradeTarget target, bool isCopy, CancellationToken cancellationToken)
    {
        if (await target.FindDamageAsync(cancellationToken).ConfigureAwait(false) is { } damage)
            throw Failed($"The migrated database is damaged: {damage}");
        SchemaRevision revision = await UpgradeInspection.CompareAsync(setup, await target.RevisionAsync(cancellationToken).ConfigureAwait(false), mayNotFit: true, cancellationToken).ConfigureAwait(false);
        if (revision.Relation is SchemaRelation.Behind)
            throw Failed($"After the migration, {revision.Pending!.Count} migrations of the code are still pending: {string.Join(", ", revision.Pending)}.");
        if (!isCopy)
            journal.Write(journal.Note with { ToRevision = revision.Revision });
        string[] checks = [.. Request.Checks.Where(check => !isCopy || UpgradeCheck.IsOfData(check, Request.IsOfContainers))];
        foreach (string check in checks)
            await UpgradeCheck.RunAsync(check, Request.Timeout, target, setup.Deployment, observer, cancellationToken).ConfigureAwait(false);
        return checks.Length == 0 ? "the database is sound" : string.Create(CultureInfo.InvariantCulture, $"the database is sound, {checks.Length} of {checks.Length} checks hold");
    }

    private BackupFailure Failed(string message) =>
        new(ErrorCodes.UpgradeStepFailed, FailureCategory.InvalidData, message, "Correct the migration, and try it on a copy.") { Target = setup.Name };

    private static string Describe(SchemaRevision revision)
    {
        string schema = revision.Revision is null ? "no schema revision" : $"schema revision {revision.Revision}";
        return revision.CodeHeads is null ? schema : $"{schema}, {revision.Relation}: {revision.Pending!.Count} {(revision.Pending.Count == 1 ? "migration" : "migrations")} pending";
    }
}
