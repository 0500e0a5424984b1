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
                string text => FromText(text),
                _ => throw new FormatException($"'{value}' is neither a date nor an age. Write 2026-11-21, or an age such as 7d, 12h, 2w."),
            };
        }
        catch (FormatException exception)
        {
            throw new ArgumentTransformationMetadataException(exception.Message, exception);
        }
    }

    private static DateTimeOffset FromText(string text)
    {
        try
        {
            return DateTimeOffset.Now - BackupAge.Parse(text, CultureInfo.InvariantCulture).Value;
        }
        catch (FormatException)
        {
            // Then it is a date: in the form of every script first, else as the person's own culture writes it.
            if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out DateTimeOffset moment)
                || DateTimeOffset.TryParse(text, CultureInfo.CurrentCulture, DateTimeStyles.AssumeLocal, out moment))
            {
                return moment;
            }

            throw new FormatException($"'{text}' is neither a date nor an age. Write 2026-11-21, or an age such as 7d, 12h, 2w.");
        }
    }
}
