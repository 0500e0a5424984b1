using System.Collections;
using System.Globalization;
using System.Management.Automation;

namespace DbBackup.PowerShell.Plans;

/// <summary>A policy of retention as it is typed, <c>7d,4w,12m</c>, of which PowerShell hands over 7d as the decimal 7 and 1y as the signed byte 1.</summary>
internal static class RetentionArgument
{
    /// <summary>Returns the policy as a plan keeps it.</summary>
    /// <exception cref="BackupException">It is none.</exception>
    public static string? ToText(object? given)
    {
        object? value = given is PSObject wrapped ? wrapped.BaseObject : given;
        if (value is null or "")
            return null;
        try
        {
            RetentionPolicy policy = value as RetentionPolicy ?? RetentionPolicy.Parse(string.Join(',', (value is IEnumerable list and not string ? list.Cast<object?>() : [value]).Select(Term)));
            return policy.ToString();
        }
        catch (FormatException exception)
        {
            throw new BackupFailure(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, exception.Message, "Write a policy as in 7d,4w,12m.", exception) { Target = given };
        }
    }

    private static string Term(object? item) => (item is PSObject wrapped ? wrapped.BaseObject : item) switch
    {
        decimal days => days.ToString(CultureInfo.InvariantCulture) + "d",
        sbyte years => years.ToString(CultureInfo.InvariantCulture) + "y",
        var other => Convert.ToString(other, CultureInfo.InvariantCulture) ?? string.Empty,
    };
}
