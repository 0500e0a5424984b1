using System.Globalization;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>Where a server in another place listens, as its own <c>postmaster.pid</c> tells.</summary>
/// <param name="Host">An address, or the folder of its Unix socket where it listens on no address.</param>
/// <param name="Port">The port.</param>
internal sealed record ListeningAddress(string Host, int Port)
{
    public const string Loopback = "127.0.0.1";

    // Of the official image up to 17, and of Bitnami's.
    private static readonly string[] s_folders = ["/var/lib/postgresql/data", "/bitnami/postgresql/data"];

    /// <summary>True if the host is the folder of a Unix socket.</summary>
    public bool IsSocket => Host.StartsWith('/');

    /// <summary>The host, or the socket itself.</summary>
    public string Address => IsSocket ? string.Create(CultureInfo.InvariantCulture, $"{Host.TrimEnd('/')}/.s.PGSQL.{Port}") : Host;

    /// <summary>Finds where the server of a place listens; null if that cannot be told.</summary>
    /// <param name="tunnel">The way to the place.</param>
    /// <param name="processes">The command lines of its processes.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    public static async Task<ListeningAddress?> FindAsync(ITunnel tunnel, IReadOnlyList<string> processes, CancellationToken cancellationToken)
    {
        // While an image makes its cluster, a server of the script's own runs, which is stopped again.
        if (processes.Any(IsPreparing))
            return null;
        IEnumerable<string?> folders = processes.Where(IsServer).Select(FolderOf).Append(tunnel.Variable("PGDATA")).Concat(s_folders);
        foreach (string folder in folders.OfType<string>().Where(folder => folder.StartsWith('/')).Distinct(StringComparer.Ordinal))
        {
            if (await tunnel.ReadFileAsync($"{folder.TrimEnd('/')}/postmaster.pid", cancellationToken).ConfigureAwait(false) is { } text && Parse(text) is { } found)
                return found;
        }

        return null;
    }

    /// <summary>Reads a <c>postmaster.pid</c>: process, folder, start, port, folder of the socket, first address (see the server's miscinit.c).</summary>
    internal static ListeningAddress? Parse(string text)
    {
        string[] lines = text.Split('\n');
        if (lines.Length < 6 || !int.TryParse(lines[3].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port is 0 or > 65535)
            return null;
        string socket = lines[4].Trim();
        string address = lines[5].Trim();
        return address switch
        {
            "" => socket.StartsWith('/') ? new ListeningAddress(socket, port) : null,
            "*" or "localhost" or "0.0.0.0" => new ListeningAddress(Loopback, port),
            "::" => new ListeningAddress("::1", port),
            _ => new ListeningAddress(address, port),
        };
    }

    private static bool IsServer(string command) => ProgramOf(command) is "postgres" or "postmaster";

    private static bool IsPreparing(string command) => ProgramOf(command) is "sh" or "bash" or "dash" && command.Contains("entrypoint", StringComparison.Ordinal);

    private static string ProgramOf(string command)
    {
        string program = command.Split(' ', 2)[0];
        return program[(program.LastIndexOf('/') + 1)..];
    }

    // As in "postgres -D /data".
    private static string? FolderOf(string command)
    {
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int option = Array.FindIndex(words, word => word.StartsWith("-D", StringComparison.Ordinal));
        return option < 0 ? null : words[option].Length > 2 ? words[option][2..] : option + 1 < words.Length ? words[option + 1] : null;
    }
}
