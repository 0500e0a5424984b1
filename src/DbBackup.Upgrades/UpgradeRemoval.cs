using DbBackup.Engine.Docker.Api;
using DbBackup.Upgrades.Deployments;

namespace DbBackup.Upgrades;

/// <summary>Removes what an ended upgrade has kept: volumes, image tags, and last its journal, so that a removal that was killed can be repeated.</summary>
internal static class UpgradeRemoval
{
    /// <summary>Finds what an upgrade has kept. Changes nothing.</summary>
    /// <exception cref="BackupException">The upgrade has not ended, a volume is in use or is another one, or the engine cannot be reached.</exception>
    public static async Task<UpgradeRemains> FindAsync(UpgradeRecord record, CancellationToken cancellationToken)
    {
        RequireEnded(record);
        if (record.Request.Subject is not UpgradeSubject.Application application)
            return new UpgradeRemains { Upgrade = record.ToResult() };
        using DockerClient client = await ConnectAsync(application, cancellationToken).ConfigureAwait(false);
        return await FindAsync(client, application, record, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes what an upgrade has kept, and its journal. Everything is checked before the first thing is removed.</summary>
    public static async Task RunAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        UpgradeRecord record = journal.Record;
        RequireEnded(record);
        if (record.Request.Subject is UpgradeSubject.Application application)
        {
            using DockerClient client = await ConnectAsync(application, cancellationToken).ConfigureAwait(false);
            UpgradeRemains kept = await FindAsync(client, application, record, cancellationToken).ConfigureAwait(false);
            foreach (string volume in kept.Volumes)
            {
                await client.VolumeDeleteAsync(volume, cancellationToken).ConfigureAwait(false);
                observer.Verbose($"Removed volume '{volume}'.");
            }

            foreach (string image in kept.Images)
            {
                await client.ImageUntagAsync(image, cancellationToken).ConfigureAwait(false);
                observer.Verbose($"Removed image tag '{image}'.");
            }
        }

        journal.Delete();
        observer.Verbose($"Removed the journal of upgrade {record.Id}.");
        if (record.BackupName is not null)
            observer.Verbose($"Backup {record.BackupSource}/{record.BackupName} stays in '{record.Repository}'.");
    }

    /// <summary>Returns when volumes were created, by name, as far as the engine says it.</summary>
    public static async Task<IReadOnlyDictionary<string, DateTimeOffset>> CreationOfAsync(DockerClient client, IEnumerable<string> volumes, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, DateTimeOffset>();
        foreach (string volume in volumes)
        {
            if ((await client.VolumeInspectAsync(volume, cancellationToken).ConfigureAwait(false)).Created is { } created)
                found[volume] = created;
        }

        return found;
    }

    private static Task<DockerClient> ConnectAsync(UpgradeSubject.Application application, CancellationToken cancellationToken) =>
        DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(application.DockerHost), cancellationToken);

    private static void RequireEnded(UpgradeRecord record)
    {
        // A rollback of a success that was killed has not changed the state yet.
        bool isHalfBack = record.StateOf(UpgradeSteps.Rollback) is UpgradeStepState.Running or UpgradeStepState.Failed;
        if (!isHalfBack && record.State is UpgradeState.Succeeded or UpgradeState.RolledBack)
            return;
        string words = isHalfBack ? "was being rolled back and the rollback did not finish" : record.State == UpgradeState.Failed ? "failed and was not rolled back" : "was interrupted";
        throw new BackupFailure(
            ErrorCodes.UpgradeUnfinished, FailureCategory.Refused, $"Upgrade {record.Id} of '{record.Target}' {words}; what it has kept is still needed. Nothing was removed.",
            isHalfBack ? $"Finish the rollback first: Undo-DbUpgrade {record.Id}." : $"Resume it (Resume-DbUpgrade {record.Id}) or roll it back (Undo-DbUpgrade {record.Id}) first.")
        { Target = record.Id };
    }

    private static async Task<UpgradeRemains> FindAsync(DockerClient client, UpgradeSubject.Application application, UpgradeRecord record, CancellationToken cancellationToken)
    {
        IReadOnlyList<ContainerSummary> containers = await client.ContainerListAsync(all: true, null, cancellationToken).ConfigureAwait(false);
        string[] volumes = [];
        if (application is UpgradeSubject.MajorVersion server)
        {
            volumes = [.. VolumesOf(server, record, await client.VolumeListAsync(cancellationToken).ConfigureAwait(false)).Select(volume => volume.Name)];
            foreach (string volume in volumes)
                RequireUnused(volume, containers);
        }

        string[] kept = [.. (record.Deployment?.Images ?? []).Select(image => DockerDeployment.KeptName(application, image.Name, record.Id))];
        // The engine does not remove the last name of an image that a container uses; the next upgrade tries it again.
        IEnumerable<ImageSummary> images = (await client.ImageListAsync(cancellationToken).ConfigureAwait(false))
            .Where(image => (image.RepoTags ?? []).Except(kept).Any() || containers.All(container => container.ImageID != image.Id));
        return new UpgradeRemains
        {
            Upgrade = record.ToResult(),
            Volumes = volumes,
            Images = [.. images.SelectMany(image => image.RepoTags ?? []).Where(kept.Contains)],
        };
    }

    private static IEnumerable<VolumeModel> VolumesOf(UpgradeSubject.MajorVersion server, UpgradeRecord record, IReadOnlyList<VolumeModel> present)
    {
        bool areOld = record.State == UpgradeState.Succeeded;
        foreach (UpgradeSubject.ServerVolume each in server.Volumes.Select(volume => areOld ? volume.Old : volume.New))
        {
            if (present.FirstOrDefault(volume => volume.Name == each.Name) is not { } volume)
                continue;
            if (areOld && record.Deployment!.OldVolumes.TryGetValue(volume.Name, out DateTimeOffset created) && volume.Created != created)
            {
                throw new BackupFailure(
                    ErrorCodes.TargetInvalid, FailureCategory.Refused, $"Volume '{volume.Name}' is not as upgrade {record.Id} has left it: it was created again or used since. Nothing was removed.",
                    $"If its data are not needed, remove it by hand (docker volume rm {volume.Name}); then run Remove-DbUpgrade {record.Id} again.")
                { Target = volume.Name };
            }

            if (areOld || volume.Labels?.GetValueOrDefault(MajorVersionDeployment.UpgradeLabel) == record.Id)
                yield return volume;
        }
    }

    private static void RequireUnused(string volume, IReadOnlyList<ContainerSummary> containers)
    {
        if (containers.FirstOrDefault(container => (container.Mounts ?? []).Any(mount => mount.Name == volume)) is not { } user)
            return;
        throw new BackupFailure(
            ErrorCodes.TargetInUse, FailureCategory.Busy, $"Container '{user.Name}' uses volume '{volume}'. Nothing was removed.",
            $"If a server works on the volume, keep it. Otherwise remove the container first (docker rm {user.Name}).")
        { Target = volume };
    }
}
