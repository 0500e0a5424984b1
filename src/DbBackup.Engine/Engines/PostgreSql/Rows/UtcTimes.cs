using System.Buffers;
using System.Buffers.Text;
using System.Globalization;

namespace DbBackup.Engine.Engines.PostgreSql.Rows;

/// <summary>
/// Rewrites the times with a zone in a row of COPY text to UTC. pg_dump writes them in the zone of its session, which a dump does not
/// name: <c>2026-11-21 10:00:00+01</c> and <c>2026-11-21 09:00:00+00</c> are one and the same value. Whatever looks like such a time is
/// rewritten, in text and JSON too: both sides of a comparison are, so nothing is called different for it.
/// </summary>
/// <remarks>
/// The form is that of DateStyle ISO, which pg_dump sets: year of four or more digits, a fraction of up to six, an offset of hours and, where it
/// has them, minutes and seconds, and <c>BC</c> (EncodeDateTime in datetime.c). Not safe for use by several threads.
/// </remarks>
internal sealed class UtcTimes
{
    // "-01-02 03:04:05": what stands between the year and the fraction.
    private const int FixedLength = 15;
    private const int LongestFraction = 6;
    private const int LongestYear = 6;
    private const long SecondsInDay = 86_400;
    private const int LongestTime = 48;
    private static readonly SearchValues<byte> s_signs = SearchValues.Create("+-"u8);
    private byte[] _row = [];

    /// <summary>True if a time had another zone than UTC.</summary>
    public bool HasRewritten { get; private set; }

    /// <summary>Begins another table.</summary>
    public void Reset() => HasRewritten = false;

    /// <summary>A row with its times in UTC. The span is valid until the next call.</summary>
    public ReadOnlySpan<byte> Rewrite(ReadOnlySpan<byte> row)
    {
        int length = 0;
        int copied = 0;
        int at = FixedLength + 1;
        while (at < row.Length)
        {
            int sign = row[at..].IndexOfAny(s_signs);
            if (sign < 0)
                break;
            at += sign;
            if (TryRead(row, at, out int start, out int end, out long seconds, out ReadOnlySpan<byte> fraction) && start >= copied)
            {
                Reserve(length + (start - copied) + LongestTime);
                row[copied..start].CopyTo(_row.AsSpan(length));
                length += start - copied;
                length += Write(_row.AsSpan(length), seconds, fraction);
                copied = end;
                at = end;
                HasRewritten = true;
            }
            else
            {
                at++;
            }
        }

        if (copied == 0)
            return row;
        Reserve(length + row.Length - copied);
        row[copied..].CopyTo(_row.AsSpan(length));
        return _row.AsSpan(0, length + row.Length - copied);
    }

    private void Reserve(int length)
    {
        if (length > _row.Length)
            Array.Resize(ref _row, 2 * length);
    }

    // From the sign of the offset backwards to the year, and forwards to its end.
    private static bool TryRead(ReadOnlySpan<byte> row, int sign, out int start, out int end, out long seconds, out ReadOnlySpan<byte> fraction)
    {
        start = 0;
        end = sign + 1;
        seconds = 0;
        fraction = [];
        int back = sign;
        int digits = 0;
        while (back > 0 && char.IsAsciiDigit((char)row[back - 1]) && digits <= LongestFraction)
            (back, digits) = (back - 1, digits + 1);
        if (digits > 0 && back > 0 && row[back - 1] == '.')
        {
            back--;
            fraction = row[back..sign];
        }
        else
        {
            back = sign;
        }

        int fixedStart = back - FixedLength;
        if (fixedStart < 4 || fraction.Length > LongestFraction + 1)
            return false;
        ReadOnlySpan<byte> part = row[fixedStart..back];
        if (part[0] != '-' || part[3] != '-' || part[6] != ' ' || part[9] != ':' || part[12] != ':'
            || !Two(part, 1, out int month) || !Two(part, 4, out int day) || !Two(part, 7, out int hour) || !Two(part, 10, out int minute) || !Two(part, 13, out int second))
            return false;
        start = fixedStart;
        while (start > 0 && char.IsAsciiDigit((char)row[start - 1]) && fixedStart - start <= LongestYear)
            start--;
        if (fixedStart - start is < 4 or > LongestYear || !Utf8Parser.TryParse(row[start..fixedStart], out int year, out int used) || used != fixedStart - start)
            return false;
        if (!TryOffset(row, ref end, out long offset) || offset == 0)
            return false;
        if (row[end..].StartsWith(" BC"u8))
            (year, end) = (1 - year, end + 3);
        seconds = (DaysFromCivil(year, month, day) * SecondsInDay) + (hour * 3600) + (minute * 60) + second - (row[sign] == '-' ? -offset : offset);
        return true;
    }

