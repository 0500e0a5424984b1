using System.Globalization;
using System.Text;

namespace DbBackup;

/// <content>The policy as text.</content>
public sealed partial record RetentionPolicy
{
    private const string NoRule = "none";

    // In the order in which they are written.
    private static readonly (string Key, string Unit, Func<RetentionPolicy, int> Get, Func<RetentionPolicy, int, RetentionPolicy> Set)[] s_counts =
    [
        ("last", string.Empty, policy => policy.Last, (policy, count) => policy with { Last = count }),
        ("hourly", "h", policy => policy.Hourly, (policy, count) => policy with { Hourly = count }),
        ("daily", "d", policy => policy.Daily, (policy, count) => policy with { Daily = count }),
        ("weekly", "w", policy => policy.Weekly, (policy, count) => policy with { Weekly = count }),
        ("monthly", "m", policy => policy.Monthly, (policy, count) => policy with { Monthly = count }),
        ("yearly", "y", policy => policy.Yearly, (policy, count) => policy with { Yearly = count }),
    ];

    // Other reasons are open: a misspelled rule must not become one.
    private static readonly string[] s_reasons = [BackupReason.Manual, BackupReason.Scheduled, BackupReason.PreMigration, BackupReason.Safety];

    /// <summary>Reads a policy such as <c>7d,4w,12m</c>: see the remarks of this type.</summary>
    /// <exception cref="FormatException">The text is none.</exception>
    public static RetentionPolicy Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var policy = new RetentionPolicy();
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (string term in text.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            (string key, policy) = term.Split('=', 2) is [var name, var value] ? policy.WithNamed(name.Trim(), value.Trim()) : policy.WithCount(term);
            if (!seen.Add(key))
                throw new FormatException($"'{text}' has two rules '{key}'. Write each once, as in 7d,4w,12m.");
        }

