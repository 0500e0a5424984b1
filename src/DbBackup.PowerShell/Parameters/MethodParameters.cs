using System.Management.Automation;
using DbBackup.Engine.Backups;
using DbBackup.PowerShell.Completion;

namespace DbBackup.PowerShell.Parameters;

/// <summary>Whether a backup is stored whole, or as its difference to a full one.</summary>
internal sealed class MethodParameters
{
    private static readonly string[] s_methods = [BackupMethod.Full, BackupMethod.Incremental];

    /// <summary>How the backup is stored.</summary>
    [ValidateSet("Full", "Incremental", "Auto")]
    public string Method { get; set; } = BackupMethod.Full;

    /// <summary>With -Method Auto: after this time a full backup is made again.</summary>
    [AgeTransformation]
    public TimeSpan? FullAfter { get; set; }

    /// <summary>With -Method Auto: a full backup is made after a difference of more than this percentage.</summary>
    [ValidateRange(1, 100)]
    public int? FullAbovePercent { get; set; }

    /// <summary>What was chosen.</summary>
    /// <exception cref="BackupException">What only belongs to Auto was given without it.</exception>
    public MethodChoice ToChoice()
    {
        string? method = s_methods.FirstOrDefault(known => known.Equals(Method, StringComparison.OrdinalIgnoreCase));
        if (method is not null && (FullAfter is not null || FullAbovePercent is not null))
        {
            throw new BackupFailure(
                ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"-FullAfter and -FullAbovePercent say when Auto makes a full backup, and the method is {method}.", "Use them with -Method Auto, or leave them out.");
        }

        return new MethodChoice
        {
            Method = method,
            FullAfter = FullAfter ?? MethodChoice.UsualFullAfter,
            FullAbove = FullAbovePercent / 100.0 ?? MethodChoice.UsualFullAbove,
        };
    }
}
