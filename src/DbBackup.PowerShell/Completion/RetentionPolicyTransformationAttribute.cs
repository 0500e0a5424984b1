using System.Collections;
using System.Globalization;
using System.Management.Automation;

namespace DbBackup.PowerShell.Completion;

/// <summary>
/// Takes a retention policy as <c>7d,4w,12m</c>: PowerShell reads <c>7d</c> as the decimal 7 and <c>1y</c> as the signed byte 1, and leaves
/// <c>4w</c>, <c>12m</c> and <c>24h</c> texts. Takes also one text, a hashtable such as <c>@{ Daily = 7; Within = '30d' }</c>, and a policy.
/// </summary>
public sealed class RetentionPolicyTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        try
        {
            return Parse(inputData);
        }
        catch (FormatException exception)
        {
            throw new ArgumentTransformationMetadataException(exception.Message, exception);
        }
    }

    /// <summary>Reads a policy as PowerShell hands it over.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    internal static RetentionPolicy Parse(object? input) => Unwrapped(input) as RetentionPolicy ?? RetentionPolicy.Parse(string.Join(',', TermsOf(input)));

    private static IEnumerable<string> TermsOf(object? input) => Unwrapped(input) switch
    {
        string text => [text],
        decimal days when days == decimal.Truncate(days) => [string.Create(CultureInfo.InvariantCulture, $"{days:0}d")],
        sbyte years => [string.Create(CultureInfo.InvariantCulture, $"{years}y")],
        IDictionary values => [.. values.Keys.Cast<object>().Select(key => $"{key}={ValueOf(key, values[key])}")],
        IEnumerable several => [.. several.Cast<object?>().SelectMany(TermsOf)],
        null => throw new FormatException("Nothing is no retention policy. Write one as in 7d,4w,12m."),
        // A bare number, and what other letters make of one.
        IFormattable number => [number.ToString(null, CultureInfo.InvariantCulture)],
        var other => throw new FormatException($"A {other.GetType().Name} is no retention policy. Write one as in 7d,4w,12m."),
    };

    private static string ValueOf(object key, object? value) => Unwrapped(value) switch
    {
        IFormattable number and (decimal or sbyte or TimeSpan or BackupAge) => AgeTransformationAttribute.TextOf(number) ?? number.ToString(null, CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        string text when !text.Contains(',', StringComparison.Ordinal) => text,
        var other => throw new FormatException($"'{other}' is no value of the rule {key}."),
    };

    private static object? Unwrapped(object? input) => input is PSObject wrapped ? wrapped.BaseObject : input;
}

/// <summary>Takes how long something is kept: <c>30d</c>, <c>12h</c>, <c>2w</c>, <c>6mo</c>, <c>1y</c>, a time span or an age.</summary>
public sealed class AgeTransformationAttribute : ArgumentTransformationAttribute
{
    /// <inheritdoc/>
    public override object Transform(EngineIntrinsics engineIntrinsics, object inputData)
    {
        try
        {
            return Parse(inputData);
        }
        catch (FormatException exception)
        {
            throw new ArgumentTransformationMetadataException(exception.Message, exception);
        }
    }

    /// <summary>Reads an age as PowerShell hands it over.</summary>
    /// <exception cref="FormatException">It is none, or a bare number.</exception>
    internal static TimeSpan Parse(object? input)
    {
        object? value = input is PSObject wrapped ? wrapped.BaseObject : input;
        return RetentionPolicy.ParseAge(TextOf(value) ?? value?.ToString() ?? string.Empty);
    }

    /// <summary>Returns an age as text; null for what is no age by its type.</summary>
    internal static string? TextOf(object? value) => value switch
    {
        decimal days => days.ToString(CultureInfo.InvariantCulture) + "d",
        sbyte years => years.ToString(CultureInfo.InvariantCulture) + "y",
        TimeSpan age => age.ToString("c", CultureInfo.InvariantCulture),
        BackupAge age => age.Value.ToString("c", CultureInfo.InvariantCulture),
        _ => null,
    };
}

/// <summary>Takes the end of a period that begins now: a date, or an age such as <c>90d</c> from now on.</summary>
public sealed class EndTransformationAttribute : ArgumentTransformationAttribute
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
                string text when PointInTimeTransformationAttribute.TryDate(text) is { } moment => moment,
                _ => DateTimeOffset.Now + AgeTransformationAttribute.Parse(value),
            };
        }
        catch (Exception exception) when (exception is FormatException or ArgumentOutOfRangeException)
        {
            throw new ArgumentTransformationMetadataException(exception.Message, exception);
        }
    }
}
