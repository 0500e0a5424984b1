namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>libpq's connection service file, which gives a set of connection settings a name.</summary>
internal static class ServiceFile
{
    // Where Debian's and Ubuntu's libpq looks without PGSYSCONFDIR.
    private const string DebianFolder = "/etc/postgresql-common";

    /// <summary>The settings of a service.</summary>
    /// <param name="service">The service's name.</param>
    /// <param name="named">A file that the connection string names; null for the usual ones.</param>
    /// <param name="environment">Where files are.</param>
    /// <exception cref="BackupFailure">No file has the service, or it cannot be used.</exception>
    public static ConnectionParts Find(string service, string? named, PostgreSqlEnvironment environment)
    {
        string?[] files =
        [
            named ?? environment.Value("PGSERVICEFILE") ?? environment.UserFile(".pg_service.conf", ".pg_service.conf"),
            environment.Value("PGSYSCONFDIR") is { } folder ? folder.TrimEnd('/', '\\') + "/pg_service.conf"
                : environment.IsWindows ? null : DebianFolder + "/pg_service.conf",
        ];
        foreach (string file in files.OfType<string>())
        {
            if (Read(file, environment) is { } lines && Find(service, file, lines) is { } parts)
                return parts;
        }

        throw ConnectionFailures.Invalid(
            $"The connection service '{service}' is in no service file ({string.Join(", ", files.OfType<string>())}).",
            "Add a section of that name to the file, name the file in PGSERVICEFILE, or give the host and database instead.",
            service);
    }

    private static IReadOnlyList<string>? Read(string file, PostgreSqlEnvironment environment)
    {
        try
        {
            return environment.ReadLines(file);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw ConnectionFailures.Invalid($"The service file '{file}' cannot be read.", "Check the file's rights, or give the host and database instead.", file);
        }
    }

    private static ConnectionParts? Find(string service, string file, IReadOnlyList<string> lines)
    {
        ConnectionParts? parts = null;
        for (int index = 0; index < lines.Count; index++)
        {
            string line = lines[index].Trim();
            if (line.Length == 0 || line[0] == '#')
                continue;
            if (line[0] == '[')
            {
                if (parts is not null)
                    return parts;
                if (line == $"[{service}]")
                    parts = new ConnectionParts($"The service '{service}' in '{file}'");
            }
            else if (parts is not null)
            {
                AddLine(line, parts, file, index + 1);
            }
        }

        return parts;
    }

    private static void AddLine(string line, ConnectionParts parts, string file, int number)
    {
        string[] sides = line.Split('=', 2);
        if (sides.Length < 2 || line.StartsWith("ldap", StringComparison.Ordinal))
            throw ConnectionFailures.Invalid($"Line {number} of the service file '{file}' is no key=value.", "Correct the line; look-ups in LDAP are not supported.", file);
        if (sides[0] is "service" or "servicefile")
            throw ConnectionFailures.Invalid($"Line {number} of the service file '{file}' names another service, which PostgreSQL does not allow.", "Put the settings themselves there.", file);
        parts.Add(sides[0], sides[1]);
    }
}
