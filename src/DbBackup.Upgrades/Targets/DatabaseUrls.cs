using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Upgrades.Targets;

/// <summary>
/// The environment that leads an application's migration to a database of its server: to the real one the application finds its way by
/// itself, to a copy by the same variable with the copy's name in it.
/// </summary>
internal sealed class DatabaseUrls
{
    // How variables end that hold a database's name. A user, host or schema of the same name is none: a copy's name there would lead nowhere else.
    private static readonly string[] s_bareNames = ["DB", "DBNAME", "DB_NAME", "DATABASE", "DATABASE_NAME"];

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

    /// <summary>Why a program cannot be led to a copy; null where it can.</summary>
    public string? WhyNone { get; }

    /// <summary>Of a program on this machine.</summary>
    /// <param name="variable">The variable that it reads; null where that is not known.</param>
    /// <param name="server">The server and the database.</param>
    /// <param name="present">The variable's value now, whose form is the application's own, as in <c>postgresql+asyncpg://</c>; null where it is not set.</param>
    public static DatabaseUrls OfProgram(string? variable, PostgreSqlConnectionSettings server, string? present)
    {
        if (variable is null)
            return new DatabaseUrls(null, null, null, "it is not known how the migration is led to a copy (-DatabaseVariable)");
        string url = UrlOf(server, present is not null && IsUrl(present) ? present : "postgresql://");
        return new DatabaseUrls(variable, url, url, null);
    }

    /// <summary>Of a container.</summary>
    /// <param name="environment">Its variables, <c>NAME=value</c>.</param>
    /// <param name="database">The real database.</param>
    /// <param name="variable">The variable that is meant; null to find it.</param>
    public static DatabaseUrls OfContainer(IReadOnlyList<string> environment, string database, string? variable)
    {
        IEnumerable<(string Name, string Value)> all = environment.Select(entry => entry.Split('=', 2)).Where(parts => parts.Length == 2).Select(parts => (parts[0], parts[1]));
        if (variable is not null)
        {
            string? value = all.LastOrDefault(entry => entry.Name == variable).Value;
            return value is not null && Replace(value, database, database) is not null
                ? new DatabaseUrls(variable, value, null, null)
                : new DatabaseUrls(null, null, null, $"the container's variable {variable} {(value is null ? "is not set" : $"does not name the database '{database}'")}");
        }

        (string Name, string Value)[] fitting = [.. all.Where(entry => IsUrl(entry.Value) && Replace(entry.Value, database, database) is not null)];
        if (fitting.Length == 0)
            fitting = [.. all.Where(entry => entry.Value == database && s_bareNames.Any(end => entry.Name.EndsWith(end, StringComparison.OrdinalIgnoreCase)))];
        return fitting switch
        {
            [var only] => new DatabaseUrls(only.Name, only.Value, null, null),
            [] => new DatabaseUrls(null, null, null, $"no variable of the container names the database '{database}' (-DatabaseVariable)"),
            _ => new DatabaseUrls(null, null, null, $"several variables of the container name the database '{database}': {string.Join(", ", fitting.Select(entry => entry.Name))} (-DatabaseVariable)"),
        };
    }

    /// <summary>The variables for a database.</summary>
    public IReadOnlyDictionary<string, string?> For(string database, bool isCopy)
    {
        string? value = isCopy ? _value : _real;
        return _variable is null || value is null
            ? new Dictionary<string, string?>()
            : new Dictionary<string, string?> { [_variable] = isCopy ? Replace(value, null, database) : value };
    }

    /// <summary>Puts another database into a URL, or in the place of a bare name; null where it does not name the one that is there.</summary>
    /// <param name="value">The URL or name.</param>
    /// <param name="present">The database that it must name; null for any.</param>
    /// <param name="database">The other one.</param>
    internal static string? Replace(string value, string? present, string database)
    {
        if (!IsUrl(value))
            return present is null || value == present ? database : null;
        int authority = EndOfLogin(value);
        int query = value.IndexOfAny(['?', '#'], authority);
        int end = query < 0 ? value.Length : query;
        int slash = value.IndexOf('/', authority);
        // Drivers let a database among the options overrule that of the path.
        if (slash < 0 || slash >= end || Options(value).Any(option => s_databaseOptions.Contains(NameOf(option))))
            return null;
        string named = Uri.UnescapeDataString(value[(slash + 1)..end]);
        return present is null || named == present ? value[..(slash + 1)] + Uri.EscapeDataString(database) + value[end..] : null;
    }

    /// <summary>What of a URL must not be told: its password, as it stands there and as it is.</summary>
    internal static string[] SecretsOf(string value)
    {
        if (!IsUrl(value))
            return [];
        int start = value.IndexOf("://", StringComparison.Ordinal) + 3;
        int colon = value.IndexOf(':', start);
        int end = EndOfLogin(value) - 1;
        if (colon < 0 || colon + 1 >= end)
            return [];
        string password = value[(colon + 1)..end];
        return [password, Uri.UnescapeDataString(password)];
    }

    private static bool IsUrl(string value) => value.StartsWith("postgres", StringComparison.Ordinal) && value.Contains("://", StringComparison.Ordinal);

    private static string UrlOf(PostgreSqlConnectionSettings server, string form)
    {
        string scheme = form[..(form.IndexOf("://", StringComparison.Ordinal) + 3)];
        string login = Uri.EscapeDataString(server.Username) + (server.Password is null ? string.Empty : ":" + Uri.EscapeDataString(server.Password));
        string database = Uri.EscapeDataString(server.Database ?? server.Username);
        string port = server.Port.ToString(CultureInfo.InvariantCulture);
        // What says where the database is, and who connects, is said anew.
        List<string> options = [.. Options(form).Where(option => !s_addressOptions.Contains(NameOf(option)) && !s_databaseOptions.Contains(NameOf(option)))];
        if (server.IsSocket)
            options.AddRange([$"host={Uri.EscapeDataString(server.Host)}", $"port={port}"]);
        else if (server.SslMode is { } mode && options.Count == 0)
            options.Add((scheme.Contains("+asyncpg:", StringComparison.Ordinal) ? "ssl=" : "sslmode=") + mode);
        string query = options.Count == 0 ? string.Empty : "?" + string.Join('&', options);
        if (server.IsSocket)
            return $"{scheme}{login}@/{database}{query}";
        string host = server.Host.Contains(':', StringComparison.Ordinal) ? $"[{server.Host}]" : server.Host;
        return $"{scheme}{login}@{host}:{port}/{database}{query}";
    }

    // A password may hold a question mark or a number sign that nobody has encoded.
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
