using DbBackup.Engine.Repository.Stores.Remote;

namespace DbBackup.Engine.Repository.Stores.Rclone;

/// <summary>What rclone says, as failures that say what to do. It has exit codes for few causes, so its words are looked at.</summary>
internal static class RcloneFailures
{
    public static BackupFailure From(Exception exception, string location, string remote, bool writes, string action) => exception switch
    {
        RcloneException failure when failure.Says("didn't find section in config file") => new BackupFailure(
            ErrorCodes.RepositoryNotFound, FailureCategory.NotFound, $"rclone's configuration has no remote '{remote}'.",
            "List the remotes with 'rclone listremotes', or set this one up: rclone config. RCLONE_CONFIG names another configuration.", exception)
        { Target = location },
        RcloneException failure when failure.Says("unable to decrypt configuration", "RCLONE_CONFIG_PASS", "can't decrypt configuration") => new BackupFailure(
            ErrorCodes.AuthenticationFailed, FailureCategory.PermissionDenied, "rclone's configuration is encrypted, and its password was not given or is wrong.",
            "Set RCLONE_CONFIG_PASS, or give it as the password of Connect-DbBackupRepository -Credential.", exception)
        { Target = location },
        _ => RemoteFailures.From(ProblemOf(exception), location, writes, action, exception.Message, exception),
    };

    private static RemoteProblem ProblemOf(Exception exception) => exception is not RcloneException failure
        ? RemoteFailures.OfNetwork(exception) ?? RemoteProblem.Other
        : failure switch
        {
            { IsMissing: true } => RemoteProblem.PlaceMissing,
            _ when failure.Says("no space left", "quota", "insufficient storage", "disk full") => RemoteProblem.Full,
            _ when failure.Says("permission denied", "access denied", "AccessDenied", "forbidden", "read-only file system", "operation not permitted") => RemoteProblem.AccessDenied,
            _ when failure.Says("unauthorized", "invalid_grant", "authentication failed", "unable to authenticate", "InvalidAccessKeyId", "SignatureDoesNotMatch", "token expired", "logon denied") => RemoteProblem.LoginRefused,
            { IsTemporary: true } => RemoteProblem.Unreachable,
            _ when failure.Says("certificate", "knownhosts") => RemoteProblem.Untrusted,
            _ => RemoteProblem.Other,
        };
}
