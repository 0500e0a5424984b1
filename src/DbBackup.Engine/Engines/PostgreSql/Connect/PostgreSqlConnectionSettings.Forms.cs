using System.Globalization;
using System.Text;
using Npgsql;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

// What the settings are turned into for those who connect.
public sealed partial record PostgreSqlConnectionSettings
{
    private const string ApplicationName = "DbBackup";

    // Npgsql refuses more than 1024 seconds.
    private const int DriverLongestTimeoutSeconds = 1024;

    // Where systems keep the authorities that they trust: Debian and Alpine, Red Hat, macOS. Windows has no such file.
    private static readonly string[] s_systemAuthorities = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

    /// <summary>The connection string for Npgsql. It holds the password.</summary>
    /// <param name="database">The database to connect to.</param>
    public string ToNpgsql(string database)
    {
        ArgumentException.ThrowIfNullOrEmpty(database);
        string? password = ForDatabase(database).Password;
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = Host,
            Port = Port,
            Database = database,
            Username = Username,
            ApplicationName = ApplicationName,
            Pooling = false,
            Enlist = false,
            Timeout = Math.Min(ConnectTimeoutSeconds, DriverLongestTimeoutSeconds),
            CommandTimeout = 0,
            KeepAlive = 30,
            IncludeErrorDetail = false,
            PersistSecurityInfo = false,
            // The driver reads text as UTF-8 only, whatever PGCLIENTENCODING tells it to ask for.
            ClientEncoding = "UTF8",
            SslMode = DriverSslMode(),
        };
        // The password file was read already, by libpq's rules; the driver would read another and take one that everybody may read.
        if (password is null)
            builder.Passfile = OperatingSystem.IsWindows() ? "NUL" : "/dev/null";
        else
            builder.Password = password;
        if (Options is not null)
            builder.Options = Options;
        if (ProvesPasswordAlone)
            builder.RequireAuth = "ScramSHA256,None";
        if (ChannelBinding is not null)
            builder.ChannelBinding = Enum.Parse<ChannelBinding>(ChannelBinding, ignoreCase: true);
        if (!IsSocket)
        {
            // Without a file the driver looks for one itself, in PGSSLROOTCERT among other places.
            if ((SslRootCert == "system" ? s_systemAuthorities.FirstOrDefault(File.Exists) : SslRootCert) is { } authorities)
                builder.RootCertificate = authorities;
            if (SslCert is not null)
                builder.SslCertificate = SslCert;
            if (SslKey is not null)
                builder.SslKey = SslKey;
        }

        return builder.ConnectionString;
    }

    /// <summary>The settings in libpq's keyword form, without the password: what may be written down.</summary>
    public string ToKeywords()
    {
        var text = new StringBuilder();
        void Add(string name, string? value)
        {
            if (value is not null)
                text.Append(text.Length == 0 ? string.Empty : " ").Append(name).Append("='").Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)).Append('\'');
        }

        Add("host", Host);
        Add("port", Port.ToString(CultureInfo.InvariantCulture));
        Add("user", Username);
        Add("dbname", Database);
        Add("sslmode", SslMode);
        Add("sslrootcert", SslRootCert);
        Add("sslcert", SslCert);
        Add("sslkey", SslKey);
        Add("channel_binding", ChannelBinding);
        Add("options", Options);
        Add("connect_timeout", ConnectTimeoutSeconds.ToString(CultureInfo.InvariantCulture));
        return text.ToString();
    }

    /// <summary>
    /// The environment of PostgreSQL's programs, which is where a password is not seen in a process list. Null means that the variable is
    /// removed: what it said is in the settings already, or would overrule them. The password is that of <see cref="Database"/>: use
    /// <see cref="ForDatabase"/> first where another one is meant.
    /// </summary>
    /// <param name="extraOptions">Options of the session, put after <see cref="Options"/>, such as <c>-c statement_timeout=0</c>.</param>
    public IReadOnlyDictionary<string, string?> ToToolEnvironment(string? extraOptions = null) => new Dictionary<string, string?>
    {
        ["PGHOST"] = Route?.ToolHost ?? Host,
        ["PGHOSTADDR"] = null,
        ["PGPORT"] = Port.ToString(CultureInfo.InvariantCulture),
        ["PGUSER"] = Username,
        ["PGPASSWORD"] = Password,
        // The password file was read already; where it had no line that fits, the programs must not find one elsewhere. A file below a
        // device cannot exist.
        ["PGPASSFILE"] = Route is null && OperatingSystem.IsWindows() ? @"NUL\none" : "/dev/null/none",
        ["PGDATABASE"] = null,
        ["PGSERVICE"] = null,
        ["PGSERVICEFILE"] = null,
        ["PGSSLMODE"] = SslMode ?? "prefer",
        ["PGREQUIRESSL"] = null,
        ["PGSSLROOTCERT"] = SslRootCert,
        ["PGSSLCERT"] = SslCert,
        ["PGSSLKEY"] = SslKey,
        ["PGCHANNELBINDING"] = ChannelBinding,
        ["PGOPTIONS"] = (Options, extraOptions) switch
        {
            (null, null or "") => null,
            (null, _) => extraOptions,
            (_, null or "") => Options,
            _ => Options + " " + extraOptions,
        },
        // The programs know it since version 16; what the user has set holds else.
        ["PGREQUIREAUTH"] = ProvesPasswordAlone ? "scram-sha-256,none" : Environment.GetEnvironmentVariable("PGREQUIREAUTH"),
        ["PGAPPNAME"] = ApplicationName,
        ["PGCONNECT_TIMEOUT"] = ConnectTimeoutSeconds.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>
    /// The value for <c>-d</c> of PostgreSQL's programs: a connection string of libpq that says the database and nothing else. A bare name
    /// would be taken for one where it holds a <c>=</c> or starts as a URI.
    /// </summary>
    public static string ToolDatabase(string database)
    {
        ArgumentException.ThrowIfNullOrEmpty(database);
        var text = new StringBuilder("dbname='");
        foreach (char sign in database)
        {
            if (sign is '\'' or '\\')
                text.Append('\\');
            text.Append(sign);
        }

        return text.Append('\'').ToString();
    }

    private Npgsql.SslMode DriverSslMode()
    {
        // libpq ignores the mode behind a socket, where the driver would ask the server in vain.
        if (IsSocket)
            return Npgsql.SslMode.Disable;
        return SslMode switch
        {
            "disable" => Npgsql.SslMode.Disable,
            "allow" => Npgsql.SslMode.Allow,
            // With a file of authorities libpq checks the certificate, for compatibility with its own past.
            "require" => SslRootCert is null ? Npgsql.SslMode.Require : Npgsql.SslMode.VerifyCA,
            "verify-ca" => Npgsql.SslMode.VerifyCA,
            "verify-full" => Npgsql.SslMode.VerifyFull,
            _ => Npgsql.SslMode.Prefer,
        };
    }
}