        return seen.Count > 0 ? policy : throw new FormatException("An empty text is no retention policy. Write one as in 7d,4w,12m.");
    }

    /// <summary>Reads the age of a rule, such as <c>30d</c>, <c>12h</c>, <c>2w</c>, <c>6mo</c> or <c>1y</c>.</summary>
    /// <exception cref="FormatException">It is no age, or <c>12m</c>: minutes in an age, months in a policy.</exception>
    public static TimeSpan ParseAge(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string trimmed = text.Trim();
        if (trimmed.EndsWith('m') || trimmed.EndsWith('M'))
            throw new FormatException($"'{text}' can be minutes or months. Write {trimmed[..^1]}mo for months, or {trimmed[..^1]}min for minutes.");
        return BackupAge.Parse(trimmed, CultureInfo.InvariantCulture).Value is var age && age >= TimeSpan.Zero ? age : throw new FormatException($"'{text}' is a negative age.");
    }

    /// <summary>Returns an age as <see cref="ParseAge"/> reads it: <c>30d</c>.</summary>
    public static string AgeText(TimeSpan age) =>
        age.Ticks % TimeSpan.TicksPerDay == 0 ? string.Create(CultureInfo.InvariantCulture, $"{age.Days}d")
        : age.Ticks % TimeSpan.TicksPerHour == 0 ? string.Create(CultureInfo.InvariantCulture, $"{(long)age.TotalHours}h")
        : age.ToString("c", CultureInfo.InvariantCulture);

    /// <summary>The policy as text, which <see cref="Parse"/> reads: <c>7d,4w,12m</c>.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach ((string key, string unit, var get, _) in s_counts)
        {
            if (get(this) > 0)
                Append(unit.Length > 0 ? get(this).ToString(CultureInfo.InvariantCulture) + unit : $"{key}={get(this).ToString(CultureInfo.InvariantCulture)}");
        }

        if (Within is { } within)
            Append("within=" + AgeText(within));
        foreach ((string reason, TimeSpan age) in ByReason)
        {
            if (!DefaultByReason.TryGetValue(reason, out TimeSpan usual) || usual != age)
                Append($"{ReasonKey(reason)}={AgeText(age)}");
        }

        foreach (string reason in DefaultByReason.Keys.Where(reason => !ByReason.ContainsKey(reason)))
            Append($"{reason}={NoRule}");
        if (WeeklyOn != DayOfWeek.Sunday)
            Append($"weeklyOn={WeeklyOn}");
        if (TimeZone is not null)
            Append($"timeZone={TimeZone.Replace(' ', '_')}");
        if (RequiredStatus != BackupStatus.Written)
            Append($"status={RequiredStatus}");
        if (CollapseBelow is { } part)
            Append(string.Create(CultureInfo.InvariantCulture, $"collapseBelow={part}"));
        return text.ToString();

        void Append(string term) => text.Append(text.Length > 0 ? "," : string.Empty).Append(term);
    }

    private (string Key, RetentionPolicy Policy) WithCount(string term)
    {
        int digits = 0;
        while (digits < term.Length && char.IsAsciiDigit(term[digits]))
            digits++;
        string unit = term[digits..].ToLowerInvariant();
        foreach ((string key, string its, _, var set) in s_counts)
        {
            if (digits > 0 && its.Length > 0 && (unit == its || (unit == "mo" && its == "m")))
                return (key, set(this, Number(term[..digits], term)));
        }

        throw new FormatException(digits > 0 && unit.Length == 0
            ? $"{term} of what? A retention policy needs units: write {term}d for days, or {term}h, {term}w, {term}m (months), {term}y, or last={term} for the newest."
            : $"'{term}' is no rule of a retention policy. Write counts with units, as in 7d,4w,12m (h, d, w, m, y), or named values, as in last=3 or within=30d.");
    }

    private (string Key, RetentionPolicy Policy) WithNamed(string name, string value)
    {
        foreach ((string key, _, _, var set) in s_counts)
        {
            if (name.Equals(key, StringComparison.OrdinalIgnoreCase))
                return (key, set(this, Number(value, $"{name}={value}")));
        }

        return name.ToLowerInvariant() switch
        {
            "within" => ("within", this with { Within = ParseAge(value) }),
            "weeklyon" => ("weeklyOn", this with { WeeklyOn = Named<DayOfWeek>(value, "day of the week") }),
            "timezone" => ("timeZone", this with { TimeZone = ZoneOf(value) }),
            "status" or "requiredstatus" => ("status", this with { RequiredStatus = Named<BackupStatus>(value, "status") }),
            "collapsebelow" => ("collapseBelow", this with { CollapseBelow = Part(value) }),
            _ => WithReason(name, value),
        };
    }

    private (string Key, RetentionPolicy Policy) WithReason(string name, string value)
    {
        const string Prefix = "reason:";
        string? reason = name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? name[Prefix.Length..] : s_reasons.FirstOrDefault(each => each.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (reason is null)
            throw new FormatException($"'{name}' is no rule of a retention policy. Its names are {string.Join(", ", s_counts.Select(count => count.Key))}, within, weeklyOn, timeZone, status, collapseBelow, and the reasons {string.Join(", ", s_reasons)}.");
        var ages = new Dictionary<string, TimeSpan>(ByReason, StringComparer.OrdinalIgnoreCase);
        if (value.Equals(NoRule, StringComparison.OrdinalIgnoreCase))
            ages.Remove(Reason(reason));
        else
            ages[Reason(reason)] = ParseAge(value);
        return (Reason(reason), this with { ByReason = ages });
    }

    private static string Reason(string reason) =>
        string.IsNullOrWhiteSpace(reason) || reason.AsSpan().IndexOfAny(", =") >= 0 ? throw new FormatException($"'{reason}' is no reason of a backup.")
        : reason.Equals(BackupReason.Rehearsal, StringComparison.OrdinalIgnoreCase) ? throw new FormatException("A rehearsal removes its own backup; no policy does.")
        : s_reasons.FirstOrDefault(each => each.Equals(reason, StringComparison.OrdinalIgnoreCase)) ?? reason;

    private static string ReasonKey(string reason) => s_reasons.Contains(reason) ? reason : "reason:" + reason;

    private static int Number(string digits, string term) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw new FormatException($"'{term}' has no number of backups that can be counted.");

    private static T Named<T>(string value, string what)
        where T : struct, Enum =>
        char.IsAsciiLetter(value.FirstOrDefault()) && Enum.TryParse(value, ignoreCase: true, out T named) && Enum.IsDefined(named)
            ? named
            : throw new FormatException($"'{value}' is no {what}.");

    // The names that Windows gives to its zones have spaces, which part the rules.
    private static string ZoneOf(string value) => TimeZoneInfo.TryFindSystemTimeZoneById(value, out TimeZoneInfo? zone) ? zone.Id : value.Replace('_', ' ');

    private static double Part(string value) =>
        double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double part) ? part : throw new FormatException($"'{value}' is no part. Write it as in 0.5.");
}
