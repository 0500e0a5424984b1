using System.Management.Automation;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>Makes error records of failures: the code is the id, the hint the recommended action.</summary>
internal static class ErrorRecords
{
    public static ErrorRecord From(BackupException failure, object? target = null) =>
        new(failure, failure.Code, ToCategory(failure.Category), failure.Target ?? (target is string text ? SecretText.Masked(text) : target))
        {
            ErrorDetails = new ErrorDetails(failure.Message) { RecommendedAction = failure.Hint },
        };

    private static ErrorCategory ToCategory(FailureCategory category) => category switch
    {
        FailureCategory.InvalidArgument => ErrorCategory.InvalidArgument,
        FailureCategory.NotFound => ErrorCategory.ObjectNotFound,
        FailureCategory.AlreadyExists => ErrorCategory.ResourceExists,
        FailureCategory.Busy => ErrorCategory.ResourceBusy,
        FailureCategory.PermissionDenied => ErrorCategory.PermissionDenied,
        FailureCategory.InvalidData => ErrorCategory.InvalidData,
        FailureCategory.NoSpace => ErrorCategory.LimitsExceeded,
        FailureCategory.ReadError => ErrorCategory.ReadError,
        FailureCategory.WriteError => ErrorCategory.WriteError,
        FailureCategory.MissingTool => ErrorCategory.NotInstalled,
        FailureCategory.Refused => ErrorCategory.OperationStopped,
        FailureCategory.NotSupported => ErrorCategory.NotImplemented,
        _ => ErrorCategory.NotSpecified,
    };
}
