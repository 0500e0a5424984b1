using DbBackup.Engine.Repository.Signatures;

namespace DbBackup.Engine.Repository;

/// <summary>Picks backups out of a listing.</summary>
public static class BackupSelection
{
    /// <summary>
    /// The newest good backup of each source, of all of it: a partial one never. What a restore replaced (Safety) and what a rehearsal made are
    /// taken only when asked for.
    /// </summary>
    /// <param name="backups">A listing, newest first.</param>
    /// <param name="reasons">Only those made for one of these reasons; null for all but safety and rehearsal backups.</param>
    public static IReadOnlyList<Backup> LatestGood(IEnumerable<Backup> backups, IReadOnlyCollection<string>? reasons) =>
    [
        .. backups
            .Where(backup => backup.IsGood && !backup.IsCollapsed && backup.Scope == BackupScope.Whole && (reasons is null ? IsOrdinary(backup) : reasons.Contains(backup.Reason, StringComparer.OrdinalIgnoreCase)))
            .DistinctBy(backup => backup.Source, StringComparer.Ordinal),
    ];

    /// <summary>True unless it holds what a restore replaced, or is the temporary copy of a rehearsal.</summary>
    internal static bool IsOrdinary(Backup backup) => backup.Reason is not (BackupReason.Safety or BackupReason.Rehearsal);

    /// <summary>The one backup that is meant.</summary>
    /// <param name="backups">A listing, newest first.</param>
    /// <param name="source">The source's name; null where none was given.</param>
    /// <param name="name">The backup's name; null for the newest.</param>
    /// <param name="latest">True if the newest good one is meant.</param>
    /// <param name="location">The repository, for the message.</param>
    /// <exception cref="BackupException">There is none, or there are several.</exception>
    public static Backup One(IReadOnlyList<Backup> backups, string? source, string? name, bool latest, string location)
    {
        IEnumerable<Backup> candidates = latest ? LatestGood(backups, null) : backups;
        if (name is not null)
            candidates = candidates.Where(backup => string.Equals(backup.Name, name, StringComparison.OrdinalIgnoreCase));
        List<Backup> found = [.. candidates];
        return found switch
        {
            [var one] => one,
            [] when latest && name is null && source is not null && backups.Any(backup => backup.Source == source) => throw NoneGood(source, backups, location),
            [] => throw NotFound($"{source ?? "*"}/{name ?? (latest ? "(latest good)" : "*")}", location),
            _ => throw new BackupFailure(
                ErrorCodes.BackupAmbiguous,
                FailureCategory.InvalidArgument,
                $"More than one backup matches: {string.Join(", ", found.Take(5))}{(found.Count > 5 ? ", …" : string.Empty)}.",
                "Name one: add -Source, or -Name.")
            { Target = name ?? location },
        };
    }

    /// <summary>The payloads of a kind.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="only">The kind; null for all payloads.</param>
    /// <exception cref="BackupException">The manifest cannot be used, or the backup holds none of that kind.</exception>
    internal static List<Payload> Payloads(Backup backup, ContentKind? only)
    {
        List<Payload> payloads = [.. BackupRepository.RequireManifest(backup).Payloads.Where(payload => only is null || payload.Kind == only.ToString())];
        if (payloads.Count > 0)
            return payloads;
        throw new BackupFailure(
            ErrorCodes.InvalidArgument,
            FailureCategory.InvalidArgument,
            $"Backup '{backup}' holds no {(only == ContentKind.Files ? "files" : "database")}.",
            "Omit -Content to use the whole backup.")
        { Target = backup.ToString() };
    }

    /// <summary>Returns the failure for a source that has no backup.</summary>
    /// <param name="source">The name that was given.</param>
    /// <param name="sources">The sources that the repository has.</param>
    /// <param name="location">The repository.</param>
    public static BackupFailure SourceNotFound(string source, IReadOnlyCollection<string> sources, string location) => new(
        ErrorCodes.BackupNotFound,
        FailureCategory.NotFound,
        $"There are no backups of the source '{source}' in '{location}'.",
        sources.Count == 0
            ? "The repository has no backups; name another one with -Repository."
            : $"Its sources are {string.Join(", ", sources.Take(10))}{(sources.Count > 10 ? ", …" : string.Empty)}; or name another repository with -Repository.")
    { Target = source };

    /// <summary>Returns the failure for a source whose backups are all damaged, partial or of a kind that <c>-Latest</c> passes over.</summary>
    /// <param name="source">The source.</param>
    /// <param name="backups">A listing with its backups, newest first.</param>
    /// <param name="location">The repository.</param>
    public static BackupFailure NoneGood(string source, IEnumerable<Backup> backups, string location)
    {
        Backup[] own = [.. backups.Where(backup => backup.Source == source)];
        string newest = own[0] switch
        {
            { IsGood: false } bad => SignatureGate.WhyNotGood(bad),
            { Scope: BackupScope.Partial } => "is partial",
            { IsCollapsed: true } collapsed => $"does not count as one: {collapsed.Manifest!.Collapsed[0].TrimEnd('.')}",
            { Manifest.Kept: not null } => "is a database that a restore kept on its server",
            var other => $"was made for the reason {other.Reason}",
        };
        return new BackupFailure(
            ErrorCodes.BackupNotFound,
            FailureCategory.NotFound,
            $"The source '{source}' has no whole good backup in '{location}': of its {own.Length}, the newest, '{own[0]}', {newest}.",
            $"See all of them (Get-DbBackup -Source '{source}') and name the one that you want, or make a new one (New-DbBackup).")
        { Target = source };
    }

    /// <summary>The failure for a name that nothing answers to.</summary>
    public static BackupFailure NotFound(string what, string location) => new(
        ErrorCodes.BackupNotFound,
        FailureCategory.NotFound,
        $"There is no backup '{what}' in '{location}'.",
        "List what there is with Get-DbBackup, or name another repository with -Repository.")
    { Target = what };
}
