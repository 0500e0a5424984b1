using DbBackup.Engine.Engines;

namespace DbBackup.Engine.Portability;

/// <summary>When a foreign file was made.</summary>
/// <param name="Moment">The moment.</param>
/// <param name="Witness">What says so.</param>
/// <param name="Contradiction">What the name says otherwise; null if it does not.</param>
internal sealed record ImportMoment(DateTimeOffset Moment, string Witness, string? Contradiction = null);

/// <summary>Finds when a foreign file was made. Never by the file's own time: <c>cp</c> makes an old backup the newest by it.</summary>
/// <param name="clock">The clock: no backup is younger.</param>
internal sealed class ImportDate(TimeProvider clock)
{
    // Clocks of file servers are seldom further apart.
    private static readonly TimeSpan s_clocks = TimeSpan.FromMinutes(5);

    // A name may state the day alone, the time of another zone, or when a dump ended that took hours.
    private static readonly TimeSpan s_agreement = TimeSpan.FromHours(36);

    /// <summary>Returns what the user says, what the content says, what the names say.</summary>
    /// <param name="dump">What was recognized; null for a folder.</param>
    /// <param name="origin">The file or folder as the user named it.</param>
    /// <param name="path">The folder in an archive; else the origin.</param>
    /// <param name="stated">What the user says; null if nothing.</param>
    /// <exception cref="BackupException">Nothing tells (<see cref="ErrorCodes.ImportDateUnknown"/>), or the user names the future.</exception>
    public ImportMoment Of(ForeignDump? dump, string origin, string path, DateTimeOffset? stated)
    {
        DateTimeOffset now = clock.GetUtcNow();
        if (stated > now + s_clocks)
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument,
                FailureCategory.InvalidArgument,
                $"'{origin}' cannot have been made at {stated.Value.ToLocalTime():yyyy-MM-dd HH:mm}, which is in the future.",
                "Say with -Created when it was made.")
            { Target = origin };
        }

        if (stated is { } given)
            return new ImportMoment(given, "as given");
        // The folder in an archive: those around it are scratch folders.
        DateTimeOffset? named = OfName(origin) ?? (path == origin ? null : ForeignName.MomentOf(Path.GetFileName(path), now));
        if ((dump?.ReadCreated() is { } written ? ForeignName.NotLaterThan(now, written) : null) is not { } said)
            return named is { } moment ? new ImportMoment(moment, "by its name") : throw Unknown(origin);
        return new ImportMoment(said, "by its content", named is { } other && (other - said).Duration() > s_agreement
            ? $"'{origin}' says in its content that it was made on {said.ToLocalTime():yyyy-MM-dd HH:mm}, and its name says {other.ToLocalTime():yyyy-MM-dd HH:mm}. The content's time was taken; import it with -Created if that is wrong."
            : null);
    }

    /// <summary>Returns the moment in a file's name or that of its folder; null if they state none. A link (latest.sql) leads to the file that has the date.</summary>
    public DateTimeOffset? OfName(string path)
    {
        DateTimeOffset now = clock.GetUtcNow();
        return ForeignName.MomentOf(path, now)
            ?? (new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true) is { } target ? ForeignName.MomentOf(target.FullName, now) : null);
    }

    private static BackupFailure Unknown(string origin) => new(
        ErrorCodes.ImportDateUnknown,
        FailureCategory.InvalidArgument,
        $"Nothing tells when '{origin}' was made: neither its content nor its name states a date, and a copy may have changed the file's own time.",
        $"Say when: -Created 2026-01-31; or take the file's own time ({new DateTimeOffset(File.GetLastWriteTimeUtc(origin)).ToLocalTime():yyyy-MM-dd HH:mm}) if no copy has changed it: -Created (Get-Item '{origin.Replace("'", "''", StringComparison.Ordinal)}').LastWriteTime (for several files: Get-ChildItem FOLDER | Import-DbBackup -Created {{ $_.LastWriteTime }}).")
    { Target = origin };
}
