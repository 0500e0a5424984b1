namespace DbBackup.Engine.Plans.Status;

/// <summary>Whether the repository has room for what comes.</summary>
internal static class SpaceFindings
{
    // Two more rounds: the next run, and the one after which somebody has read this.
    private const int FewRounds = 2;

    /// <summary>Finds a repository that is full, or soon will be.</summary>
    public static IEnumerable<StatusReason> Of(StatusFacts facts)
    {
        if (facts.Space is not { Free: { } free, Round: > 0 and var round } || free >= round * FewRounds)
            yield break;
        bool isOut = free < round;
        yield return new StatusReason
        {
            Severity = isOut ? BackupHealth.Critical : BackupHealth.Warning,
            Code = isOut ? StatusCodes.SpaceOut : StatusCodes.SpaceLow,
            Text = isOut
                ? $"The repository '{facts.Repository}' has {ByteSize.Format(free)} free, and the next backups need about {ByteSize.Format(round)}."
                : $"The repository '{facts.Repository}' has {ByteSize.Format(free)} free: room for one more backup of each source ({ByteSize.Format(round)}).",
            NextStep = "Free some room: Invoke-DbBackupRetention with a shorter policy (-WhatIf shows what goes), or move the repository to a larger disk.",
        };
    }
}
