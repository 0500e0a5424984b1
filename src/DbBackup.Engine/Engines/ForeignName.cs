using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace DbBackup.Engine.Engines;

/// <summary>
/// What the names of foreign files and folders say: the moment in <c>shop_20260101.sql</c>, <c>2026-01-01_02-00-00</c> or
/// <c>20260101T020000Z</c>, and the name of what was backed up. A name survives the copies that change a file's own time.
/// </summary>
internal static partial class ForeignName
{
    private const string Joints = "-_. ";

    // The clock and the zone of the machine that wrote the name may be ahead of this one's.
    private static readonly TimeSpan s_zones = TimeSpan.FromHours(14);

    // What people add to a database's name, from the outside in.
    private static readonly string[] s_endings = [".gz", ".zst", ".xz", ".bz2", ".tar", ".tgz", ".tzst", ".txz", ".tbz", ".tbz2", ".sql", ".dump", ".backup", ".pgdump", ".bak", ".db", ".db3", ".sqlite", ".sqlite3"];

    // What the names of backups say beside the name of what was backed up.
    private static readonly string[] s_words =
    [
        "backup", "backups", "bkp", "bak", "dump", "dumps", "dumpall", "full", "complete", "safety", "emergency", "manual", "auto", "automatic", "scheduled", "cron", "nightly",
        "hourly", "daily", "weekly", "monthly", "yearly", "latest", "last", "premigration", "preupgrade", "predeploy", "prerestore",
    ];

    private static readonly string[] s_engines = ["postgres", "postgresql", "pg", "pgdump", "psql", "sqlite"];
    private static readonly string[] s_before = ["pre", "before"];

