using System.Management.Automation;
using DbBackup.PowerShell.Completion;

namespace DbBackup.PowerShell.Plans;

/// <summary>A policy of retention as it is typed, <c>7d,4w,12m</c>.</summary>
internal static class RetentionArgument
{
    /// <summary>Returns the policy as a plan keeps it; null for none.</summary>
    /// <exception cref="BackupException">It is none.</exception>
    public static string? ToText(object? given)
    {
        object? value = given is PSObject wrapped ? wrapped.BaseObject : given;
        if (value is null or "")
            return null;
        try
        {
            return RetentionPolicyTransformationAttribute.Parse(value).ToString();
        }
        catch (FormatException exception)
        {
            throw new BackupFailure(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, exception.Message, "Write a policy as in 7d,4w,12m.", exception) { Target = given };
        }
    }
}
