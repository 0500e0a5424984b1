namespace DbBackup.Engine.Repository.Stores.Sftp;

/// <summary>A server and the user that logs in, as a location names them.</summary>
/// <param name="Host">The name or address, without brackets.</param>
/// <param name="Port">The port.</param>
/// <param name="User">The user.</param>
/// <param name="KeyFile">The only key file to use; null for the agent's and the usual ones.</param>
/// <param name="KnownHostsFile">The only file of known hosts to use; null for the user's and the machine's.</param>
internal sealed record SshServer(string Host, int Port, string User, string? KeyFile, string? KnownHostsFile)
{
    /// <summary>The port of SSH where none is named.</summary>
    public const int UsualPort = 22;

    /// <summary>Reads a location.</summary>
    public static SshServer Of(StoreAddress address) => new(
        address.Host.Trim('[', ']'), address.Port ?? UsualPort, address.User ?? Environment.UserName, InHome(address.Option("key")), InHome(address.Option("knownHosts")));

    private static string? InHome(string? path) => path is ['~', '/' or '\\', ..]
        ? Path.Join(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), path[2..])
        : path is null ? null : Path.GetFullPath(path);
}
