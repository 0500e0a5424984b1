using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Migrations;
using DbBackup.Engine.Repository;
using DbBackup.Upgrades.Deployments;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades;

/// <summary>The state before an upgrade: inspected for a plan, and again when the upgrade starts.</summary>
/// <param name="Deployment">The running version.</param>
/// <param name="Revision">The schema revision, compared with the new code if that is available already.</param>
/// <param name="Size">The size of the data, in bytes.</param>
internal sealed record UpgradeInspection(DeploymentRecord Deployment, SchemaRevision Revision, long Size)
{
    /// <summary>Inspects the target, and fails if the upgrade cannot work. Changes nothing.</summary>
    /// <exception cref="BackupException">The upgrade cannot work; the hint says what to do.</exception>
    public static async Task<UpgradeInspection> MakeAsync(ResolvedUpgrade upgrade, BackupRepository repository, CancellationToken cancellationToken)
    {
        if (upgrade.Request.RequireRehearsal && UpgradeRun.WhyNotRehearsed(upgrade) is { } reason)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.Refused, $"The upgrade of '{upgrade.Name}' cannot be rehearsed: {reason}. Nothing was changed.", "Provide what is missing, or omit -Rehearse.")
            { Target = upgrade.Name };
        }

        DeploymentRecord deployment = await upgrade.Deployment.InspectAsync(cancellationToken).ConfigureAwait(false);
        PlannedBackups plan = await BackupPlanner.PlanAsync(upgrade.Target.Intent, SilentObserver.Instance, cancellationToken).ConfigureAwait(false);
        long size = 0;
        await using (plan.ConfigureAwait(false))
        {
            PlannedBackup planned = plan.Backups.Single();
            var previews = new List<SourcePreview>();
            foreach (IBackupSource source in planned.Sources)
                previews.Add(await source.InspectAsync(cancellationToken).ConfigureAwait(false));
            size = previews.Sum(preview => preview.ContentBytes);
            string name = upgrade.Request.SourceName ?? BackupName.From(planned.Sources[0].DefaultName);
            IReadOnlyList<Backup> history = await HistoryAsync(repository, name, cancellationToken).ConfigureAwait(false);
            await UpgradeBackup.RequireSealedAsync(upgrade.Request, repository, history, cancellationToken).ConfigureAwait(false);
            BackupService.RequireOwnName(new BackupRequest { Sources = planned.Sources, SourceName = upgrade.Request.SourceName }, history);
            await BackupSpace.RequireAsync(repository, null, previews, history, verify: !upgrade.Request.ReplacesServer, isFull: true, cancellationToken).ConfigureAwait(false);
        }

        // Programs that the upgrade stops anyway may hold locks now.
        if (!upgrade.Request.StopsApplication)
            await RequireFreeAsync(upgrade, cancellationToken).ConfigureAwait(false);
        await RequireSoundAsync(upgrade, cancellationToken).ConfigureAwait(false);
        SchemaRevision revision = await upgrade.Target.RevisionAsync(cancellationToken).ConfigureAwait(false);
        return new UpgradeInspection(
            deployment, upgrade.Deployment.HasNewVersion ? await CompareAsync(upgrade, revision, upgrade.Request.Force, cancellationToken).ConfigureAwait(false) : revision, size);
    }

    // Damage found after the migration would be blamed on it. (A backup checks a SQLite database itself.)
    private static async Task RequireSoundAsync(ResolvedUpgrade upgrade, CancellationToken cancellationToken)
    {
        if (upgrade.Target is PostgreSqlUpgradeTarget or ServerUpgradeTarget && await upgrade.Target.FindDamageAsync(cancellationToken).ConfigureAwait(false) is { } damage)
        {
            throw new BackupFailure(
                ErrorCodes.SourceCorrupt, FailureCategory.InvalidData, $"'{upgrade.Name}' is damaged before the upgrade: {damage}. Nothing was changed.", "Rebuild the index (REINDEX INDEX) or drop it (DROP INDEX), then try again.")
            { Target = upgrade.Name };
        }
    }

    // The first backup creates the repository.
    private static async Task<IReadOnlyList<Backup>> HistoryAsync(BackupRepository repository, string source, CancellationToken cancellationToken)
    {
        try
        {
            return await repository.ListAsync(source, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupFailure failure) when (failure.Code == ErrorCodes.RepositoryNotFound)
        {
            return [];
        }
    }

    /// <summary>Compares a revision with the new version's code, if its migrations can be read.</summary>
    /// <param name="upgrade">The upgrade.</param>
    /// <param name="revision">The revision.</param>
    /// <param name="mayNotFit">True to accept a revision that the code cannot work with.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<SchemaRevision> CompareAsync(ResolvedUpgrade upgrade, SchemaRevision revision, bool mayNotFit, CancellationToken cancellationToken)
    {
        if (upgrade.Request.MigrationTool is not { } tool)
            return revision;
        MigrationCode code = upgrade.Request.StopsApplication
            ? await MigrationCode.ReadAsync(new DeployedCode(upgrade.Deployment, "the new version"), tool, cancellationToken).ConfigureAwait(false)
            : await MigrationCode.ReadAsync(new MigrationCodeRequest { Folder = upgrade.Request.MigrationPath, Tool = tool }, cancellationToken).ConfigureAwait(false);
        revision = code.Compare(revision);
        if (!mayNotFit)
            code.RequireFit(revision, null);
        return revision;
    }

    /// <summary>Fails if other sessions hold locks for which the migration would wait.</summary>
    public static async Task RequireFreeAsync(ResolvedUpgrade upgrade, CancellationToken cancellationToken)
    {
        if (!upgrade.Request.Force && await upgrade.Target.FindHolderAsync(cancellationToken).ConfigureAwait(false) is { } holder)
        {
            throw new BackupFailure(
                ErrorCodes.DatabaseInUse, FailureCategory.Busy, $"The migration of '{upgrade.Name}' would wait for other sessions: {holder}.", "Wait until they end, terminate them, or use -Force.")
            { Target = upgrade.Name, CanRetry = true };
        }
    }
}
