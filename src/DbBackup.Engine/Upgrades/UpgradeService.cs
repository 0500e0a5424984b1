using System.Diagnostics;
using System.Globalization;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Migrations;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repositories;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Sources;
using DbBackup.Engine.Sources.Files;

namespace DbBackup.Engine.Upgrades;

/// <summary>Upgrades databases: backed up and proved, rehearsed on a copy, migrated, checked, and given back as they were where that fails.</summary>
/// <param name="journals">The folder of the journals; null for the user's own.</param>
public sealed class UpgradeService(string? journals = null)
{
    private const string Preflight = nameof(Preflight);
    private const string PreMigrationBackup = "Backup";
    private const string Rehearsal = nameof(Rehearsal);
    private const string Migration = nameof(Migration);
    private const string Check = nameof(Check);
    private const string Rollback = nameof(Rollback);
    private static readonly string[] s_steps = [Preflight, PreMigrationBackup, Rehearsal, Migration, Check];

    // What stands in the way of a way back is often gone a moment later: a program that still has the file open.
    private const int RollbackAttempts = 3;
    private static readonly TimeSpan s_rollbackPause = TimeSpan.FromSeconds(2);
    private readonly string _folder = journals ?? UpgradeJournal.FolderOfUser;

    /// <summary>The upgrades that are known to this user, the newest first.</summary>
    public IReadOnlyList<UpgradeResult> List() => [.. UpgradeJournal.List(_folder).Select(note => note.ToResult())];

    /// <summary>What an upgrade would do, without doing any of it.</summary>
    /// <exception cref="BackupException">It cannot be done.</exception>
    public static async Task<UpgradePlan> PlanAsync(UpgradeRequest request, BackupRepository repository, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(repository);
        IUpgradeSubject subject = request.ToSubject();
        SchemaRevision revision = await InspectAsync(request, subject, cancellationToken).ConfigureAwait(false);
        return new UpgradePlan
        {
            Subject = subject.Location,
            Revision = revision,
            Size = await subject.SizeAsync(cancellationToken).ConfigureAwait(false),
            Repository = repository.Storage.Location,
            Migrate = request.Migrate,
            CodePath = request.CodePath,
            IsRehearsed = WhyNotRehearsed(request) is null,
            Checks = request.Checks,
            RollsBack = !request.NoRollback,
        };
    }

