namespace DbBackup.Engine.Repository.Stores.Remote;

/// <summary>Turns what a remote store reports into failures that say what to do.</summary>
internal static class RemoteFailures
{
    /// <summary>Returns the failure for a problem.</summary>
    /// <param name="problem">What the store reports.</param>
    /// <param name="location">The store's location, without secrets.</param>
    /// <param name="writes">True if the store was to be changed.</param>
    /// <param name="action">What was done, as in "writing 'app/x/backup.json'".</param>
    /// <param name="reason">The server's or system's own words.</param>
    /// <param name="exception">The driver's exception.</param>
    public static BackupFailure From(RemoteProblem problem, string location, bool writes, string action, string reason, Exception? exception = null)
    {
        string said = reason.TrimEnd('.', ' ');
        return problem switch
        {
            RemoteProblem.PlaceMissing => Failure(
                ErrorCodes.RepositoryNotFound, FailureCategory.NotFound, $"The place of the repository '{location}' does not exist ({said}).",
                "Check the location's spelling and region, or create the bucket, container or folder first: DbBackup does not create it."),
            RemoteProblem.AccessDenied when writes => Failure(
                ErrorCodes.RepositoryNotWritable, FailureCategory.PermissionDenied, $"The login for '{location}' lacks a right for {action}: {said}.",
                "Give it the right to list, read, write and (where backups are removed) delete below this location: docs/guides/offsite.md has a policy."),
            RemoteProblem.AccessDenied => Failure(
                ErrorCodes.PermissionDenied, FailureCategory.PermissionDenied, $"The login for '{location}' lacks a right for {action}: {said}.",
                "Give it the right to list and read below this location: docs/guides/offsite.md has a policy."),
            RemoteProblem.LoginRefused => Failure(
                ErrorCodes.AuthenticationFailed, FailureCategory.PermissionDenied, $"'{location}' refuses the login: {said}.",
                "Log in with Connect-DbBackupRepository -Credential, or check the store's own means: the AWS credential chain, an ssh key or agent, rclone's configuration."),
            RemoteProblem.Full => Failure(
                ErrorCodes.NotEnoughSpace, FailureCategory.NoSpace, $"'{location}' is full ({action}): {said}.",
                "Free some room there (Invoke-DbBackupRetention, Remove-DbBackup), or raise its quota."),
            RemoteProblem.Locked => Failure(
                ErrorCodes.ObjectLocked, FailureCategory.Refused, $"'{location}' keeps the object until its retention ends ({action}): {said}.",
                "Wait until then; Get-DbBackup lists the backup as before."),
            RemoteProblem.Unreachable => Failure(
                ErrorCodes.ServerUnreachable, writes ? FailureCategory.WriteError : FailureCategory.ReadError, $"'{location}' cannot be reached ({action}): {said}.",
                "Check the endpoint, the network and the server's state, then run the command again.", canRetry: true),
            RemoteProblem.Untrusted => Failure(
                ErrorCodes.ServerUnreachable, FailureCategory.PermissionDenied, $"The server of '{location}' does not prove its identity: {said}.",
                "Compare its certificate or host key with that of the right server, and trust it on this machine if it is the right one."),
            _ => Failure(
                writes ? ErrorCodes.WriteFailed : ErrorCodes.ReadFailed, writes ? FailureCategory.WriteError : FailureCategory.ReadError, $"{char.ToUpperInvariant(action[0])}{action[1..]} at '{location}' failed: {said}.",
                "Look up the server's message; if it is temporary, run the command again."),
        };

        BackupFailure Failure(string code, FailureCategory category, string message, string hint, bool canRetry = false) =>
            new(code, category, message, hint, exception) { Target = location, CanRetry = canRetry };
    }

    /// <summary>Returns what a failure of the network or of the system below a driver is; null if it is none of these.</summary>
    public static RemoteProblem? OfNetwork(Exception exception)
    {
        for (Exception? each = exception; each is not null; each = each.InnerException)
        {
            if (each is System.Security.Authentication.AuthenticationException)
                return RemoteProblem.Untrusted;
        }

        for (Exception? each = exception; each is not null; each = each.InnerException)
        {
            if (each is IOException or System.Net.Sockets.SocketException or HttpRequestException or TimeoutException)
                return RemoteProblem.Unreachable;
        }

        return null;
    }
}
