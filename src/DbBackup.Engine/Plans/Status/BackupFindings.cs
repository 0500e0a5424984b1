using DbBackup.Engine.Repository.Signatures;

namespace DbBackup.Engine.Plans.Status;

/// <summary>What is wrong with backups themselves.</summary>
internal static class BackupFindings
{
    private static readonly BackupStatus[] s_bad = [BackupStatus.Damaged, BackupStatus.Mismatched, BackupStatus.Unreadable];

    // Long enough to be read once.
    private static readonly TimeSpan s_news = TimeSpan.FromDays(14);

    /// <summary>Finds damaged, unreadable, collapsed ones, and holds that have ended.</summary>
    public static IEnumerable<StatusReason> Of(StatusFacts facts, DateTimeOffset now)
    {
        Backup? newest = facts.Backups.FirstOrDefault(backup => backup.Reason is not (BackupReason.Safety or BackupReason.Rehearsal));
        foreach (BackupStatus status in s_bad)
        {
            Backup[] bad = [.. facts.Backups.Where(backup => backup.Status == status)];
            if (bad.Length > 0)
                yield return Bad(status, bad, isNewest: bad[0] == newest);
        }

        Backup[] suspect = [.. facts.Backups.Where(backup => backup is { IsSuspect: true, Status: >= BackupStatus.Written })];
        if (suspect.Length > 0)
        {
            Backup first = suspect[0];
            yield return new StatusReason
            {
                Severity = suspect.Any(backup => backup.Signature is not (SignatureStatus.UnknownSigner or SignatureStatus.OtherRepository)) ? BackupHealth.Critical : BackupHealth.Warning,
                Code = StatusCodes.SignatureNotValid,
                Text = $"{(suspect.Length == 1 ? $"The signature of backup {StatusText.Names(suspect)} is" : $"The signatures of {suspect.Length} backups are")} not valid{(suspect.Length == 1 ? string.Empty : $": {StatusText.Names(suspect)}")} ({first.SignatureProblem}).",
                NextStep = SignatureGate.HintFor(first.GetSignature()!),
            };
        }

        if (newest is { IsCollapsed: true, Manifest: { } manifest })
        {
            yield return new StatusReason
            {
                Severity = BackupHealth.Critical,
                Code = StatusCodes.BackupCollapsed,
                Text = $"The newest backup, '{newest.Name}', holds far less than the one before: {string.Join("; ", manifest.Collapsed.Take(3)).TrimEnd('.')}.",
                NextStep = "See whether everything is mounted and the right database is named. If the data were removed on purpose, make a new one with New-DbBackup -AllowCollapse.",
            };
        }

        foreach (Backup backup in facts.Backups.Where(backup => HasEndedHold(backup, now)).Take(3))
        {
            yield return new StatusReason
            {
                Severity = BackupHealth.OK,
                Code = StatusCodes.HoldEnded,
                Text = $"The hold of '{backup.Name}' has ended; the next retention may remove it.",
                NextStep = $"Lock it again if it is still needed: {StatusText.Selected(backup)} | Lock-DbBackup.",
            };
        }
    }

    private static StatusReason Bad(BackupStatus status, Backup[] bad, bool isNewest)
    {
        Backup first = bad[0];
        string which = bad.Length == 1 ? $"Backup {StatusText.Names(bad)} is" : $"{bad.Length} backups are";
        string names = bad.Length == 1 ? string.Empty : $": {StatusText.Names(bad)}";
        string why = (first.Problem ?? first.Tests.LastOrDefault(test => !test.Passed)?.Failure) is { } failure ? $" ({failure.TrimEnd('.')})" : string.Empty;
        return status switch
        {
            BackupStatus.Damaged => new StatusReason
            {
                Severity = isNewest ? BackupHealth.Critical : BackupHealth.Warning,
                Code = StatusCodes.BackupDamaged,
                Text = $"{which} damaged{names}{why}.",
                NextStep = $"Check the disk, {(isNewest ? "make a new backup, " : string.Empty)}and remove what is damaged: {StatusText.Selected(first)} | Remove-DbBackup.",
            },
            BackupStatus.Mismatched => new StatusReason
            {
                Severity = isNewest ? BackupHealth.Critical : BackupHealth.Warning,
                Code = StatusCodes.BackupMismatched,
                Text = $"{which} not what was recorded when restored{names}{why}.",
                NextStep = $"Make a new backup and test it ({StatusText.Selected(first)} | Test-DbBackup -Level Restore shows the difference).",
            },
            _ => new StatusReason
            {
                Severity = isNewest ? BackupHealth.Critical : BackupHealth.Warning,
                Code = StatusCodes.BackupUnreadable,
                Text = $"{which} unreadable{names}{why}.",
                NextStep = "Update the module if a newer one wrote it; else check the disk, and remove the backup with Remove-DbBackup.",
            },
        };
    }

    // Any hold holds at the beginning of time.
    private static bool HasEndedHold(Backup backup, DateTimeOffset now) =>
        backup.GetHold(DateTimeOffset.MinValue) is { Until: { } until } && until <= now && now - until < s_news;
}
