using System.Globalization;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Retention;

/// <summary>
/// Compares a backup with the last good one of its source: an application that was pointed at an empty database, or uploads that are not
/// mounted, give a backup that succeeds and holds almost nothing.
/// </summary>
internal static class BackupCollapse
{
    /// <summary>A quarter. Data that is cleaned up shrinks by less from one backup to the next.</summary>
    public const double Usual = 0.25;

    // Of less than this, a quarter is soon reached.
    private const long FewestRows = 20, FewestEntries = 5, FewestBytes = 1 << 20;

    /// <summary>What has collapsed, as in <c>uploads: 1 entries instead of 302</c>.</summary>
    /// <param name="manifest">The new backup.</param>
    /// <param name="last">The one that it is compared with.</param>
    /// <param name="below">The part of what was there of which it must have at least so much.</param>
    public static IReadOnlyList<string> Find(Manifest manifest, Manifest last, double below = Usual) =>
        [.. manifest.Payloads.Select(payload => Compare(payload, manifest, last, below)).OfType<string>()];

    /// <summary>The backup to compare with; null without any.</summary>
    public static Backup? Last(IReadOnlyList<Backup> history) => history.FirstOrDefault(backup =>
        backup is { IsGood: true, IsCollapsed: false, Manifest.Kept: null } && backup.Scope == BackupScope.Whole && BackupSelection.IsOrdinary(backup));

    private static string? Compare(Payload now, Manifest manifest, Manifest last, double below)
    {
        if (last.Payloads.FirstOrDefault(each => each.Kind == now.Kind && each.RestoreName == now.RestoreName && each.Within == now.Within) is not { } before)
            return null;
        if (now.Kind == PayloadKind.Files)
        {
            int databases = DatabasesIn(now, manifest), databasesBefore = DatabasesIn(before, last);
            if (databases == 0 && databasesBefore > 0)
                return Text(now, 0, databasesBefore, "databases", below);
            return Text(now, now.EntryCount ?? 0, before.EntryCount ?? 0, "entries", below, FewestEntries) ?? Text(now, now.RestoredSize, before.RestoredSize, "bytes", below, FewestBytes);
        }

        return now.Fingerprint is { } facts && before.Fingerprint is { } factsBefore
            ? Text(now, facts.TotalRows, factsBefore.TotalRows, "rows", below, FewestRows)
            : now.Format == before.Format ? Text(now, now.OriginalSize, before.OriginalSize, "bytes", below, FewestBytes) : null;
    }

    private static int DatabasesIn(Payload folder, Manifest manifest) =>
        manifest.Payloads.Count(payload => payload.Within?.StartsWith(folder.RestoreName + "/", StringComparison.Ordinal) == true);

    private static string? Text(Payload payload, long now, long before, string what, double below, long fewest = 0) => before >= fewest && now < before * below
        ? string.Create(CultureInfo.InvariantCulture, $"{payload.RestoreName}: {now} {what} instead of {before}")
        : null;
}
