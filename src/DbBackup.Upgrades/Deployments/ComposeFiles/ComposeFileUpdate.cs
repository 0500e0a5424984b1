using DbBackup.Engine.Docker.Api;

namespace DbBackup.Upgrades.Deployments.ComposeFiles;

/// <summary>The files of the compose project whose server is upgraded: what is to change in them is shown, and changed where the user asked for that.</summary>
/// <param name="client">The Docker Engine client.</param>
/// <param name="server">The upgrade's subject.</param>
/// <param name="request">The upgrade.</param>
internal sealed class ComposeFileUpdate(DockerClient client, UpgradeSubject.MajorVersion server, UpgradeRequest request)
{
    private const string Done = "the project's files have the new image and volume already";

    // What the inspection found, for the plan.
    private ComposeFileChange? _found;

    /// <summary>Finds what is to change. Changes nothing.</summary>
    /// <exception cref="BackupException">It was to be changed, and cannot be.</exception>
    public async Task InspectAsync(CancellationToken cancellationToken)
    {
        try
        {
            _found = await FindAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (FormatException exception)
        {
            throw new BackupFailure(
                ErrorCodes.TargetInvalid, FailureCategory.NotSupported, $"The files of compose project '{server.Project}' cannot be changed by -UpdateComposeFile: {exception.Message}. Nothing was changed.",
                "Upgrade without -UpdateComposeFile, and change the lines for the image and the volume by hand: the result names them.", exception)
            { Target = server.Folder ?? server.Project };
        }
    }

    /// <summary>Describes for a plan what is to change; empty for a container without a project.</summary>
    public IEnumerable<string> Describe()
    {
        if (server.Service is null)
            return [];
        if (_found is not { } change)
            return [InWords];
        return change.Difference.Length == 0 ? [Done] : [request.UpdateComposeFile ? "change the project's files (-UpdateComposeFile):" : InWords, change.Difference.ReplaceLineEndings(Environment.NewLine + "    ")];
    }

    /// <summary>Changes the files, or says what to change. The new version works by then: files that cannot be changed are no reason to roll back.</summary>
    /// <returns>What was done, for the journal; null for a container without a project.</returns>
    public async Task<string?> MakeAsync(UpgradeJournal journal, IOperationObserver observer, CancellationToken cancellationToken)
    {
        if (server.Service is null)
            return null;
        try
        {
            // A run that was killed here may have changed some already.
            IReadOnlyList<ComposeFileRecord> files = journal.Record.Deployment!.Files;
            if (files.Count == 0)
            {
                if (await FindAsync(cancellationToken).ConfigureAwait(false) is not { } change)
                    return InWords;
                if (change.Difference.Length == 0)
                    return Done;
                if (!request.UpdateComposeFile)
                {
                    observer.Warning($"The project's files still name the old image and volume. Before the next 'docker compose up', change:{Environment.NewLine}{change.Difference}");
                    return InWords;
                }

                files = change.Records;
                journal.Write(journal.Record with { Deployment = journal.Record.Deployment with { Files = files } });
            }

            foreach (ComposeFileRecord file in files)
                file.Make();
            return $"changed {string.Join(", ", files.Select(file => file.Path))}";
        }
        catch (Exception exception) when (exception is BackupException or FormatException or IOException or UnauthorizedAccessException)
        {
            observer.Warning($"The project's files were not changed, or not all of them: {exception.Message.TrimEnd('.')}.");
            return InWords;
        }
    }

    /// <summary>Changes the files back.</summary>
    public static void Revert(UpgradeRecord record, IOperationObserver observer)
    {
        foreach (ComposeFileRecord file in record.Deployment?.Files ?? [])
        {
            try
            {
                file.Revert();
            }
            catch (Exception exception) when (exception is FormatException or IOException or UnauthorizedAccessException)
            {
                observer.Warning($"The lines for the image and the volume in '{file.Path}' were not changed back: {exception.Message.TrimEnd('.')}. Change them by hand before the next 'docker compose up'.");
            }
        }
    }

    // The names in the files stay the user's own.
    private string InWords => $"the project's files are not changed: before the next 'docker compose up', change in service '{server.Service}' the image to '{server.Image}'"
        + string.Concat(server.Volumes.Select(volume => volume is { Old.Key: { } old, New.Key: { } key }
            ? $" and the volume '{old}:{volume.Old.Path}' to '{key}:{volume.New.Path}', and declare the volume '{key}' beside '{old}'" : $" and the volume at '{volume.Old.Path}' to '{volume.New.Name}' (external) at '{volume.New.Path}'"));

    // Where the files are not to be changed, lines that cannot be told are described in words.
    private async Task<ComposeFileChange?> FindAsync(CancellationToken cancellationToken)
    {
        if (server.Service is null)
            return null;
        try
        {
            ComposeFileChange change = await ComposeFileChange.FindAsync(client, server, cancellationToken).ConfigureAwait(false);
            if (request.UpdateComposeFile)
                await change.RequireSoundAsync(request.Timeout, cancellationToken).ConfigureAwait(false);
            return change;
        }
        catch (Exception exception) when (exception is BackupException or FormatException && !request.UpdateComposeFile)
        {
            return null;
        }
    }
}