    private static bool TryOffset(ReadOnlySpan<byte> row, ref int end, out long offset)
    {
        offset = 0;
        if (!Two(row, end, out int hours))
            return false;
        offset = hours * 3600L;
        end += 2;
        for (int unit = 60; unit >= 1 && end < row.Length && row[end] == ':' && Two(row, end + 1, out int part); unit /= 60)
        {
            offset += part * (long)unit;
            end += 3;
        }

        return end == row.Length || !char.IsAsciiDigit((char)row[end]);
    }

    private static bool Two(ReadOnlySpan<byte> text, int at, out int value)
    {
        value = 0;
        if (at + 2 > text.Length || !char.IsAsciiDigit((char)text[at]) || !char.IsAsciiDigit((char)text[at + 1]))
            return false;
        value = ((text[at] - '0') * 10) + text[at + 1] - '0';
        return true;
    }

    private static int Write(Span<byte> target, long seconds, ReadOnlySpan<byte> fraction)
    {
        long days = Math.DivRem(seconds, SecondsInDay, out long rest);
        if (rest < 0)
            (days, rest) = (days - 1, rest + SecondsInDay);
        (long year, int month, int day) = CivilFromDays(days);
        System.Text.Unicode.Utf8.TryWrite(
            target, CultureInfo.InvariantCulture, $"{(year > 0 ? year : 1 - year):0000}-{month:00}-{day:00} {rest / 3600:00}:{rest / 60 % 60:00}:{rest % 60:00}", out int length);
        fraction.CopyTo(target[length..]);
        length += fraction.Length;
        ReadOnlySpan<byte> tail = year > 0 ? "+00"u8 : "+00 BC"u8;
        tail.CopyTo(target[length..]);
        return length + tail.Length;
    }

    // Days since 1970-01-01 in the Gregorian calendar without end, as the server counts (date2j and j2date in datetime.c); DateTime ends at both sides.
    private static long DaysFromCivil(long year, int month, int day)
    {
        year -= month <= 2 ? 1 : 0;
        long era = (year >= 0 ? year : year - 399) / 400;
        long yearOfEra = year - (era * 400);
        long dayOfYear = (((153 * (month + (month > 2 ? -3 : 9))) + 2) / 5) + day - 1;
        long dayOfEra = (yearOfEra * 365) + (yearOfEra / 4) - (yearOfEra / 100) + dayOfYear;
        return (era * 146_097) + dayOfEra - 719_468;
    }

    private static (long Year, int Month, int Day) CivilFromDays(long days)
    {
        days += 719_468;
        long era = (days >= 0 ? days : days - 146_096) / 146_097;
        long dayOfEra = days - (era * 146_097);
        long yearOfEra = (dayOfEra - (dayOfEra / 1460) + (dayOfEra / 36_524) - (dayOfEra / 146_096)) / 365;
        long dayOfYear = dayOfEra - ((365 * yearOfEra) + (yearOfEra / 4) - (yearOfEra / 100));
        long shifted = ((5 * dayOfYear) + 2) / 153;
        int month = (int)(shifted + (shifted < 10 ? 3 : -9));
        return (yearOfEra + (era * 400) + (month <= 2 ? 1 : 0), month, (int)(dayOfYear - (((153 * shifted) + 2) / 5) + 1));
    }
}
