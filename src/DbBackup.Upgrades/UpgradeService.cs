using System.Globalization;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;

namespace DbBackup.Upgrades;

/// <summary>Upgrades applications and databases: backs up, rehearses on a copy, migrates, checks, and rolls back if a step fails.</summary>
/// <param name="journals">The folder of the journals; null for the user's.</param>
public sealed class UpgradeService(string? journals = null)
{
    private readonly string _folder = journals ?? UpgradeJournal.FolderOfUser;

    /// <summary>Lists this user's upgrades, newest first.</summary>
    public IReadOnlyList<UpgradeResult> List() => [.. UpgradeJournal.List(_folder).Select(record => record.ToResult())];

    /// <summary>Plans an upgrade without changing anything.</summary>
    /// <exception cref="BackupException">The upgrade is not possible.</exception>
    public static async Task<UpgradePlan> PlanAsync(UpgradeRequest request, BackupRepository repository, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(repository);
        ResolvedUpgrade upgrade = await ResolvedUpgrade.CompleteAsync(request, cancellationToken).ConfigureAwait(false);
        await using (upgrade.ConfigureAwait(false))
        {
            UpgradeInspection found = await UpgradeInspection.MakeAsync(upgrade, repository, cancellationToken).ConfigureAwait(false);
            (IReadOnlyList<string> fetch, IReadOnlyList<string> install) = upgrade.Deployment.Describe(found.Deployment);
            return new UpgradePlan
            {
                Target = upgrade.Name,
                Revision = found.Revision,
                Size = found.Size,
                Repository = repository.Location,
                Recipients = upgrade.Request.Recipients,
                NewVersion = fetch,
                Installation = install,
                StopsApplication = upgrade.Request.StopsApplication,
                Migrate = request.Migrate,
                MigrationPath = request.MigrationPath,
                NotRehearsed = UpgradeRun.WhyNotRehearsed(upgrade),
                ServerVersions = upgrade.Request.Subject switch
                {
                    UpgradeSubject.MajorVersion server => FormattableString.Invariant($"PostgreSQL {server.From} to {server.To}"),
                    UpgradeSubject.ServerMove move => FormattableString.Invariant($"PostgreSQL {move.FromMajor} to {move.ToMajor}"),
                    _ => null,
                },
                NewServer = upgrade.Request.Subject is UpgradeSubject.ServerMove { To: var to } ? PostgreSqlConnectionSettings.Resolve(to).LocationOf(null) : null,
                Checks = request.Checks,
                RollsBack = !request.NoRollback,
            };
        }
    }

    /// <summary>Runs an upgrade.</summary>
    /// <param name="request">The request.</param>
    /// <param name="repository">The repository for the backup.</param>
    /// <param name="observer">Receives progress.</param>
    /// <param name="cancellationToken">Stops the upgrade and rolls it back.</param>
    /// <returns>The result; a failure that was rolled back is a result, not an exception.</returns>
    /// <exception cref="BackupException">The upgrade could not start.</exception>
    public async Task<UpgradeResult> RunAsync(UpgradeRequest request, BackupRepository repository, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(repository);
        ArgumentNullException.ThrowIfNull(observer);
        ResolvedUpgrade upgrade = await ResolvedUpgrade.CompleteAsync(request, cancellationToken).ConfigureAwait(false);
        await using (upgrade.ConfigureAwait(false))
        {
            DateTimeOffset now = DateTimeOffset.UtcNow;
            using UpgradeJournal journal = UpgradeJournal.Begin(_folder, new UpgradeRecord
            {
                Id = now.ToString("yyyyMMddTHHmmssZ", CultureInfo.InvariantCulture) + "-" + BackupName.From(upgrade.ShortName),
                Owner = ProcessIdentity.Current,
                Request = upgrade.Request,
                Target = upgrade.Name,
                Started = now,
                Repository = repository.Location,
                Steps = [.. upgrade.Deployment.Steps.Select(name => new UpgradeStep { Name = name })],
            });
            return await new UpgradeRun(journal, upgrade, repository, observer).RunAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Resumes an interrupted or failed upgrade. An interrupted migration starts again on the restored backup.</summary>
    /// <param name="id">The upgrade's ID.</param>
    /// <param name="password">The password of a server outside containers; null for that of the password file or environment.</param>
    /// <param name="keys">What opens the upgrade's backup if it is encrypted.</param>
    /// <param name="observer">Receives progress.</param>
    /// <param name="cancellationToken">Stops the upgrade and rolls it back.</param>
    /// <exception cref="BackupException">No upgrade has that ID, it is running, or it has ended.</exception>
    public async Task<UpgradeResult> ResumeAsync(string id, string? password, KeyRing keys, IOperationObserver observer, CancellationToken cancellationToken)
    {
        using UpgradeJournal journal = UpgradeJournal.Open(_folder, id);
        if (journal.Record.State is UpgradeState.Succeeded or UpgradeState.RolledBack)
            throw Ended(journal.Record, "it cannot be resumed", "Start a new upgrade with Invoke-DbUpgrade.");
        if (journal.Record.HasBegun(UpgradeSteps.Rollback))
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.Refused, $"Upgrade {id} ('{journal.Record.Target}') was being rolled back and the rollback did not finish, so it cannot be resumed.", $"Finish the rollback: Undo-DbUpgrade {id}. Then start a new upgrade.")
            { Target = id };
        }

        BackupRepository repository = BackupRepository.At(RepositoryLocation.Parse(journal.Record.Repository, Path.GetFullPath), keys);
        await UpgradeBackup.RequireOpenAsync(journal.Record, repository, cancellationToken).ConfigureAwait(false);
        ResolvedUpgrade upgrade = await ReopenAsync(journal, password, UpgradeBackup.SealingOf(journal.Record, keys), cancellationToken).ConfigureAwait(false);
        await using (upgrade.ConfigureAwait(false))
        {
            var run = new UpgradeRun(journal, upgrade, repository, observer);
            await run.PrepareToResumeAsync(cancellationToken).ConfigureAwait(false);
            return await run.RunAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Rolls an upgrade back: restores the previous version and its data.</summary>
    /// <param name="id">The upgrade's ID.</param>
    /// <param name="password">The password of a server outside containers; null for that of the password file or environment.</param>
    /// <param name="keys">What opens the upgrade's backup if it is encrypted.</param>
    /// <param name="observer">Receives progress.</param>
    /// <param name="cancellationToken">Cancels before the rollback starts.</param>
    /// <exception cref="BackupException">No upgrade has that ID, it is running, it was rolled back, or its backup cannot be restored.</exception>
    public async Task<UpgradeResult> UndoAsync(string id, string? password, KeyRing keys, IOperationObserver observer, CancellationToken cancellationToken)
    {
        using UpgradeJournal journal = UpgradeJournal.Open(_folder, id);
        if (journal.Record.State == UpgradeState.RolledBack)
            throw Ended(journal.Record, "it cannot be rolled back again", "No action is needed.");
        if (UpgradeJournal.List(_folder).FirstOrDefault(other => other.Key == journal.Record.Key && other.Started > journal.Record.Started && other.State != UpgradeState.RolledBack) is { } later)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.Refused, $"Upgrade {later.Id} of '{later.Target}' is newer than {id} and was not rolled back.", $"Roll the newer one back first (Undo-DbUpgrade {later.Id}), or restore only the data: Restore-DbBackup {journal.Record.BackupSource}/{journal.Record.BackupName}.")
            { Target = id };
        }

        BackupRepository repository = BackupRepository.At(RepositoryLocation.Parse(journal.Record.Repository, Path.GetFullPath), keys);
        await UpgradeBackup.RequireOpenAsync(journal.Record, repository, cancellationToken).ConfigureAwait(false);
        ResolvedUpgrade upgrade = await ReopenAsync(journal, password, null, cancellationToken).ConfigureAwait(false);
        await using (upgrade.ConfigureAwait(false))
        {
            await new UpgradeRollback(journal, upgrade, repository, observer, isLater: true).RunAsync().ConfigureAwait(false);
            return journal.Record.ToResult();
        }
    }

