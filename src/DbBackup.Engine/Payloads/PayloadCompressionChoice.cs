namespace DbBackup.Engine.Payloads;

/// <summary>Which compression a payload gets on this machine.</summary>
public static class PayloadCompressionChoice
{
    /// <summary>Whether this machine can write and read zstd.</summary>
    public static bool ZstdIsAvailable => ZstdLibrary.IsAvailable;

    /// <summary>The version of the libzstd that is used, as in <c>1.5.6</c>; null where there is none.</summary>
    public static string? ZstdVersion => ZstdLibrary.VersionString;

    /// <summary>Decides on a compression.</summary>
    /// <param name="requested">What was asked for; null for the best there is: zstd where the system has it, gzip otherwise.</param>
    /// <exception cref="BackupFailure">zstd was asked for, and the system's libzstd cannot be loaded.</exception>
    public static PayloadCompression Resolve(PayloadCompression? requested) => Resolve(requested, ZstdLibrary.IsAvailable);

    internal static PayloadCompression Resolve(PayloadCompression? requested, bool zstdIsAvailable) => requested switch
    {
        null => zstdIsAvailable ? PayloadCompression.Zstd : PayloadCompression.Gzip,
        PayloadCompression.Zstd when !zstdIsAvailable => throw ZstdMissing(),
        PayloadCompression.None or PayloadCompression.Gzip or PayloadCompression.Zstd => requested.Value,
        _ => throw new BackupFailure(
            ErrorCodes.FormatNotSupported,
            FailureCategory.NotSupported,
            $"The compression '{requested}' is not known to this version.",
            "Use Zstd, Gzip or None."),
    };

    internal static BackupFailure ZstdMissing()
    {
        string install = OperatingSystem.IsWindows()
            ? "Put libzstd.dll (from the zstd release for Windows) beside the module's assemblies or into System32"
            : OperatingSystem.IsMacOS()
                ? "Install it (brew install zstd)"
                : "Install it (apt install libzstd1, dnf install libzstd, apk add zstd-libs)";
        return new BackupFailure(
            ErrorCodes.FormatNotSupported,
            FailureCategory.MissingTool,
            "zstd is needed, but the system's libzstd (1.4.0 or newer) cannot be loaded.",
            $"{install} and start a new session; for a new backup, -Compression Gzip works without it.");
    }
}
