using System.Globalization;
using System.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>libpq's password file: lines of <c>host:port:database:user:password</c>, the first that fits counts.</summary>
internal sealed class PasswordFile
{
    private readonly IReadOnlyList<string> _lines;

    private PasswordFile(IReadOnlyList<string> lines) => _lines = lines;

    /// <summary>Reads the file where it exists and may be trusted.</summary>
    /// <param name="named">The file that was named; null for the user's own.</param>
    /// <param name="environment">Where files are.</param>
    /// <param name="warnings">Gets the reason where a file is ignored.</param>
    public static PasswordFile Read(string? named, PostgreSqlEnvironment environment, List<string> warnings)
    {
        string? path = named ?? environment.UserFile(".pgpass", "pgpass.conf");
        try
        {
            if (path is null || environment.ReadLines(path) is not { } lines)
                return new PasswordFile([]);
            if (environment.IsWindows || !environment.OthersMayAccess(path))
                return new PasswordFile(lines);
            warnings.Add($"The password file '{path}' is ignored, because others may read it (chmod 600).");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            warnings.Add($"The password file '{path}' is ignored, because it cannot be read.");
        }

        return new PasswordFile([]);
    }

    /// <summary>The password for a connection; null where no line fits.</summary>
    public string? Find(string host, int port, string database, string user)
    {
        string portText = port.ToString(CultureInfo.InvariantCulture);
        // libpq calls the socket folder it was built with "localhost"; systems differ in which one that is.
        bool isDefaultSocket = host.TrimEnd('/') is "/var/run/postgresql" or "/run/postgresql" or "/tmp";
        foreach (string line in _lines)
        {
            if (line.StartsWith('#'))
                continue;
            // A zero byte ends a line for libpq, and no password holds one.
            string rest = line.Split('\0')[0].TrimEnd('\r', '\n');
            if ((Fits(rest, host) ?? (isDefaultSocket ? Fits(rest, "localhost") : null)) is { } afterHost
                && Fits(afterHost, portText) is { } afterPort
                && Fits(afterPort, database) is { } afterDatabase
                && Fits(afterDatabase, user) is { } password
                && Unescape(password) is { Length: > 0 } found)
                return found;
        }

        return null;
    }

    /// <summary>What follows a line's first field where the field is * or the value; null where it is not.</summary>
    private static string? Fits(string line, string value)
    {
        if (line.StartsWith("*:", StringComparison.Ordinal))
            return line[2..];
        int at = 0;
        foreach (char sign in value)
        {
            if (at < line.Length && line[at] == '\\')
                at++;
            else if (at < line.Length && line[at] == ':')
                return null;
            if (at >= line.Length || line[at++] != sign)
                return null;
        }

        return at < line.Length && line[at] == ':' ? line[(at + 1)..] : null;
    }

    // Like libpq, a password ends at a colon that is not escaped.
    private static string Unescape(string field)
    {
        var text = new StringBuilder();
        for (int at = 0; at < field.Length && field[at] != ':'; at++)
        {
            if (field[at] == '\\' && at + 1 < field.Length)
                at++;
            text.Append(field[at]);
        }

        return text.ToString();
    }
}
