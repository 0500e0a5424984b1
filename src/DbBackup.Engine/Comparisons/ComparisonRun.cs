namespace DbBackup.Engine.Comparisons;

/// <summary>Compares two sides, part by part.</summary>
/// <param name="list">Takes what differs.</param>
/// <param name="request">How.</param>
/// <param name="observer">Hears how deep was compared.</param>
internal sealed class ComparisonRun(DifferenceList list, ComparisonRequest request, IOperationObserver observer)
{
    /// <summary>Compares them.</summary>
    /// <exception cref="BackupException">A side cannot be read, or no table has a name that was given.</exception>
    public async Task<ComparisonResult> CompareAsync(Backup backup, ComparedSide before, ComparedSide after, CancellationToken cancellationToken)
    {
        await CompareDatabasesAsync(backup, before, after, cancellationToken).ConfigureAwait(false);
        if (request.Tables.Count == 0)
        {
            await CompareGlobalsAsync(before, after, cancellationToken).ConfigureAwait(false);
            await CompareFilesAsync(before, after, cancellationToken).ConfigureAwait(false);
        }

        return new ComparisonResult(list.Found, list.NotCompared, list.IsByCountAlone);
    }

    private async Task CompareDatabasesAsync(Backup backup, ComparedSide before, ComparedSide after, CancellationToken cancellationToken)
    {
        bool any = false;
        foreach ((ComparedDatabase? own, ComparedDatabase? other) in Pairs(before.Databases, after.Databases, database => database.Path, database => database.Name))
        {
            if (own is null || other is null)
            {
                any = true;
                if (own is not null && after.LeftAside.Contains(own.Name))
                    list.Skip($"The database '{own.Name}' was not compared: its live place was not named.");
                else if (request.Tables.Count == 0)
                    list.Add(DifferenceKind.Database, (own ?? other)!.Name, (own ?? other)!.Name, own?.Summary, other?.Summary, isSame: false);
                else
                    list.Skip($"The tables of '{(own ?? other)!.Name}' were not compared: only one side has that database.");
                continue;
            }

            if (own.Engine.Name != other.Engine.Name)
            {
                list.Add(DifferenceKind.Database, own.Name, own.Name, own.Engine.Name, other.Engine.Name, isSame: false);
                continue;
            }

            observer.Verbose($"Comparing the database '{own.Name}' with '{other.Path ?? other.Name}'.");
            any |= await new DatabaseChanges(list, own, other, Filter(own)).FindAsync(cancellationToken).ConfigureAwait(false);
        }

        if (request.Tables.Count > 0 && !any)
            throw NoTable(backup, after);
        if (list.IsByCountAlone)
            observer.Verbose($"Tables with as many rows in '{backup}' and in '{after.Name}' were compared by their numbers of rows alone: contents are compared if the backups have their hashes (New-DbBackup -Fingerprint Content).");
    }

    private Func<string, bool>? Filter(ComparedDatabase database)
    {
        if (request.Tables.Count == 0)
            return null;
        Func<string, bool>[] filters = [.. request.Tables.Select(database.Engine.TableFilter)];
        return name => filters.Any(filter => filter(name));
    }

    private async Task CompareGlobalsAsync(ComparedSide before, ComparedSide after, CancellationToken cancellationToken)
    {
        if (before.Globals is not { } own || after.Globals is not { } other)
        {
            if ((before.Globals ?? after.Globals) is not null && request.Other is not null)
                list.Skip("The server's roles were not compared: only one side has them.");
            return;
        }

        if (await own.Read(cancellationToken).ConfigureAwait(false) is not { } old || await other.Read(cancellationToken).ConfigureAwait(false) is not { } present)
            return;
        if (old.Writer != present.Writer)
            list.Skip($"Of the server's roles only the names were compared: one side is of {old.Writer}, the other of {present.Writer}.");
        SchemaChanges.Add(list, DifferenceKind.Role, null, old, present);
    }

    private async Task CompareFilesAsync(ComparedSide before, ComparedSide after, CancellationToken cancellationToken)
    {
        foreach ((ComparedFiles? own, ComparedFiles? other) in Pairs(before.Files, after.Files, files => files.Path, files => files.Name))
        {
            if (own is not null && after.LeftAside.Contains(own.Name))
                list.Skip($"'{own.Name}' was not compared: its live place was not named.");
            else if (own is null || other is null)
                list.Add(DifferenceKind.File, (own ?? other)!.Name, null, own?.Summary ?? own?.Path, other?.Summary ?? other?.Path, isSame: false);
            else if (own.Sha256 is null || own.Sha256 != other.Sha256 || request.IncludeEqual)
                await CompareAsync(own, other, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task CompareAsync(ComparedFiles own, ComparedFiles other, CancellationToken cancellationToken)
    {
        observer.Verbose($"Comparing the files of '{own.Name}' by their contents.");
        if (other.Listing is null)
            await other.Read(async tar => other.Listing = await ArchiveListing.ReadAsync(tar, other.Name, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        ArchiveListing? before = null;
        await own.Read(async tar => before = await ArchiveListing.ReadAsync(tar, own.Name, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        IReadOnlyDictionary<string, ArchiveItem> old = before!.Items, present = other.Listing!.Items;
        foreach (string path in old.Keys.Union(present.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            ArchiveItem? had = old.TryGetValue(path, out ArchiveItem left) ? left : null;
            ArchiveItem? has = present.TryGetValue(path, out ArchiveItem right) ? right : null;
            list.Add(
                DifferenceKind.File, ForeignText.ShownLine(path.Length == 0 ? own.Name : $"{own.Name}/{path}"), null, had?.Describe(has), has?.Describe(had), had is { } one && has is { } another && one.IsSame(another));
        }
    }

    // What came from the same place belongs together, else what has the same name, else the only two.
    private static List<(T? Own, T? Other)> Pairs<T>(IReadOnlyList<T> before, IReadOnlyList<T> after, Func<T, string?> place, Func<T, string> name)
        where T : class
    {
        var left = before.ToList();
        var right = after.ToList();
        var pairs = new List<(T? Own, T? Other)>();
        foreach (Func<T, T, bool> fits in (Func<T, T, bool>[])[(own, other) => place(own) is { } path && path == place(other) && name(own) == name(other), (own, other) => name(own) == name(other), (own, other) => place(own) is { } path && path == place(other)])
        {
            foreach (T own in left.ToArray())
            {
                if (right.Find(other => fits(own, other)) is not { } found)
                    continue;
                pairs.Add((own, found));
                left.Remove(own);
                right.Remove(found);
            }
        }

        if (left is [var single] && right is [var alone] && before.Count == 1 && after.Count == 1)
            return [(single, alone)];
        pairs.AddRange(left.Select(own => ((T?)own, (T?)null)));
        pairs.AddRange(right.Select(other => ((T?)null, (T?)other)));
        return pairs;
    }

    private BackupFailure NoTable(Backup backup, ComparedSide after) => new(
        ErrorCodes.InvalidArgument,
        FailureCategory.InvalidArgument,
        $"Neither '{backup}' nor '{after.Name}' has a table '{string.Join("', '", request.Tables)}'.",
        $"Look for its name among the tables of the backup ((Get-DbBackup {backup}).Manifest.Payloads.Fingerprint.Tables).")
    { Target = request.Tables[0] };
}
