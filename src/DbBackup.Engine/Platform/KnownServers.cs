using System.Security.Cryptography;
using System.Text;

namespace DbBackup.Engine.Platform;

/// <summary>
/// Which servers and Docker engines a user has backed up from. What a backup says of where it came from is no reason to send a password
/// there, or to log in there: anybody may write that who may write to the repository.
/// </summary>
/// <param name="folder">The folder of the memory; null for a user who has none.</param>
internal sealed class KnownServers(string? folder)
{
    private const string Server = "postgresql://";
    private const string Engine = "docker+";

    /// <summary>The memory of the user that runs this process.</summary>
    public static KnownServers OfUser { get; } = new(UserDataFolder.Find("servers"));

    /// <summary>The part of a location that says where one connects to; null where that is this machine's own engine, or a path.</summary>
    /// <param name="location">The location of a database, a container or a volume.</param>
    public static string? ServerOf(string? location)
    {
        if (location is null)
            return null;
        if (location.StartsWith(Engine, StringComparison.Ordinal))
            return UpToPath(location);
        if (!location.StartsWith(Server, StringComparison.Ordinal))
            return null;
        // Of a socket the folder and the port are in the query.
        int query = location.IndexOf('?', StringComparison.Ordinal);
        return location.StartsWith(Server + "/", StringComparison.Ordinal) ? Server + "/" + (query < 0 ? string.Empty : location[query..]) : UpToPath(location);
    }

    /// <summary>True if something was backed up from there.</summary>
    public bool Knows(string server)
    {
        try
        {
            return folder is not null && File.Exists(FileOf(server)) && File.ReadAllText(FileOf(server)) == server;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Remembers where locations are. A user whose data folder cannot be written has no memory.</summary>
    public void Remember(IEnumerable<string?> locations)
    {
        foreach (string server in locations.Select(ServerOf).OfType<string>().Distinct(StringComparer.Ordinal).Where(server => folder is not null && !Knows(server)))
        {
            try
            {
                PrivateFiles.CreateFolder(folder!);
                string unfinished = Path.Join(folder, $".{Guid.NewGuid():N}.tmp");
                using (FileStream file = PrivateFiles.CreateNew(unfinished))
                    file.Write(Encoding.UTF8.GetBytes(server));
                File.Move(unfinished, FileOf(server), overwrite: true);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // A backup must not fail for it.
            }
        }
    }

    /// <summary>The failure for a server that a backup alone names.</summary>
    /// <param name="server">The server.</param>
    /// <param name="hint">How it is named.</param>
    public static BackupFailure Unconfirmed(string server, string hint) => new(
        ErrorCodes.ServerNotConfirmed,
        FailureCategory.Refused,
        $"The backup says that it came from '{server}', and nothing was backed up from there by this user on this machine: no connection was made, and no password sent.",
        hint)
    { Target = server };

    private static string UpToPath(string location)
    {
        int end = location.IndexOf('/', location.IndexOf("://", StringComparison.Ordinal) + 3);
        return end < 0 ? location : location[..end];
    }

    private string FileOf(string server) => Path.Join(folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(server)))[..32]);
}
