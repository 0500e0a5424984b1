using System.Runtime.CompilerServices;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Discovery;

/// <summary>Finds what can be backed up: on a Docker engine, or below a folder of this machine.</summary>
public static class SourceSearch
{
    // Where a folder was named, its containers are only looked for beside; an engine far away must not keep its files waiting.
    private static readonly TimeSpan s_engineTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Finds sources, each as soon as it is known. A container that refuses is a warning; the search continues.</summary>
    /// <param name="request">What is looked for.</param>
    /// <param name="observer">The observer of what was skipped, and why.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="BackupException">The engine does not answer, or there is no such project, container, service, volume or folder.</exception>
    public static IAsyncEnumerable<BackupSource> FindAsync(SourceSearchRequest request, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(observer);
        return request.Folder is null ? OnEngineAsync(request, observer, cancellationToken) : BelowFolderAsync(request, observer, cancellationToken);
    }

    private static async IAsyncEnumerable<BackupSource> OnEngineAsync(
        SourceSearchRequest request, IOperationObserver observer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(request.DockerHost), cancellationToken).ConfigureAwait(false);
        await foreach (BackupSource source in SearchAsync(client, request, observer, cancellationToken).ConfigureAwait(false))
            yield return source;
    }

    private static async IAsyncEnumerable<BackupSource> SearchAsync(
        DockerClient client, SourceSearchRequest request, IOperationObserver observer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        SearchScope scope = await SearchScope.ReadAsync(client, request, cancellationToken).ConfigureAwait(false);
        var search = new DockerSearch(client, request, observer);
        foreach (ContainerSummary container in scope.Containers)
        {
            foreach (BackupSource source in await search.ServersAsync(container, cancellationToken).ConfigureAwait(false))
                yield return source;
        }

        foreach (SearchedPlace place in scope.Places)
        {
            foreach (BackupSource source in await search.PlaceAsync(place, cancellationToken).ConfigureAwait(false))
                yield return source;
        }

        // At the end: what else was named has been found by now.
        scope.RequireAllNamed(request);
    }

    private static async IAsyncEnumerable<BackupSource> BelowFolderAsync(
        SourceSearchRequest request, IOperationObserver observer, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(request.Folder!));
        if (!Directory.Exists(folder))
        {
            throw new BackupFailure(
                ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"There is no folder '{folder}'.", "Name a folder that is there; leave -Path out to search the Docker engine.")
            { Target = folder };
        }

        // The same file may be found by its container, which says more of it.
        var seen = new HashSet<string>(StringComparer.Ordinal);
        using DockerClient? client = await TryConnectAsync(request.DockerHost, observer, cancellationToken).ConfigureAwait(false);
        IEnumerable<ComposeProject> projects = client is null ? [] : await ComposeProject.ListAsync(client, cancellationToken).ConfigureAwait(false);
        foreach (ComposeProject project in projects.Where(project => project.WorkingFolder is { } working && Path.TrimEndingDirectorySeparator(working) == folder))
        {
            await foreach (BackupSource source in SearchAsync(
                client!, request with { Folder = null, ComposeProject = project.Name }, observer, cancellationToken).ConfigureAwait(false))
            {
                if (source.Path is not null)
                    seen.Add(source.Path);
                yield return source;
            }
        }

        if (!request.Wants(BackupSourceKind.Sqlite))
            yield break;
        var files = new HostFileSearch(folder);
        foreach (FoundDatabaseFile file in files.Find(cancellationToken))
        {
            string path = Path.Join(folder, file.Relative.TrimStart('/').Replace('/', Path.DirectorySeparatorChar));
            if (seen.Add(path))
            {
                yield return new BackupSource
                {
                    Kind = BackupSourceKind.Sqlite,
                    Name = Path.GetFileName(path),
                    Location = path,
                    Path = path,
                    Detail = DockerSearch.JournalOf(file),
                    Size = file.Size,
                };
            }
        }

        if (!files.IsComplete)
            observer.Warning($"This user cannot read some folders or files below '{folder}'; databases may be missing from the list.");
        if (files.ReachedLimit)
            observer.Warning(DockerSearch.TooMuch(folder));
    }

    // Where the engine was named it must answer; else it is no matter that there is none.
    private static async Task<DockerClient?> TryConnectAsync(string? dockerHost, IOperationObserver observer, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (dockerHost is null)
            timeout.CancelAfter(s_engineTimeout);
        try
        {
            return await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(dockerHost), timeout.Token).ConfigureAwait(false);
        }
        catch (BackupException failure) when (dockerHost is null)
        {
            observer.Verbose($"Compose projects were not looked for: {failure.Message}");
            return null;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            observer.Verbose("Compose projects were not looked for: the Docker engine does not answer.");
            return null;
        }
    }
}
