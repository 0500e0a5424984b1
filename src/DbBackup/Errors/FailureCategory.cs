namespace DbBackup;

/// <summary>What kind of failure a <see cref="BackupException"/> is; the cmdlets turn it into PowerShell's own category.</summary>
public enum FailureCategory
{
    /// <summary>An argument that cannot be used.</summary>
    InvalidArgument,

    /// <summary>The thing named does not exist.</summary>
    NotFound,

    /// <summary>The thing named exists already.</summary>
    AlreadyExists,

    /// <summary>Another process holds what is needed; trying again later can help.</summary>
    Busy,

    /// <summary>The system does not allow it.</summary>
    PermissionDenied,

    /// <summary>The data are damaged or not what they should be.</summary>
    InvalidData,

    /// <summary>There is no room.</summary>
    NoSpace,

    /// <summary>Reading failed.</summary>
    ReadError,

    /// <summary>Writing failed.</summary>
    WriteError,

    /// <summary>A program or library that is needed is missing.</summary>
    MissingTool,

    /// <summary>The call is refused because it could do harm; <c>-Force</c> or another parameter overrules it.</summary>
    Refused,

    /// <summary>The thing was made by something newer or has a form that is not handled.</summary>
    NotSupported,
}
