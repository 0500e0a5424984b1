using System.Globalization;
using System.Text.RegularExpressions;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Upgrades.Targets;

/// <summary>
/// The environment variable that points a migration at a server database. In a container the application already knows the real database; a
/// copy's name replaces it in the same variable.
/// </summary>
internal sealed partial class DatabaseUrls
{
    // Suffixes of variables that hold a database name. A user, host or schema of the same name must not be replaced.
    private static readonly string[] s_bareNames =
    [
        "DB", "DBNAME", "DB_NAME", "DATABASE", "DATABASE_NAME", "DB__NAME", "DATABASE__NAME", "POSTGRES_NAME", "POSTGRESQL_NAME", "POSTGRES__NAME", "POSTGRESQL__NAME",
    ];

    private static readonly string[] s_databaseOptions = ["dbname", "database"];
    private static readonly string[] s_addressOptions = ["host", "hostaddr", "port", "user", "password", "passfile", "service", "servicefile"];

    private readonly string? _variable;
    private readonly string? _value;
    private readonly string? _real;

    private DatabaseUrls(string? variable, string? value, string? real, string? whyNone)
    {
        _variable = variable;
        _value = value;
        _real = real;
        WhyNone = whyNone;
    }

    /// <summary>Why a program cannot be pointed at a copy; null if it can.</summary>
    public string? WhyNone { get; }

    /// <summary>Returns the variable for a program on this machine.</summary>
    /// <param name="variable">The variable that the program reads; null if unknown.</param>
    /// <param name="server">The server and the database.</param>
    /// <param name="present">The variable's present value, whose form the application chose, as in <c>postgresql+asyncpg://</c>; null if unset.</param>
    public static DatabaseUrls OfProgram(string? variable, PostgreSqlConnectionSettings server, string? present)
    {
        if (variable is null)
            return new DatabaseUrls(null, null, null, "the migration cannot be pointed at a copy; set -DatabaseVariable");
        string url = present is not null && SettingsText.TryParse(present) is { } settings
            ? settings.For(server)
            : UrlOf(server, present is not null && IsUrl(present) ? present : "postgresql://");
        return new DatabaseUrls(variable, url, url, null);
    }

    /// <summary>Returns the variable for a container.</summary>
    /// <param name="environment">The container's variables, <c>NAME=value</c>.</param>
    /// <param name="database">The real database.</param>
    /// <param name="variable">The variable to use; null to find it.</param>
    public static DatabaseUrls OfContainer(IReadOnlyList<string> environment, string database, string? variable)
    {
        IEnumerable<(string Name, string Value)> all = environment.Select(entry => entry.Split('=', 2)).Where(parts => parts.Length == 2).Select(parts => (parts[0], parts[1]));
        if (variable is not null)
        {
            string? value = all.LastOrDefault(entry => entry.Name == variable).Value;
            return value is not null && Replace(value, database, database) is not null
                ? new DatabaseUrls(variable, value, null, null)
                : new DatabaseUrls(null, null, null, $"container variable {variable} {(value is null ? "is not set" : $"does not name database '{database}'")}");
        }

        (string Name, string Value)[] fitting = [.. all.Where(entry => (IsUrl(entry.Value) || SettingsText.TryParse(entry.Value) is not null) && Replace(entry.Value, database, database) is not null)];
        if (fitting.Length == 0)
            fitting = [.. all.Where(entry => entry.Value == database && s_bareNames.Any(end => entry.Name.EndsWith(end, StringComparison.OrdinalIgnoreCase)))];
        return fitting switch
        {
            [var only] => new DatabaseUrls(only.Name, only.Value, null, null),
            [] => new DatabaseUrls(null, null, null, $"no container variable names database '{database}'; set -DatabaseVariable"),
            _ => new DatabaseUrls(null, null, null, $"more than one container variable names database '{database}' ({string.Join(", ", fitting.Select(entry => entry.Name))}); choose one with -DatabaseVariable"),
        };
    }

    /// <summary>Returns the variables for a database.</summary>
    public IReadOnlyDictionary<string, string?> For(string database, bool isCopy)
    {
        string? value = isCopy ? _value : _real;
        return _variable is null || value is null
            ? new Dictionary<string, string?>()
            : new Dictionary<string, string?> { [_variable] = isCopy ? Replace(value, null, database) : value };
    }

