namespace DbBackup.Engine.Retention;

/// <summary>Which backup of a source must not go, because it is the last one from which all of it can be restored.</summary>
internal static class LastGood
{
    /// <summary>The newest good backup among those that go, where none would stay.</summary>
    /// <param name="all">All backups of the source, newest first.</param>
    /// <param name="goes">True if a backup goes.</param>
    public static Backup? Of(IReadOnlyList<Backup> all, Func<Backup, bool> goes)
    {
        List<Backup> good = [.. all.Where(backup => backup.IsGood && backup.Manifest?.Kept is null && !IsTemporary(backup))];
        // A part of a source does not stand for the whole, and a safety backup holds what was replaced on purpose: they count only
        // where nothing better was ever there.
        List<Backup> whole = [.. good.Where(backup => !IsPartial(backup) && backup.Reason != BackupReason.Safety)];
        List<Backup> safety = [.. good.Where(backup => !IsPartial(backup))];
        // One whose restore test found a difference is better than none.
        List<Backup> mismatched = [.. all.Where(backup => backup.Status == BackupStatus.Mismatched && backup.Manifest?.Kept is null && !IsTemporary(backup) && !IsPartial(backup))];
        // One that holds almost nothing of what was there is no reason to let the last full one go.
        List<Backup> full = [.. whole.Where(backup => !backup.IsCollapsed)];
        List<Backup> counted = full.Count > 0 ? full : mismatched.Count > 0 ? mismatched : whole.Count > 0 ? whole : safety.Count > 0 ? safety : good;
        return counted.Count > 0 && counted.TrueForAll(backup => goes(backup)) ? counted[0] : null;
    }

    /// <summary>True if it was made for a rehearsal, and goes with that.</summary>
    public static bool IsTemporary(Backup backup) => backup.Reason == BackupReason.Rehearsal;

    private static bool IsPartial(Backup backup) => backup.Scope != BackupScope.Whole;
}
