using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Retention;

/// <summary>Finds the backups of a source that hold far less than the one before them.</summary>
internal static class CollapsedBackups
{
    /// <summary>Returns those that were recorded as such when they were made, and those that a policy's own part makes such.</summary>
    /// <param name="backups">All backups of the source, newest first.</param>
    /// <param name="below">The part; null for what was recorded.</param>
    public static HashSet<Backup> Of(IReadOnlyList<Backup> backups, double? below)
    {
        HashSet<Backup> collapsed = [.. backups.Where(backup => backup.IsCollapsed)];
        if (below is null)
            return collapsed;
        Backup? last = null;
        foreach (Backup backup in backups.Reverse())
        {
            if (backup is not { IsGood: true, IsCollapsed: false, Manifest: { Kept: null } manifest } || backup.Scope != BackupScope.Whole || !BackupSelection.IsOrdinary(backup))
                continue;
            if (last?.Manifest is { } before && BackupCollapse.Find(manifest, before, below.Value).Count > 0 && !WasAccepted(manifest, before))
                collapsed.Add(backup);
            else
                last = backup;
        }

        return collapsed;
    }

    // What has less than a quarter, and was not recorded as such, was made with -AllowCollapse.
    private static bool WasAccepted(Manifest manifest, Manifest before) => manifest.ImportedFrom is null && BackupCollapse.Find(manifest, before).Count > 0;
}
