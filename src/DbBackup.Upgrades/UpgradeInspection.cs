using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Migrations;
using DbBackup.Engine.Repository;
using DbBackup.Upgrades.Deployments;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Upgrades;

/// <summary>What there is before an upgrade: looked at for a plan, and again when it begins.</summary>
/// <param name="Deployment">What runs.</param>
/// <param name="Revision">At which revision the data are, and how they stand to the new code where that can be told already.</param>
/// <param name="Size">How large the data are, in bytes.</param>
internal sealed record UpgradeInspection(DeploymentRecord Deployment, SchemaRevision Revision, long Size)
{
    /// <summary>Looks, and fails where the upgrade cannot work. Changes nothing.</summary>
    /// <exception cref="BackupException">With what to do about it.</exception>
    public static async Task<UpgradeInspection> MakeAsync(ResolvedUpgrade setup, BackupRepository repository, CancellationToken cancellationToken)
    {
        if (setup.Request.RequireRehearsal && UpgradeRun.WhyNotRehearsed(setup) is { } reason)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.Refused, $"The upgrade of '{setup.Name}' cannot be rehearsed: {reason}. Nothing was changed.", "Give what is missing, or leave out -Rehearse.")
            { Target = setup.Name };
        }

        DeploymentRecord deployment = await setup.Deployment.InspectAsync(cancellationToken).ConfigureAwait(false);
        PlannedBackups plan = await BackupPlanner.PlanAsync(setup.Target.Intent, SilentObserver.Instance, cancellationToken).ConfigureAwait(false);
        long size = 0;
        await using (plan.ConfigureAwait(false))
        {
            PlannedBackup planned = plan.Backups.Single();
            var previews = new List<SourcePreview>();
            foreach (IBackupSource source in planned.Sources)
                previews.Add(await source.InspectAsync(cancellationToken).ConfigureAwait(false));
            size = previews.Sum(preview => preview.ContentBytes);
            string name = setup.Request.SourceName ?? BackupName.From(planned.Sources[0].DefaultName);
            await BackupSpace.RequireAsync(repository, null, previews, await HistoryAsync(repository, name, cancellationToken).ConfigureAwait(false), verify: true, cancellationToken).ConfigureAwait(false);
        }

        // What a person's programs hold there is no obstacle where they are stopped for it.
        if (!setup.Request.IsOfContainers)
            await RequireFreeAsync(setup, cancellationToken).ConfigureAwait(false);
        await RequireSoundAsync(setup, cancellationToken).ConfigureAwait(false);
        SchemaRevision revision = await setup.Target.RevisionAsync(cancellationToken).ConfigureAwait(false);
        return new UpgradeInspection(
            deployment, setup.Deployment.HasNewVersion ? await CompareAsync(setup, revision, setup.Request.Force, cancellationToken).ConfigureAwait(false) : revision, size);
    }

    // Afterwards it would be taken for the migration's doing. (A backup looks itself whether a SQLite database is sound.)
    private static async Task RequireSoundAsync(ResolvedUpgrade setup, CancellationToken cancellationToken)
    {
        if (setup.Target is PostgreSqlUpgradeTarget && await setup.Target.FindDamageAsync(cancellationToken).ConfigureAwait(false) is { } damage)
        {
            throw new BackupFailure(
                ErrorCodes.SourceCorrupt, FailureCategory.InvalidData, $"'{setup.Name}' is not sound before its upgrade: {damage}. Nothing was changed.", "Build the index anew (REINDEX INDEX) or drop it (DROP INDEX), then try again.")
            { Target = setup.Name };
        }
    }

    // The first backup makes the repository.
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

    /// <summary>Compares a revision with the new version's code, where its migrations can be read.</summary>
    /// <param name="setup">The upgrade.</param>
    /// <param name="revision">The revision.</param>
    /// <param name="mayNotFit">Whether one that the code cannot work with is no error.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<SchemaRevision> CompareAsync(ResolvedUpgrade setup, SchemaRevision revision, bool mayNotFit, CancellationToken cancellationToken)
    {
        if (setup.Request.MigrationTool is not { } tool)
            return revision;
        MigrationCode code = setup.Request.IsOfContainers
            ? await MigrationCode.ReadAsync(new DeployedCode(setup.Deployment, "the new version"), tool, cancellationToken).ConfigureAwait(false)
            : await MigrationCode.ReadAsync(new MigrationCodeRequest { Folder = setup.Request.MigrationPath, Tool = tool }, cancellationToken).ConfigureAwait(false);
        revision = code.Compare(revision);
        if (!mayNotFit)
            code.RequireFit(revision, null);
        return revision;
    }

    /// <summary>Fails where others hold locks for which the migration would wait.</summary>
    public static async Task RequireFreeAsync(ResolvedUpgrade setup, CancellationToken cancellationToken)
    {
        if (!setup.Request.Force && await setup.Target.FindHolderAsync(cancellationToken).ConfigureAwait(false) is { } holder)
        {
            throw new BackupFailure(
                ErrorCodes.DatabaseInUse, FailureCategory.Busy, $"The migration of '{setup.Name}' would wait for others: {holder}.", "Wait until they have ended, or end them; -Force goes on all the same.")
            { Target = setup.Name, CanRetry = true };
        }
    }
}