    /// <summary>Upgrades.</summary>
    /// <param name="request">What, and how.</param>
    /// <param name="repository">Where the backup goes.</param>
    /// <param name="observer">Hears of the steps.</param>
    /// <param name="cancellationToken">Stops it, and takes back what was done.</param>
    /// <returns>How it went: a failure that was rolled back is a result, not an exception.</returns>
    /// <exception cref="BackupException">It could not be begun.</exception>
    public async Task<UpgradeResult> RunAsync(UpgradeRequest request, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(repository);
        ArgumentNullException.ThrowIfNull(observer);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        string id = now.ToString("yyyyMMddTHHmmssZ", CultureInfo.InvariantCulture) + "-" + Path.GetFileNameWithoutExtension(request.DatabasePath);
        using UpgradeJournal journal = UpgradeJournal.Begin(_folder, new UpgradeNote
        {
            Id = id,
            Owner = ProcessIdentity.Current,
            Request = request,
            Started = now,
            Repository = repository.Storage.Location,
            Steps = [.. s_steps.Select(name => new UpgradeStep { Name = name })],
        });
        return await GoOnAsync(journal, repository, observer, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Goes on with an upgrade that was cut off or failed. A migration that was cut off starts again, on the data of the backup.</summary>
    /// <exception cref="BackupException">There is none of that name, it is at work, or has ended well.</exception>
    public async Task<UpgradeResult> ResumeAsync(string id, IOperationObserver observer, CancellationToken cancellationToken)
    {
        using UpgradeJournal journal = UpgradeJournal.Open(_folder, id);
        if (journal.Note.State is UpgradeState.Succeeded or UpgradeState.RolledBack)
            throw Ended(journal.Note, "There is nothing to go on with", "Begin anew with Invoke-DbUpgrade.");
        BackupRepository repository = BackupRepository.At(journal.Note.Repository);
        // A migration that was cut off is never continued in the middle; one that is done is not made again.
        bool isMigrated = journal.Note.Step(Migration).State == UpgradeStepState.Done;
        if (HasBegun(journal.Note) && !isMigrated)
            await RestoreAsync(journal, repository, observer).ConfigureAwait(false);
        journal.Write(journal.Note with
        {
            State = UpgradeState.Running,
            Failure = null,
            Steps = [.. journal.Note.Steps.Where(step => step.Name != Rollback).Select(step =>
                step.State is UpgradeStepState.Done or UpgradeStepState.Skipped && (isMigrated || step.Name != Migration) ? step : new UpgradeStep { Name = step.Name })],
        });
        return await GoOnAsync(journal, repository, observer, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives a database back the state that it had before an upgrade.</summary>
    /// <exception cref="BackupException">There is none of that name, it is at work, was rolled back already, or its backup cannot be restored.</exception>
    public async Task<UpgradeResult> UndoAsync(string id, IOperationObserver observer, CancellationToken cancellationToken)
    {
        using UpgradeJournal journal = UpgradeJournal.Open(_folder, id);
        cancellationToken.ThrowIfCancellationRequested();
        if (journal.Note.State == UpgradeState.RolledBack)
            throw Ended(journal.Note, "It was rolled back already", "Nothing has to be done.");
        await RollBackAsync(journal, BackupRepository.At(journal.Note.Repository), observer).ConfigureAwait(false);
        return journal.Note.ToResult();
    }

    private static BackupFailure Ended(UpgradeNote note, string what, string hint) => new(
        ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"The upgrade {note.Id} of '{note.Request.DatabasePath}' has ended as {note.State}. {what}.", hint) { Target = note.Id };

    private static bool HasBegun(UpgradeNote note) => note.Step(Migration).State != UpgradeStepState.Pending;

    private static string? WhyNotRehearsed(UpgradeRequest request) => request switch
    {
        { NoRehearsal: true } => "not wanted",
        { DatabaseVariable: null } => "it is not known how the migration is led to a copy (-DatabaseVariable)",
        _ => null,
    };

    private static async Task<SchemaRevision> InspectAsync(UpgradeRequest request, IUpgradeSubject subject, CancellationToken cancellationToken)
    {
        SchemaRevision revision = await ReadRevisionAsync(request, subject, request.Force, cancellationToken).ConfigureAwait(false);
        foreach (string include in request.Include.Where(path => !Path.Exists(path)))
            throw new BackupFailure(ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"There is no '{include}' to back up with the database.", "Check the path (-Include).") { Target = include };
        return revision;
    }

    private static async Task<SchemaRevision> ReadRevisionAsync(UpgradeRequest request, IUpgradeSubject subject, bool mayNotFit, CancellationToken cancellationToken)
    {
        SchemaRevision revision = await subject.RevisionAsync(cancellationToken).ConfigureAwait(false);
        if (request.MigrationTool is not { } tool)
            return revision;
        MigrationCode code = await MigrationCode.ReadAsync(new MigrationCodeRequest { Folder = request.CodePath, Tool = tool }, cancellationToken).ConfigureAwait(false);
        revision = code.Compare(revision);
        if (!mayNotFit)
            code.RequireFit(revision, null);
        return revision;
    }

    private static async Task<UpgradeResult> GoOnAsync(UpgradeJournal journal, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken)
    {
        UpgradeRequest request = journal.Note.Request;
        IUpgradeSubject subject = request.ToSubject();
        try
        {
            await StepAsync(journal, Preflight, observer, () => PreflightAsync(journal, subject, cancellationToken)).ConfigureAwait(false);
            await StepAsync(journal, PreMigrationBackup, observer, () => BackUpAsync(journal, subject, repository, observer, cancellationToken)).ConfigureAwait(false);
            if (WhyNotRehearsed(request) is { } reason)
                journal.Write(journal.Note.Step(Rehearsal) with { State = UpgradeStepState.Skipped, Detail = reason });
            else
                await StepAsync(journal, Rehearsal, observer, () => RehearseAsync(journal, subject, repository, observer, cancellationToken)).ConfigureAwait(false);
            await StepAsync(journal, Migration, observer, () => MigrateAsync(journal, subject, observer, cancellationToken)).ConfigureAwait(false);
            await StepAsync(journal, Check, observer, () => CheckAsync(request, subject, withAddresses: true, observer, cancellationToken)).ConfigureAwait(false);
            journal.Write(journal.Note with { State = UpgradeState.Succeeded });
            return journal.Note.ToResult();
        }
        catch (Exception exception) when (exception is BackupException or OperationCanceledException)
        {
            string words = exception is OperationCanceledException ? "It was stopped." : exception.Message;
            journal.Write(journal.Note with { Failure = words });
            if (HasBegun(journal.Note) && !request.NoRollback)
            {
                observer.Warning($"The upgrade of '{request.DatabasePath}' failed; its old state is restored now.");
                await RollBackAsync(journal, repository, observer).ConfigureAwait(false);
            }
            else
            {
                journal.Write(journal.Note with { State = HasBegun(journal.Note) ? UpgradeState.Failed : UpgradeState.RolledBack });
            }

            if (exception is OperationCanceledException)
                throw;
            return journal.Note.ToResult();
        }
    }

    private static async Task StepAsync(UpgradeJournal journal, string name, IOperationObserver observer, Func<Task<string>> work)
    {
        UpgradeStep step = journal.Note.Step(name);
        if (step.State is UpgradeStepState.Done)
            return;
        step = new UpgradeStep { Name = name, State = UpgradeStepState.Running, Started = DateTimeOffset.UtcNow };
        journal.Write(step);
        observer.Progress(new OperationProgress($"Upgrading {journal.Note.Request.DatabasePath}", name));
        var time = Stopwatch.StartNew();
        try
        {
            string detail = await work().ConfigureAwait(false);
            step = step with { State = UpgradeStepState.Done, Duration = time.Elapsed, Detail = detail };
            journal.Write(step);
            observer.Verbose(step.ToString());
        }
        catch (Exception exception)
        {
            journal.Write(step with { State = UpgradeStepState.Failed, Duration = time.Elapsed, Detail = exception.Message.Split('\n')[0].TrimEnd('\r', ':') });
            throw;
        }
    }

    private static async Task<string> PreflightAsync(UpgradeJournal journal, IUpgradeSubject subject, CancellationToken cancellationToken)
    {
        SchemaRevision revision = await InspectAsync(journal.Note.Request, subject, cancellationToken).ConfigureAwait(false);
        journal.Write(journal.Note with { FromRevision = revision.Revision });
        string schema = revision.Revision is null ? "no schema revision" : $"schema revision {revision.Revision}";
        return revision.CodeHeads is null ? schema : $"{schema}, {revision.Relation}: {revision.Pending!.Count} {(revision.Pending.Count == 1 ? "migration" : "migrations")} pending";
    }

    private static async Task<string> BackUpAsync(UpgradeJournal journal, IUpgradeSubject subject, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken)
    {
        UpgradeRequest request = journal.Note.Request;
        IBackupSource[] sources = [subject.Source, .. request.Include.Select(path => new FolderSource(path))];
        // Restored and compared before it counts: it may be all that is left.
        Backup backup = await new BackupService(repository).CreateAsync(
            new BackupRequest { Sources = sources, SourceName = request.SourceName, Type = BackupType.PreMigration, Verify = true, Tags = ["upgrade:" + journal.Note.Id] }, observer, cancellationToken).ConfigureAwait(false);
        journal.Write(journal.Note with { BackupSource = backup.Source, BackupName = backup.Name });
        return $"{backup.Source}/{backup.Name}, {backup.Status}, {ByteSize.Format(backup.Size)}";
    }

    private static async Task<string> RehearseAsync(UpgradeJournal journal, IUpgradeSubject subject, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken)
    {
        UpgradeRequest request = journal.Note.Request;
        Backup backup = await FindBackupAsync(journal.Note, repository, cancellationToken).ConfigureAwait(false);
        IUpgradeSubject copy = await subject.CopyAsync(backup, repository, observer, cancellationToken).ConfigureAwait(false);
        await using (copy.ConfigureAwait(false))
        {
            var time = Stopwatch.StartNew();
            await new ShellCommand(request.Migrate, request.CodePath, copy.Environment).RunAsync(request.Timeout, null, observer, cancellationToken).ConfigureAwait(false);
            double seconds = time.Elapsed.TotalSeconds;
            await CheckAsync(request, copy, withAddresses: false, observer, cancellationToken).ConfigureAwait(false);
            return string.Create(CultureInfo.InvariantCulture, $"the migration took {seconds:0.0} s on a copy");
        }
    }

    private static async Task<string> MigrateAsync(UpgradeJournal journal, IUpgradeSubject subject, IOperationObserver observer, CancellationToken cancellationToken)
    {
        UpgradeRequest request = journal.Note.Request;
        await new ShellCommand(request.Migrate, request.CodePath, subject.Environment).RunAsync(
            request.Timeout, process => journal.Write(journal.Note with { Migration = process }), observer, cancellationToken).ConfigureAwait(false);
        string? revision = (await subject.RevisionAsync(cancellationToken).ConfigureAwait(false)).Revision;
        journal.Write(journal.Note with { ToRevision = revision });
        return revision is null ? "done" : $"schema revision {revision}";
    }

    private static async Task<string> CheckAsync(UpgradeRequest request, IUpgradeSubject subject, bool withAddresses, IOperationObserver observer, CancellationToken cancellationToken)
    {
        if (await subject.FindDamageAsync(cancellationToken).ConfigureAwait(false) is { } damage)
            throw Failed(subject.Location, $"The migrated database is damaged: {damage}");
        SchemaRevision revision = await ReadRevisionAsync(request, subject, mayNotFit: true, cancellationToken).ConfigureAwait(false);
        if (revision.Relation is SchemaRelation.Behind)
            throw Failed(subject.Location, $"After the migration, {revision.Pending!.Count} migrations of the code are still pending: {string.Join(", ", revision.Pending)}.");
        int made = 0;
        foreach (string check in request.Checks.Where(each => withAddresses || !UpgradeCheck.IsAddress(each)))
        {
            await UpgradeCheck.RunAsync(check, request, subject, observer, cancellationToken).ConfigureAwait(false);
            made++;
        }

        return made == 0 ? "the database is sound" : string.Create(CultureInfo.InvariantCulture, $"the database is sound, {made} of {made} checks hold");
    }

    private static BackupFailure Failed(string path, string message) =>
        new(ErrorCodes.UpgradeStepFailed, FailureCategory.InvalidData, message, "Correct the migration, and try it on a copy.") { Target = path };

    // Not stopped by anything but its own death: half a way back is none.
    private static async Task RollBackAsync(UpgradeJournal journal, BackupRepository repository, IOperationObserver observer)
    {
        var step = new UpgradeStep { Name = Rollback, State = UpgradeStepState.Running, Started = DateTimeOffset.UtcNow };
        journal.Write(journal.Note with { Steps = [.. journal.Note.Steps.Where(each => each.Name != Rollback), step] });
        var time = Stopwatch.StartNew();
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                if (HasBegun(journal.Note))
                    await RestoreAsync(journal, repository, observer).ConfigureAwait(false);
                journal.Write(step with { State = UpgradeStepState.Done, Duration = time.Elapsed, Detail = HasBegun(journal.Note) ? $"restored {journal.Note.BackupSource}/{journal.Note.BackupName}" : "nothing had been changed" });
                journal.Write(journal.Note with { State = UpgradeState.RolledBack, ToRevision = null });
                return;
            }
            catch (BackupException failure) when (attempt < RollbackAttempts)
            {
                observer.Warning($"The old state could not be restored yet: {failure.Message}");
                await Task.Delay(s_rollbackPause).ConfigureAwait(false);
            }
            catch (BackupException failure)
            {
                journal.Write(step with { State = UpgradeStepState.Failed, Duration = time.Elapsed, Detail = failure.Message });
                journal.Write(journal.Note with { State = UpgradeState.Failed });
                throw new BackupFailure(
                    failure.Code, failure.Category, $"The upgrade of '{journal.Note.Request.DatabasePath}' failed, and its old state could not be restored: {failure.Message}",
                    $"{failure.Hint} Then: Undo-DbUpgrade {journal.Note.Id}. The old state is in the backup {journal.Note.BackupSource}/{journal.Note.BackupName}.", failure)
                { Target = journal.Note.Request.DatabasePath };
            }
        }
    }

    private static async Task RestoreAsync(UpgradeJournal journal, BackupRepository repository, IOperationObserver observer)
    {
        await EndMigrationAsync(journal.Note, observer).ConfigureAwait(false);
        Backup backup = await FindBackupAsync(journal.Note, repository, CancellationToken.None).ConfigureAwait(false);
        PreparedRestore restore = await PreparedRestore.PrepareAsync(
            repository, journal.Note.Request.ToSubject().RestoreOf(backup), changeNothing: false, observer, CancellationToken.None).ConfigureAwait(false);
        await restore.RunAsync(observer, CancellationToken.None).ConfigureAwait(false);
    }

    // The migration of a run that was killed may go on, and would write into what is restored.
    private static async Task EndMigrationAsync(UpgradeNote note, IOperationObserver observer)
    {
        if (note.Migration is not { } migration || migration.IsAlive() != Liveness.Alive)
            return;
        observer.Warning($"The migration of the upgrade {note.Id} still ran as process {migration.ProcessId}, and was ended.");
        try
        {
            using var process = Process.GetProcessById(migration.ProcessId);
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            // It ended by itself in the meantime.
        }
    }

    private static async Task<Backup> FindBackupAsync(UpgradeNote note, BackupRepository repository, CancellationToken cancellationToken) =>
        (await repository.ListAsync(note.BackupSource, cancellationToken).ConfigureAwait(false)).FirstOrDefault(backup => backup.Name == note.BackupName)
        ?? throw new BackupFailure(
            ErrorCodes.BackupNotFound,
            FailureCategory.NotFound,
            $"The backup {note.BackupSource}/{note.BackupName}, which the upgrade {note.Id} made in '{repository.Storage.Location}', is not there.",
            "Find it, or restore another one: Get-DbBackup, Restore-DbBackup.")
        { Target = note.BackupName };
}
