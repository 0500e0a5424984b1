using System.Globalization;
using System.Management.Automation;

namespace DbBackup.PowerShell.Completion;

/// <summary>Takes a date, or an age such as <c>7d</c> that is counted back from now.</summary>
public sealed class PointInTimeTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        object value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        try
        {
            return value switch
            {
                DateTimeOffset moment => moment,
                DateTime moment => new DateTimeOffset(moment),
                BackupAge age => DateTimeOffset.Now - age.Value,
                TimeSpan age => DateTimeOffset.Now - age,
                sbyte years => DateTimeOffset.Now - ((BackupAge)years).Value,
                decimal days => DateTimeOffset.Now - ((BackupAge)days).Value,
                string text => Parse(text),
                _ => throw new FormatException($"'{value}' is neither a date nor an age. Write 2026-11-21, or an age such as 7d, 12h, 2w."),
            };
        }
        catch (FormatException exception)
        {
            throw new ArgumentTransformationMetadataException(exception.Message, exception);
        }
    }

    /// <summary>Reads a date or an age.</summary>
    /// <exception cref="FormatException">It is neither, or it reads as two days.</exception>
    internal static DateTimeOffset Parse(string text)
    {
        try
        {
            return DateTimeOffset.Now - BackupAge.Parse(text, CultureInfo.InvariantCulture).Value;
        }
        catch (FormatException)
        {
            return TryDate(text) ?? throw new FormatException($"'{text}' is neither a date nor an age. Write 2026-11-21, or an age such as 7d, 12h, 2w.");
        }
    }

    /// <summary>Reads a date; null if the text is none.</summary>
    /// <exception cref="FormatException">It reads as two days.</exception>
    internal static DateTimeOffset? TryDate(string text)
    {
        // A time span's own text is a time of this day to a reader of dates.
        if (TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out _))
            return null;
        DateTimeOffset[] moments =
        [
            .. Readers().Select(culture => DateTimeOffset.TryParse(text, culture, DateTimeStyles.AssumeLocal, out DateTimeOffset moment) ? moment : (DateTimeOffset?)null)
                .OfType<DateTimeOffset>().Distinct(),
        ];
        return moments.Length > 1
            ? throw new FormatException($"'{text}' can be {string.Join(" or ", moments.Select(moment => moment.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)))}. Write the date as 2026-11-21, or an age such as 7d.")
            : moments.Length == 1 ? moments[0] : null;
    }

    // Scripts write dates as the invariant culture does (month first), people as their own does: a date must mean the same to both. In a
    // session without a culture, day first and month first must.
    private static CultureInfo[] Readers() => CultureInfo.CurrentCulture.Equals(CultureInfo.InvariantCulture)
        ? [CultureInfo.InvariantCulture, CultureInfo.GetCultureInfo("en-GB")]
        : [CultureInfo.InvariantCulture, CultureInfo.CurrentCulture];
}
