using System.Globalization;

namespace DbBackup;

/// <summary>
/// How old a backup is, comparable with what people type: <c>7d</c> (which PowerShell hands over as the decimal 7: days),
/// <c>12h</c>, <c>30m</c>, <c>2w</c>, <c>6mo</c>, <c>1y</c>, a <see cref="TimeSpan"/> and another age.
/// </summary>
/// <remarks>
/// A bare integer is refused: with a plain TimeSpan <c>Age -gt 7</c> would mean 7 ticks and fit every backup there is.
/// A month counts 30 days and a year 365, because an age has no calendar.
/// </remarks>
public readonly struct BackupAge : IComparable, IComparable<BackupAge>, IEquatable<BackupAge>, IFormattable
{
    /// <summary>Creates an age.</summary>
    public BackupAge(TimeSpan value) => Value = value;

    /// <summary>The age as a time span; negative when the backup lies in the future.</summary>
    public TimeSpan Value { get; init; }

    /// <summary>The age in days, with fraction.</summary>
    public double TotalDays => Value.TotalDays;

    /// <summary>The age in hours, with fraction.</summary>
    public double TotalHours => Value.TotalHours;

    /// <summary>How long ago a moment is.</summary>
    /// <param name="moment">The moment.</param>
    /// <param name="clock">The clock; the system's by default.</param>
    public static BackupAge Since(DateTimeOffset moment, TimeProvider? clock = null) =>
        new((clock ?? TimeProvider.System).GetUtcNow() - moment);

    /// <summary>Reads an age such as <c>7d</c>, <c>12h</c>, <c>1.5w</c> or a TimeSpan's own text such as <c>1.12:00:00</c>.</summary>
    /// <exception cref="FormatException">The text is no age; a bare number is none.</exception>
    public static BackupAge Parse(string text) => Parse(text, CultureInfo.InvariantCulture);

    /// <inheritdoc cref="Parse(string)"/>
    /// <param name="text">The text.</param>
    /// <param name="provider">Not used: an age is written the same in every culture.</param>
    public static BackupAge Parse(string text, IFormatProvider? provider)
    {
        ArgumentNullException.ThrowIfNull(text);
        string trimmed = text.Trim();
        int digits = 0;
        while (digits < trimmed.Length && (char.IsAsciiDigit(trimmed[digits]) || trimmed[digits] == '.'))
            digits++;

        string unit = trimmed[digits..].TrimStart();
        if (digits > 0 && decimal.TryParse(trimmed[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number))
        {
            if (unit.Length == 0)
                throw new FormatException(BareNumber(trimmed));
            if (DaysPerUnit(unit) is { } days)
                return new BackupAge(FromDays(number, trimmed, days));
        }

        if (trimmed.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(trimmed, CultureInfo.InvariantCulture, out TimeSpan span))
            return new BackupAge(span);

        throw new FormatException($"'{text}' is not an age. Write 7d, 12h, 30m, 90s, 2w, 6mo or 1y.");
    }

    /// <summary>A decimal is a number of days: PowerShell reads <c>7d</c> as the decimal 7.</summary>
    public static implicit operator BackupAge(decimal days) => new(FromDays(days, days.ToString(CultureInfo.InvariantCulture)));

    /// <summary>A signed byte is a number of years: PowerShell reads <c>1y</c> as the signed byte 1, and nothing else comes as one.</summary>
    public static implicit operator BackupAge(sbyte years) => new(TimeSpan.FromDays(365 * years));

    /// <summary>A time span is an age.</summary>
    public static implicit operator BackupAge(TimeSpan value) => new(value);

    /// <summary>An age is a time span.</summary>
    public static implicit operator TimeSpan(BackupAge age) => age.Value;

    /// <summary>Refused, so that <c>Age -gt 7</c> fits nothing and says why.</summary>
    /// <exception cref="FormatException">Always.</exception>
    public static implicit operator BackupAge(int number) => throw new FormatException(BareNumber(number.ToString(CultureInfo.InvariantCulture)));

    /// <inheritdoc cref="op_Implicit(int)"/>
    public static implicit operator BackupAge(long number) => throw new FormatException(BareNumber(number.ToString(CultureInfo.InvariantCulture)));

    /// <inheritdoc cref="op_Implicit(int)"/>
    public static implicit operator BackupAge(double number) => throw new FormatException(BareNumber(number.ToString(CultureInfo.InvariantCulture)));

    /// <summary>True if two ages are the same.</summary>
    public static bool operator ==(BackupAge left, BackupAge right) => left.Equals(right);

    /// <summary>True if two ages differ.</summary>
    public static bool operator !=(BackupAge left, BackupAge right) => !left.Equals(right);

    /// <summary>True if the left one is younger.</summary>
    public static bool operator <(BackupAge left, BackupAge right) => left.Value < right.Value;

    /// <summary>True if the left one is older.</summary>
    public static bool operator >(BackupAge left, BackupAge right) => left.Value > right.Value;

    /// <summary>True if the left one is not older.</summary>
    public static bool operator <=(BackupAge left, BackupAge right) => left.Value <= right.Value;

    /// <summary>True if the left one is not younger.</summary>
    public static bool operator >=(BackupAge left, BackupAge right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public int CompareTo(BackupAge other) => Value.CompareTo(other.Value);

    /// <summary>Compares with an age, a time span, a decimal (days) or a text such as <c>12h</c>.</summary>
    /// <exception cref="ArgumentException">The other value is a bare integer, or no age at all.</exception>
    public int CompareTo(object? obj) => obj is null ? 1 : CompareTo(From(obj));

    /// <inheritdoc/>
    public bool Equals(BackupAge other) => Value == other.Value;

    /// <summary>True if the other value is the same age; <c>7d</c>, a time span and a text count as ages.</summary>
    public override bool Equals(object? obj)
    {
        try
        {
            return obj is not null && Equals(From(obj));
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public override int GetHashCode() => Value.GetHashCode();

    /// <summary>The age for people, in its largest sensible unit: <c>3 min</c>, <c>5 h</c>, <c>12 d</c>, <c>7 mo</c>, <c>2.1 y</c>.</summary>
    public override string ToString()
    {
        if (Value < TimeSpan.Zero)
            return "in " + new BackupAge(Value == TimeSpan.MinValue ? TimeSpan.MaxValue : Value.Negate());
        return Value.TotalDays switch
        {
            >= 700 => Invariant(Value.TotalDays / 365, "0.0") + " y",
            >= 90 => Invariant(Math.Floor(Value.TotalDays / 30), "0") + " mo",
            >= 2 => Invariant(Math.Floor(Value.TotalDays), "0") + " d",
            _ when Value.TotalHours >= 2 => Invariant(Math.Floor(Value.TotalHours), "0") + " h",
            _ when Value.TotalMinutes >= 2 => Invariant(Math.Floor(Value.TotalMinutes), "0") + " min",
            _ => Invariant(Math.Floor(Value.TotalSeconds), "0") + " s",
        };
    }

    /// <inheritdoc cref="ToString()"/>
    public string ToString(string? format, IFormatProvider? formatProvider) =>
        string.IsNullOrEmpty(format) ? ToString() : Value.ToString(format, formatProvider);

    private static BackupAge From(object value)
    {
        switch (value)
        {
            case BackupAge age: return age;
            case TimeSpan span: return span;
            case decimal days: return days;
            case sbyte years: return years;
            case string text:
                try
                {
                    return Parse(text, CultureInfo.InvariantCulture);
                }
                catch (FormatException exception)
                {
                    throw new ArgumentException(exception.Message, nameof(value), exception);
                }

            case byte or short or ushort or int or uint or long or ulong or float or double:
                throw new ArgumentException(BareNumber(Convert.ToString(value, CultureInfo.InvariantCulture)!), nameof(value));
            default:
                throw new ArgumentException($"A {value.GetType().Name} is not an age. Write 7d, 12h, 2w, or use a TimeSpan.", nameof(value));
        }
    }

    private static decimal? DaysPerUnit(string unit) => unit.ToLowerInvariant() switch
    {
        "s" or "sec" or "second" or "seconds" => 1m / 86400,
        "m" or "min" or "minute" or "minutes" => 1m / 1440,
        "h" or "hour" or "hours" => 1m / 24,
        "d" or "day" or "days" => 1,
        "w" or "week" or "weeks" => 7,
        "mo" or "month" or "months" => 30,
        "y" or "year" or "years" => 365,
        _ => null,
    };

    private static TimeSpan FromDays(decimal number, string text, decimal daysPerUnit = 1)
    {
        try
        {
            return TimeSpan.FromTicks(decimal.ToInt64(decimal.Round(number * daysPerUnit * TimeSpan.TicksPerDay)));
        }
        catch (OverflowException)
        {
            throw new FormatException($"'{text}' is longer than an age can be.");
        }
    }

    private static string BareNumber(string number) =>
        $"{number} of what? An age needs a unit: write {number}d for days, or {number}h, {number}w, {number}mo, {number}y.";

    private static string Invariant(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