    /// <summary>Replaces the database in a URL or a bare name; null if the value does not name the present one.</summary>
    /// <param name="value">The URL, the connection string or the name.</param>
    /// <param name="present">The database that the value must name; null for any.</param>
    /// <param name="database">The new database.</param>
    internal static string? Replace(string value, string? present, string database)
    {
        if (SettingsText.TryParse(value) is { } settings)
            return present is null || settings.Database == present ? settings.WithDatabase(database) : null;
        if (Opaque().Match(value) is { Success: true } opaque)
            return present is null || Uri.UnescapeDataString(opaque.Groups[2].Value) == present ? opaque.Groups[1].Value + Uri.EscapeDataString(database) + opaque.Groups[3].Value : null;
        if (!IsUrl(value))
            return present is null || value == present ? database : null;
        int authority = EndOfLogin(value);
        int query = value.IndexOfAny(['?', '#'], authority);
        int end = query < 0 ? value.Length : query;
        int slash = value.IndexOf('/', authority);
        // In drivers, a database option overrides the path.
        if (slash < 0 || slash >= end || Options(value).Any(option => s_databaseOptions.Contains(NameOf(option))))
            return null;
        string named = Uri.UnescapeDataString(value[(slash + 1)..end]);
        return present is null || named == present ? value[..(slash + 1)] + Uri.EscapeDataString(database) + value[end..] : null;
    }

    /// <summary>Returns the secrets in a URL or connection string: its password, encoded and decoded.</summary>
    internal static string[] SecretsOf(string value)
    {
        if (SettingsText.TryParse(value) is { } settings)
            return settings.Password is { Length: > 0 } secret ? [secret] : [];
        if (!IsUrl(value))
            return [];
        string[] options = [.. Options(value).Where(option => NameOf(option) == "password").Select(option => option[(option.IndexOf('=', StringComparison.Ordinal) + 1)..]).Where(secret => secret.Length > 0)];
        if (options.Length > 0)
            return [.. options, .. options.Select(Uri.UnescapeDataString)];
        int start = value.IndexOf("://", StringComparison.Ordinal) + 3;
        int colon = value.IndexOf(':', start);
        int end = EndOfLogin(value) - 1;
        if (colon < 0 || colon + 1 >= end)
            return [];
        string password = value[(colon + 1)..end];
        return [password, Uri.UnescapeDataString(password)];
    }

    private static bool IsUrl(string value) => Url().IsMatch(value);

    // SQLAlchemy's and libpq's, Java's, Ecto's, those of Django and PHP.
    [GeneratedRegex(@"^(?:jdbc:|r2dbc:)?(?:postgres[a-z0-9]*|ecto|pgsql|postgis|psql)(?:\+[a-z0-9_]+)?://", RegexOptions.IgnoreCase)]
    private static partial Regex Url();

    // The server of this machine, as Java's driver takes it.
    [GeneratedRegex(@"^(jdbc:postgresql:)([^/?:][^/?]*)(\?.*)?$")]
    private static partial Regex Opaque();

    private static string UrlOf(PostgreSqlConnectionSettings server, string form)
    {
        string scheme = form[..(form.IndexOf("://", StringComparison.Ordinal) + 3)];
        // Java's driver takes no login before the host.
        bool isJava = scheme.StartsWith("jdbc:", StringComparison.OrdinalIgnoreCase);
        string login = Uri.EscapeDataString(server.Username) + (server.Password is null ? string.Empty : ":" + Uri.EscapeDataString(server.Password));
        string database = Uri.EscapeDataString(server.Database ?? server.Username);
        string port = server.Port.ToString(CultureInfo.InvariantCulture);
        // Address and login options are replaced.
        List<string> options = [.. Options(form).Where(option => !s_addressOptions.Contains(NameOf(option)) && !s_databaseOptions.Contains(NameOf(option)))];
        if (server.IsSocket)
            options.AddRange([$"host={Uri.EscapeDataString(server.Host)}", $"port={port}"]);
        else if (server.SslMode is { } mode && options.Count == 0)
            options.Add((scheme.Contains("+asyncpg:", StringComparison.Ordinal) ? "ssl=" : "sslmode=") + mode);
        if (isJava)
            options.InsertRange(0, [$"user={Uri.EscapeDataString(server.Username)}", .. server.Password is null ? Array.Empty<string>() : [$"password={Uri.EscapeDataString(server.Password)}"]]);
        string query = options.Count == 0 ? string.Empty : "?" + string.Join('&', options);
        if (server.IsSocket && !isJava)
            return $"{scheme}{login}@/{database}{query}";
        string host = server.Host.Contains(':', StringComparison.Ordinal) ? $"[{server.Host}]" : server.Host;
        return $"{scheme}{(isJava ? string.Empty : login + "@")}{(server.IsSocket ? "localhost" : host)}:{port}/{database}{query}";
    }

    // A password may contain an unencoded question mark or number sign.
    private static int EndOfLogin(string url)
    {
        int start = url.IndexOf("://", StringComparison.Ordinal) + 3;
        int at = url.IndexOf('@', start);
        int slash = url.IndexOf('/', start);
        return at >= 0 && (slash < 0 || at < slash) ? at + 1 : start;
    }

    private static string[] Options(string url)
    {
        int query = url.IndexOf('?', EndOfLogin(url));
        return query < 0 ? [] : url[(query + 1)..].Split('#')[0].Split('&', StringSplitOptions.RemoveEmptyEntries);
    }

    private static string NameOf(string option) => option.Split('=')[0].ToLowerInvariant();
}