    /// <summary>Returns the moment in a file's name, else in that of its folder; null if it states none, or several.</summary>
    /// <param name="path">The absolute path.</param>
    /// <param name="now">The present: no backup is younger.</param>
    public static DateTimeOffset? MomentOf(string path, DateTimeOffset now)
    {
        string? parent = Path.GetDirectoryName(path);
        string[] folders = parent?.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries) ?? [];
        DateTimeOffset[] moments = MomentsIn(Path.GetFileName(path));
        if (moments.Length == 0 && folders.Length > 0)
            moments = MomentsIn(folders[^1]);
        // A folder for each year, month and day.
        if (moments.Length == 0 && folders.Length >= 3 && folders[^3].Length == 4)
            moments = MomentsIn(string.Join('-', folders[^3..]));
        return moments is [var one] ? NotLaterThan(now, one) : null;
    }

    /// <summary>Returns a moment; the present for one that lies ahead by no more than another zone's clock, null for a later one.</summary>
    public static DateTimeOffset? NotLaterThan(DateTimeOffset now, DateTimeOffset moment) =>
        moment <= now ? moment : moment - now <= s_zones ? now : null;

    /// <summary>Returns the name of a file or folder without its endings.</summary>
    public static string WithoutEndings(string path)
    {
        string name = Path.GetFileName(path);
        while (Array.Find(s_endings, ending => name.Length > ending.Length && name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) is { } found)
            name = name[..^found.Length];
        return name;
    }

    /// <summary>Returns the name without endings, moments and what joins them to the rest, so that a series of dumps has one name; empty if no name is left.</summary>
    public static string StemOf(string path)
    {
        string name = WithoutEndings(path);
        var stem = new StringBuilder();
        int end = 0;
        foreach (Match match in Moment().Matches(name).Where(match => Read(match) is not null))
        {
            Append(stem, name[end..match.Index]);
            end = match.Index + match.Length;
        }

        if (end == 0)
            return name;
        Append(stem, name[end..]);
        return WithoutEndings(stem.ToString().Trim([.. Joints]));
    }

    /// <summary>Returns the name of what was backed up: the stem without words that every backup may have; empty if no name is left.</summary>
    public static string SubjectOf(string path)
    {
        string subject = Without(StemOf(path), s_words);
        // postgres_backup.sql can be that of the database postgres.
        string name = Without(subject, s_engines);
        return name.Length > 0 ? name : subject;
    }

    /// <summary>True if a name states a moment.</summary>
    public static bool HasMoment(string path) => MomentsIn(Path.GetFileName(path)).Length > 0;

    // The words, and what follows "pre" and "before": shop_pre_migration, before_refactor.
    private static string Without(string stem, string[] words)
    {
        string[] parts = Regex.Split(stem, "([-_. ]+)", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        var kept = new StringBuilder();
        bool isAny = false;
        for (int index = 0; index < parts.Length; index += 2)
        {
            bool isBefore = words == s_words && s_before.Contains(parts[index], StringComparer.OrdinalIgnoreCase);
            if (isBefore || words.Contains(parts[index], StringComparer.OrdinalIgnoreCase))
            {
                isAny = true;
                index += isBefore ? 2 : 0;
                continue;
            }

            kept.Append(kept.Length > 0 ? parts[index - 1] : string.Empty).Append(parts[index]);
        }

        return isAny ? kept.ToString().Trim([.. Joints]) : stem;
    }

    private static void Append(StringBuilder stem, string part)
    {
        string text = stem.Length == 0 ? part : part.TrimStart([.. Joints]);
        if (text.Trim([.. Joints]).Length > 0)
            stem.Append(stem.Length == 0 || Joints.Contains(stem[^1], StringComparison.Ordinal) ? text : "_" + text);
    }

    private static DateTimeOffset[] MomentsIn(string name) => [.. Moment().Matches(name).Select(Read).OfType<DateTimeOffset>().Distinct()];

    private static DateTimeOffset? Read(Match match)
    {
        int Number(string group) => match.Groups[group] is { Success: true } found ? int.Parse(found.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture) : 0;
        bool yearFirst = match.Groups["year"].Success;
        (int year, int month, int day) = yearFirst ? (Number("year"), Number("month"), Number("day")) : (Number("last"), Number("second"), Number("first"));
        // Day first or month first: only a number that is no month tells.
        if (!yearFirst && month > 12)
            (month, day) = (day, month);
        else if (!yearFirst && day <= 12 && day != month)
            return null;
        if (month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month))
            return null;
        var moment = new DateTime(year, month, day, Number("hour"), Number("minute"), Number("s"), DateTimeKind.Unspecified);
        string zone = match.Groups["zone"].Value;
        if (zone.Length == 0)
            return new DateTimeOffset(DateTime.SpecifyKind(moment, DateTimeKind.Local));
        if (zone[0] is not ('+' or '-'))
            return new DateTimeOffset(moment, TimeSpan.Zero);
        var offset = TimeSpan.FromMinutes((60 * int.Parse(zone.AsSpan(1, 2), CultureInfo.InvariantCulture)) + int.Parse(zone.AsSpan(zone.Length - 2), CultureInfo.InvariantCulture));
        return offset > s_zones ? null : new DateTimeOffset(moment, zone[0] == '-' ? -offset : offset).ToUniversalTime();
    }

    // Year first, with or without separators, or year last with them; then perhaps a time of day and a zone. No digit stands beside it. A
    // number after a hyphen is a zone only where a T shows that the whole is ISO 8601.
    [GeneratedRegex(
        """
        (?<![0-9])
        (?: (?<year>(?:19[89]|20[0-9])[0-9]) (?<sep>[-_.]?) (?<month>[01][0-9]) \k<sep> (?<day>[0-3][0-9])
          | (?<first>[0-3]?[0-9]) (?<sep>[-_.]) (?<second>[0-3]?[0-9]) \k<sep> (?<last>(?:19[89]|20[0-9])[0-9]) )
        (?: (?:T|[-_.\ ]?at[-_.\ ]?|[-_.\ ]{1,2})? (?<hour>[01][0-9]|2[0-3]) (?:[-_.:h]?) (?<minute>[0-5][0-9])
            (?: [-_.:m]? (?<s>[0-5][0-9]) s? (?:[.,][0-9]{1,9}|[-_][0-9]{3}(?=Z))? )?
            (?<zone> (?:Z|UTC|GMT)(?![a-z]) | \+[0-9]{2}:?[0-9]{2} | -[0-9]{2}:[0-9]{2} | (?<=T[0-9]{4,6})-[01][0-9][0-5][0-9] )? )?
        (?![0-9])
        """,
        RegexOptions.IgnorePatternWhitespace | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Moment();
}
