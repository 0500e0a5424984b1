using DbBackup.Engine.Engines;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Portability;

/// <summary>Looks through a folder in which another program keeps its backups.</summary>
/// <param name="root">The folder.</param>
internal sealed class ImportSearch(string root)
{
    private readonly List<ImportCandidate> _found = [];

    /// <summary>Returns what is in the folder and those below it, each file once: backups, and what is none with the reason.</summary>
    public async Task<IReadOnlyList<ImportCandidate>> RunAsync(IOperationObserver observer, CancellationToken cancellationToken)
    {
        // The folder itself can be one backup, as that of PATS or pg_dump -Fd is.
        if (DatabaseEngines.Recognize(ForeignFile.Read(root)) is not null)
            Take(root);
        else
            await Task.Run(() => Search(root, cancellationToken), cancellationToken).ConfigureAwait(false);
        for (int index = 0; index < _found.Count; index++)
        {
            ImportCandidate each = _found[index];
            if (each.Skipped is not null || each.Failure is not null)
                continue;
            observer.Progress(new OperationProgress($"Searching {root}", Path.GetFileName(each.Path)));
            _found[index] = await HashAsync(each, cancellationToken).ConfigureAwait(false);
        }

        return [.. Merge()];
    }

    private static async Task<ImportCandidate> HashAsync(ImportCandidate candidate, CancellationToken cancellationToken)
    {
        try
        {
            return candidate with { Sha256 = await ImportHash.OfAsync(candidate.Path, cancellationToken).ConfigureAwait(false) };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return candidate with { Failure = ImportCheck.Unreadable(candidate.Path, exception) };
        }
    }

    // The same content in daily/ and weekly/ is one backup; the name that has a date speaks for all of them.
    private IEnumerable<ImportCandidate> Merge()
    {
        ILookup<string?, ImportCandidate> byContent = _found.ToLookup(each => each.Sha256);
        foreach (ImportCandidate each in _found)
        {
            if (each.Sha256 is null)
            {
                yield return each;
                continue;
            }

            ImportCandidate[] same = [.. byContent[each.Sha256]];
            if (each != same[0])
                continue;
            ImportCandidate best = Array.Find(same, one => ForeignName.HasMoment(one.Path)) ?? same[0];
            yield return best with
            {
                Copies = [.. same.Select(one => one.Path).Where(path => path != best.Path)],
                Tags = [.. same.Select(one => ImportReason.RotationOf(one.Path, root)).OfType<string>().Distinct(StringComparer.Ordinal)],
            };
        }
    }

    private void Search(string folder, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        FileSystemInfo[] entries;
        try
        {
            entries = [.. new DirectoryInfo(folder).EnumerateFileSystemInfos().OrderBy(entry => entry.Name, StringComparer.Ordinal)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _found.Add(new ImportCandidate(folder) { Failure = ImportCheck.Unreadable(folder, exception) });
            return;
        }

        foreach (FileSystemInfo entry in entries)
        {
            if (entry is DirectoryInfo)
                SearchFolder(entry, cancellationToken);
            else if (entry.Name != RepositoryKeys.Identity)
                Look(entry);
        }
    }

    private void SearchFolder(FileSystemInfo folder, CancellationToken cancellationToken)
    {
        string path = folder.FullName;
        if (folder.LinkTarget is not null)
            Skip(path, "it is a link to a folder");
        // The repository may lie in the same place: its backups are none of another program.
        else if (!IsOwn(path))
        {
            if (IsBackup(path))
                Take(path);
            else
                Search(path, cancellationToken);
        }
    }

    private static bool IsOwn(string folder) =>
        Path.GetFileName(folder) + "/" == RepositoryKeys.Work || File.Exists(Path.Join(folder, RepositoryKeys.Manifest));

    // A copied data folder (docker cp, cp -R) has its date in its name, and a database as its application uses it.
    private static bool IsBackup(string folder)
    {
        try
        {
            return DatabaseEngines.Recognize(ForeignFile.Read(folder)) is not null
                || (ForeignName.HasMoment(folder) && DataFolder.DatabasesIn(folder).Count > 0);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The search says what cannot be read.
            return false;
        }
    }

    private void Look(FileSystemInfo entry)
    {
        string path = entry.FullName;
        try
        {
            if (entry.ResolveLinkTarget(returnFinalTarget: true) is { Exists: false } target)
                Skip(path, $"it is a link to '{target.FullName}', which is not there");
            else if (ImportCheck.WhyNot(path) is { } why)
                Skip(path, why);
            else
                Take(path);
        }
        catch (BackupException failure)
        {
            _found.Add(new ImportCandidate(path) { Root = root, Failure = failure });
        }
        catch (UnsafePathException exception)
        {
            Skip(path, exception.Message);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _found.Add(new ImportCandidate(path) { Root = root, Failure = ImportCheck.Unreadable(path, exception) });
        }
    }

    private void Take(string path) => _found.Add(new ImportCandidate(path) { Root = root });

    private void Skip(string path, string why) => _found.Add(new ImportCandidate(path) { Root = root, Skipped = why });
}
