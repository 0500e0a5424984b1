using System.Globalization;
using System.Net;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>Puts the places that connection settings come from in order, as libpq does.</summary>
internal sealed class ConnectionResolver(PostgreSqlEnvironment environment)
{
    private static readonly (string Variable, string Keyword)[] s_variables =
    [
        ("PGHOST", "host"), ("PGHOSTADDR", "hostaddr"), ("PGPORT", "port"), ("PGDATABASE", "dbname"), ("PGUSER", "user"),
        ("PGPASSWORD", "password"), ("PGSSLMODE", "sslmode"), ("PGSSLROOTCERT", "sslrootcert"), ("PGSSLCERT", "sslcert"),
        ("PGSSLKEY", "sslkey"), ("PGOPTIONS", "options"), ("PGCONNECT_TIMEOUT", "connect_timeout"), ("PGCHANNELBINDING", "channel_binding"),
        ("PGPASSFILE", "passfile"),
    ];

    private readonly List<ConnectionParts> _places = [];

    /// <summary>See <see cref="PostgreSqlConnectionSettings.Resolve"/>.</summary>
    public PostgreSqlConnectionSettings Resolve(PostgreSqlConnectionRequest request)
    {
        _places.Add(Said(request));
        if (request.Server is ServerAddress.OfText { ConnectionString: var text } && !string.IsNullOrWhiteSpace(text))
            _places.Add(ConnectionText.Parse(text));
        if ((Value("service") ?? environment.Value("PGSERVICE")) is { } service)
            _places.Add(ServiceFile.Find(service, Value("servicefile"), environment));
        var variables = new ConnectionParts("The environment");
        foreach (var (variable, keyword) in s_variables)
            variables.Set(keyword, environment.Value(variable));
        _places.Add(variables);

        var warnings = new List<string>();
        foreach (var place in _places)
            warnings.AddRange(place.Unsupported.Select(key => $"{place.Origin} has '{key}', which is not supported and was ignored."));
        var settings = new PostgreSqlConnectionSettings
        {
            Host = Host(),
            Port = Find("port") is var (port, origin) ? ParsePort(port, origin) : 5432,
            Username = Value("user") ?? environment.SystemUser,
            Password = Value("password"),
            Database = Value("dbname"),
            SslMode = Find("sslmode") is var (mode, from) ? ParseSslMode(mode, from) : null,
            SslRootCert = Value("sslrootcert"),
            SslCert = Value("sslcert"),
            SslKey = Value("sslkey"),
            ChannelBinding = Find("channel_binding") is var (binding, place1) ? ParseChannelBinding(binding, place1) : null,
            Options = Value("options"),
            ConnectTimeoutSeconds = Find("connect_timeout") is var (timeout, place2) ? ParseTimeout(timeout, place2) : PostgreSqlConnectionSettings.DefaultConnectTimeoutSeconds,
        };
        settings = WithAuthorities(settings);
        if (settings.Password is null)
        {
            var passwords = PasswordFile.Read(Value("passfile"), environment, warnings);
            settings = settings with
            {
                Passwords = passwords,
                Password = passwords.Find(settings.Host, settings.Port, settings.Database ?? settings.Username, settings.Username),
            };
        }

        return settings with { Warnings = warnings };
    }

    /// <summary>Reads a port; the text is not repeated, because in a URI that was typed wrongly it is a piece of the password.</summary>
    public static int ParsePort(string text, string origin)
    {
        if (text.Contains(',', StringComparison.Ordinal))
            throw ConnectionFailures.SeveralHosts(origin);
        if (int.TryParse(text, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int port) && port is >= 1 and <= 65535)
            return port;
        throw ConnectionFailures.Invalid($"{origin} names a port that is no number from 1 to 65535.", "PostgreSQL's usual port is 5432. " + ConnectionFailures.EncodeHint, "port");
    }

    // libpq's rules, said out loud for a driver that has others: with a file of authorities "require" checks the certificate, that file has
    // a usual place, and "system" stands for those of the operating system and is no protection without the name's check:
    // https://www.postgresql.org/docs/current/libpq-ssl.html
    private PostgreSqlConnectionSettings WithAuthorities(PostgreSqlConnectionSettings settings)
    {
        if (settings.SslRootCert == "system")
        {
            return settings.SslMode is null or "verify-full" ? settings with { SslMode = "verify-full" } : throw ConnectionFailures.Invalid(
                $"sslrootcert=system needs sslmode=verify-full, and '{settings.SslMode}' was given.", "Leave sslmode out, or say verify-full.", "sslmode");
        }

        if (settings.SslRootCert is not null || settings.SslMode is not ("require" or "verify-ca" or "verify-full"))
            return settings;
        string? file = environment.UserFile(".postgresql/root.crt", "root.crt");
        return file is null || environment.ReadLines(file) is null ? settings : settings with { SslRootCert = file };
    }

