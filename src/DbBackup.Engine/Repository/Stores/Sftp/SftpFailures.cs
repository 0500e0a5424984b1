using DbBackup.Engine.Repository.Stores.Remote;
using Renci.SshNet;
using Renci.SshNet.Common;

namespace DbBackup.Engine.Repository.Stores.Sftp;

/// <summary>What can go wrong with a server that is spoken to by SSH, as failures that say what to do.</summary>
internal static class SftpFailures
{
    // A file system's last blocks are root's; less than this counts as none.
    private const ulong AlmostNothing = 1 << 20;

    public static BackupFailure NoLogin(SshServer server, IEnumerable<string> notes) => new(
        ErrorCodes.AuthenticationFailed,
        FailureCategory.PermissionDenied,
        $"There is no way to log in at '{server.Host}' as '{server.User}': {string.Join("; ", notes)}.",
        "Load a key into the ssh-agent (ssh-add), name one with the option 'key' (sftp://user@host/path?key=~/.ssh/backup), or run Connect-DbBackupRepository -Credential.")
    { Target = server.Host };

    public static BackupFailure LoginRefused(SshServer server, Exception exception, IEnumerable<string> notes) => new(
        ErrorCodes.AuthenticationFailed,
        FailureCategory.PermissionDenied,
        $"'{server.Host}' refuses the login of '{server.User}': {exception.Message.TrimEnd('.', ' ')}{string.Concat(notes.Select(note => "; " + note))}.",
        $"Check that 'ssh {(server.Port == SshServer.UsualPort ? null : FormattableString.Invariant($"-p {server.Port} "))}{server.User}@{server.Host}' logs in; name its key with the option 'key', or run Connect-DbBackupRepository -Credential.",
        exception)
    { Target = server.Host };

    public static BackupFailure NotTrusted(SshServer server, HostTrust trust, string file, string key)
    {
        string name = KnownHosts.NameOf(server.Host, server.Port);
        string port = server.Port == SshServer.UsualPort ? string.Empty : FormattableString.Invariant($"-p {server.Port} ");
        return trust switch
        {
            HostTrust.Unknown => Failure(
                ErrorCodes.HostKeyUnknown,
                $"The host key of '{name}' ({key}) is not known on this machine, so the server could be any.",
                $"Compare the fingerprint with the server's (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there), then trust it: ssh-keyscan {port}{server.Host} >> '{file}', or log in once with ssh."),
            HostTrust.Revoked => Failure(
                ErrorCodes.HostKeyChanged, $"The host key of '{name}' ({key}) is marked as revoked in '{file}'.", "Do not log in there. Ask the server's administrator for its new key."),
            _ => Failure(
                ErrorCodes.HostKeyChanged,
                $"The host key of '{name}' ({key}) is not the one in '{file}': the server was set up anew, or another one answers in its place.",
                $"Ask the server's administrator. If the new key is right, forget the old one: ssh-keygen -R '{name}' -f '{file}', then ssh-keyscan {port}{server.Host} >> '{file}'."),
        };

        BackupFailure Failure(string code, string message, string hint) => new(code, FailureCategory.PermissionDenied, message, hint) { Target = name };
    }

    /// <summary>Returns the failure for what the protocol or the network reports.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="location">The store's location.</param>
    /// <param name="writes">True if the store was to be changed.</param>
    /// <param name="action">What was done, as in "writing 'app/x/backup.json'".</param>
    /// <param name="isFull">True if the file system has no room: the protocol has no word for that.</param>
    public static BackupFailure From(Exception exception, string location, bool writes, string action, bool isFull) => RemoteFailures.From(
        exception switch
        {
            SftpPathNotFoundException => RemoteProblem.PlaceMissing,
            SftpPermissionDeniedException => RemoteProblem.AccessDenied,
            _ when isFull => RemoteProblem.Full,
            SshConnectionException or SshOperationTimeoutException or ProxyException or ObjectDisposedException => RemoteProblem.Unreachable,
            _ => RemoteFailures.OfNetwork(exception) ?? RemoteProblem.Other,
        },
        location,
        writes,
        action,
        isFull ? "no space left on its file system" : exception.Message,
        exception);

    /// <summary>True if a path's file system has no room left. A server without that extension does not say.</summary>
    public static async Task<bool> IsFullAsync(SftpClient client, string path, CancellationToken cancellationToken)
    {
        try
        {
            Renci.SshNet.Sftp.SftpFileSystemInformation system = await client.GetStatusAsync(path, cancellationToken).ConfigureAwait(false);
            return system.AvailableBlocks * system.BlockSize < AlmostNothing || (system.TotalNodes > 0 && system.AvailableNodes == 0);
        }
        catch (Exception exception) when (exception is SshException or NotSupportedException)
        {
            return false;
        }
    }
}