    /// <summary>Finds what an ended upgrade has kept. Changes nothing.</summary>
    /// <param name="id">The upgrade's ID.</param>
    /// <param name="before">The IDs of upgrades that are to be removed before it.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    /// <exception cref="BackupException">No upgrade has that ID, or what it has kept cannot be removed.</exception>
    public async Task<UpgradeRemains> FindRemainsAsync(string id, IReadOnlyCollection<string> before, CancellationToken cancellationToken)
    {
        using UpgradeJournal journal = UpgradeJournal.Open(_folder, id);
        RequireNoOlder(journal.Record, before);
        return await UpgradeRemoval.FindAsync(journal.Record, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes what an ended upgrade has kept, and its journal. Its backup stays.</summary>
    /// <param name="id">The upgrade's ID.</param>
    /// <param name="observer">Receives what was removed.</param>
    /// <param name="cancellationToken">Stops the removal, which can be repeated.</param>
    /// <exception cref="BackupException">No upgrade has that ID, or what it has kept cannot be removed.</exception>
    public async Task RemoveAsync(string id, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(observer);
        using UpgradeJournal journal = UpgradeJournal.Open(_folder, id);
        RequireNoOlder(journal.Record, []);
        await UpgradeRemoval.RunAsync(journal, observer, cancellationToken).ConfigureAwait(false);
    }

    // The journal of a later upgrade is what keeps an earlier one from being rolled back over it.
    private void RequireNoOlder(UpgradeRecord record, IReadOnlyCollection<string> except)
    {
        if (record.State != UpgradeState.Succeeded || UpgradeJournal.List(_folder).FirstOrDefault(
            other => other.Key == record.Key && other.Started < record.Started && other.State == UpgradeState.Succeeded && !except.Contains(other.Id)) is not { } older)
        {
            return;
        }

        throw new BackupFailure(
            ErrorCodes.InvalidArgument, FailureCategory.Refused, $"Upgrade {older.Id} of '{older.Target}' is older than {record.Id}, whose journal keeps it from being rolled back over the newer one. Nothing was removed.",
            $"Remove the older one first, or both: Remove-DbUpgrade {older.Id}, {record.Id}.")
        { Target = record.Id };
    }

    private static Task<ResolvedUpgrade> ReopenAsync(UpgradeJournal journal, string? password, BackupSealing? sealing, CancellationToken cancellationToken)
    {
        UpgradeRequest request = sealing is null ? journal.Record.Request : journal.Record.Request with { Sealing = sealing };
        UpgradeSubject subject = request.Subject switch
        {
            UpgradeSubject.ServerDatabase server when password is not null => server with { Connection = server.Connection with { Password = password } },
            UpgradeSubject.ServerMove move when password is not null => move with { From = move.From with { Password = password }, To = move.To with { Password = password } },
            var same => same,
        };
        return ResolvedUpgrade.CreateAsync(request with { Subject = subject }, cancellationToken);
    }

    private static BackupFailure Ended(UpgradeRecord record, string what, string hint) => new(
        ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"Upgrade {record.Id} of '{record.Target}' ended as {record.State}; {what}.", hint) { Target = record.Id };
}