    private static ConnectionParts Said(PostgreSqlConnectionRequest request)
    {
        if (request.Port is < 1 or > 65535)
            throw ConnectionFailures.Invalid($"The port {request.Port} is not from 1 to 65535.", "PostgreSQL's usual port is 5432.", "Port");
        var said = new ConnectionParts("The call");
        said.Set("host", request.Server switch
        {
            ServerAddress.AtHost { HostName: var name } => name,
            ServerAddress.OfText { HostName: var name } => name,
            _ => null,
        });
        said.Set("port", request.Port?.ToString(CultureInfo.InvariantCulture));
        said.Set("dbname", request.Database);
        said.Set("user", request.Username);
        said.Set("password", request.Password);
        return said;
    }

    private string Host()
    {
        // Name and address belong together: a name that was said is not to be overruled by an address in the environment.
        var place = _places.Find(parts => parts.Value("host") is not null || parts.Value("hostaddr") is not null);
        if (place is null)
        {
            if (environment.IsWindows)
                return "localhost";
            return environment.FolderExists("/var/run/postgresql") ? "/var/run/postgresql" : "/tmp";
        }

        // The address spares the look-up of the name, but only the name can be compared with a certificate.
        string host = (Value("sslmode") == "verify-full" ? place.Value("host") ?? place.Value("hostaddr") : place.Value("hostaddr") ?? place.Value("host"))!;
        if (PostgreSqlConnectionSettings.IsSocketHost(host))
            return host;
        if (host.Contains(',', StringComparison.Ordinal))
            throw ConnectionFailures.SeveralHosts(place.Origin);
        if (host.StartsWith('[') && host.EndsWith(']'))
            host = host[1..^1];
        bool isAddress = host.Contains(':', StringComparison.Ordinal) && IPAddress.TryParse(host, out _);
        if (!isAddress && host.Any(sign => char.IsWhiteSpace(sign) || char.IsControl(sign) || "/\\?#@'\"=;:%[]()<>{}|^`&".Contains(sign, StringComparison.Ordinal)))
        {
            // The text is not repeated: in a string that was typed wrongly it may hold a piece of the password.
            throw ConnectionFailures.Invalid(
                $"{place.Origin} names a host that is no name, address or absolute folder of a socket.",
                "Give the port apart from the host; in a connection string put quotes around values with spaces or ;.",
                "host");
        }

        return host;
    }

    private static string ParseSslMode(string text, string origin) => text.Trim().ToLowerInvariant() switch
    {
        "verifyca" or "verify-ca" => "verify-ca",
        "verifyfull" or "verify-full" => "verify-full",
        "disable" or "allow" or "prefer" or "require" => text.Trim().ToLowerInvariant(),
        _ => throw ConnectionFailures.Invalid($"{origin} names an SSL mode that PostgreSQL does not know.", "Use disable, allow, prefer, require, verify-ca or verify-full.", "sslmode"),
    };

    private static string ParseChannelBinding(string text, string origin) => text.Trim().ToLowerInvariant() is "disable" or "prefer" or "require"
        ? text.Trim().ToLowerInvariant()
        : throw ConnectionFailures.Invalid($"{origin} names a channel binding that PostgreSQL does not know.", "Use disable, prefer or require.", "channel_binding");

    private static int ParseTimeout(string text, string origin) =>
        int.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int seconds)
            // libpq takes a negative number for no end, too.
            ? Math.Max(0, seconds)
            : throw ConnectionFailures.Invalid($"{origin} names a connect timeout that is no whole number of seconds.", "Give the seconds, such as 15.", "connect_timeout");

    private string? Value(string keyword) => Find(keyword)?.Value;

    private Found? Find(string keyword) =>
        _places.Find(parts => parts.Value(keyword) is not null) is { } place ? new Found(place.Value(keyword)!, place.Origin) : null;

    private sealed record Found(string Value, string Origin);
}
