using System.Globalization;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;

namespace DbBackup.Upgrades;

/// <summary>Upgrades applications and databases: backed up and proved, rehearsed on a copy, migrated, checked, and given back as they were where that fails.</summary>
/// <param name="journals">The folder of the journals; null for the user's own.</param>
public sealed class UpgradeService(string? journals = null)
{
    private readonly string _folder = journals ?? UpgradeJournal.FolderOfUser;

    /// <summary>The upgrades that are known to this user, the newest first.</summary>
    public IReadOnlyList<UpgradeResult> List() => [.. UpgradeJournal.List(_folder).Select(note => note.ToResult())];

    /// <summary>What an upgrade would do, without doing any of it.</summary>
    /// <exception cref="BackupException">It cannot be done.</exception>
    public static async Task<UpgradePlan> PlanAsync(UpgradeRequest request, BackupRepository repository, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(repository);
        ResolvedUpgrade setup = await ResolvedUpgrade.CompleteAsync(request, cancellationToken).ConfigureAwait(false);
        await using (setup.ConfigureAwait(false))
        {
            UpgradeInspection found = await UpgradeInspection.MakeAsync(setup, repository, cancellationToken).ConfigureAwait(false);
            (IReadOnlyList<string> fetch, IReadOnlyList<string> install) = setup.Deployment.Describe(found.Deployment);
            return new UpgradePlan
            {
                Target = setup.Name,
                Revision = found.Revision,
                Size = found.Size,
                Repository = repository.Location,
                NewVersion = fetch,
                Installation = install,
                StopsApplication = setup.Request.IsOfContainers,
                Migrate = request.Migrate,
                MigrationPath = request.MigrationPath,
                NotRehearsed = UpgradeRun.WhyNotRehearsed(setup),
                Checks = request.Checks,
                RollsBack = !request.NoRollback,
            };
        }
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
        ResolvedUpgrade setup = await ResolvedUpgrade.CompleteAsync(request, cancellationToken).ConfigureAwait(false);
        await using (setup.ConfigureAwait(false))
        {
            DateTimeOffset now = DateTimeOffset.UtcNow;
            using UpgradeJournal journal = UpgradeJournal.Begin(_folder, new UpgradeRecord
            {
                Id = now.ToString("yyyyMMddTHHmmssZ", CultureInfo.InvariantCulture) + "-" + BackupName.From(setup.ShortName),
                Owner = ProcessIdentity.Current,
                Request = setup.Request,
                Target = setup.Name,
                Started = now,
                Repository = repository.Location,
                Steps = [.. setup.Deployment.Steps.Select(name => new UpgradeStep { Name = name })],
            });
            return await new UpgradeRun(journal, setup, repository, observer).RunAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Goes on with an upgrade that was cut off or failed. A migration that was cut off starts again, on the data of the backup.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="password">The password of a server that is not in containers; null for the one of the password file or environment.</param>
    /// <param name="observer">Hears of the steps.</param>
    /// <param name="cancellationToken">Stops it, and takes back what was done.</param>
    /// <exception cref="BackupException">There is none of that name, it is at work, or has ended well.</exception>
    public async Task<UpgradeResult> ResumeAsync(string id, string? password, IOperationObserver observer, CancellationToken cancellationToken)
    {
        using UpgradeJournal journal = UpgradeJournal.Open(_folder, id);
        if (journal.Note.State is UpgradeState.Succeeded or UpgradeState.RolledBack)
            throw Ended(journal.Note, "There is nothing to go on with", "Begin anew with Invoke-DbUpgrade.");
        if (journal.Note.HasBegun(UpgradeSteps.Rollback))
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.Refused, $"The way back of the upgrade {id} of '{journal.Note.Target}' was begun and did not come to its end, so there is no going on.", $"Finish it: Undo-DbUpgrade {id}. Then begin anew.")
            { Target = id };
        }

        ResolvedUpgrade setup = await SetUpAsync(journal, password, cancellationToken).ConfigureAwait(false);
        await using (setup.ConfigureAwait(false))
        {
            var run = new UpgradeRun(journal, setup, BackupRepository.At(journal.Note.Repository), observer);
            await run.PrepareToGoOnAsync(cancellationToken).ConfigureAwait(false);
            return await run.RunAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Gives back the version and the data that there were before an upgrade.</summary>
    /// <param name="id">Its name.</param>
    /// <param name="password">The password of a server that is not in containers; null for the one of the password file or environment.</param>
    /// <param name="observer">Hears of the steps.</param>
    /// <param name="cancellationToken">Stops it before it begins.</param>
    /// <exception cref="BackupException">There is none of that name, it is at work, was rolled back already, or its backup cannot be restored.</exception>
    public async Task<UpgradeResult> UndoAsync(string id, string? password, IOperationObserver observer, CancellationToken cancellationToken)
    {
        using UpgradeJournal journal = UpgradeJournal.Open(_folder, id);
        if (journal.Note.State == UpgradeState.RolledBack)
            throw Ended(journal.Note, "It was rolled back already", "Nothing has to be done.");
        if (UpgradeJournal.List(_folder).FirstOrDefault(other => other.Key == journal.Note.Key && other.Started > journal.Note.Started && other.State != UpgradeState.RolledBack) is { } later)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.Refused, $"The upgrade {later.Id} of '{later.Target}' came after {id}, and was not taken back.", $"Take the later one back first (Undo-DbUpgrade {later.Id}), or restore the backup {journal.Note.BackupSource}/{journal.Note.BackupName} as it is with Restore-DbBackup.")
            { Target = id };
        }

        ResolvedUpgrade setup = await SetUpAsync(journal, password, cancellationToken).ConfigureAwait(false);
        await using (setup.ConfigureAwait(false))
        {
            await new UpgradeRollback(journal, setup, BackupRepository.At(journal.Note.Repository), observer, isLater: true).RunAsync().ConfigureAwait(false);
            return journal.Note.ToResult();
        }
    }

    private static Task<ResolvedUpgrade> SetUpAsync(UpgradeJournal journal, string? password, CancellationToken cancellationToken)
    {
        UpgradeRequest request = journal.Note.Request;
        return ResolvedUpgrade.CreateAsync(password is null || request.Server is null ? request : request with { Server = request.Server with { Password = password } }, cancellationToken);
    }

    private static BackupFailure Ended(UpgradeRecord note, string what, string hint) => new(
        ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"The upgrade {note.Id} of '{note.Target}' has ended as {note.State}. {what}.", hint) { Target = note.Id };
}
