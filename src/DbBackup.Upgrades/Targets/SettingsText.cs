using System.Globalization;
using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Upgrades.Targets;

/// <summary>
/// A connection string of settings: .NET's <c>Host=db;Database=shop</c>, libpq's <c>host=db dbname=shop</c> and PHP's <c>pgsql:host=db;dbname=shop</c>.
/// </summary>
internal sealed class SettingsText
{
    private const string Php = "pgsql:";
    private static readonly string[] s_databases = ["database", "db", "dbname"];
    private static readonly string[] s_hosts = ["host", "server", "hostaddr"];
    private static readonly string[] s_logins = ["port", "user", "user id", "userid", "username", "uid", "passfile", "service"];
    private static readonly string[] s_passwords = ["password", "pwd", "psw"];

    private readonly string _prefix;
    private readonly bool _isOfLibpq;
    private readonly List<(string Name, string Value)> _settings;

    private SettingsText(string prefix, bool isOfLibpq, List<(string Name, string Value)> settings)
    {
        _prefix = prefix;
        _isOfLibpq = isOfLibpq;
        _settings = settings;
    }

    /// <summary>The database; null if none is named, or more than one is.</summary>
    public string? Database => _settings.Count(setting => Is(setting.Name, s_databases)) == 1 ? _settings.Find(setting => Is(setting.Name, s_databases)).Value : null;

    /// <summary>The password; null if there is none.</summary>
    public string? Password => _settings.FindLast(setting => Is(setting.Name, s_passwords)).Value;

    /// <summary>Parses a connection string; null for any other text, and for one that names no host and no database.</summary>
    public static SettingsText? TryParse(string text)
    {
        string prefix = text.StartsWith(Php, StringComparison.Ordinal) && !text.StartsWith(Php + "//", StringComparison.Ordinal) ? Php : string.Empty;
        string rest = text[prefix.Length..];
        bool isOfLibpq = prefix.Length == 0 && !rest.Contains(';', StringComparison.Ordinal);
        List<(string Name, string Value)>? settings = Parse(rest, isOfLibpq);
        return settings?.Exists(setting => Is(setting.Name, s_databases)) == true && settings.Exists(setting => Is(setting.Name, s_hosts) || Is(setting.Name, s_logins))
            ? new SettingsText(prefix, isOfLibpq, settings)
            : null;
    }

    /// <summary>The same with another database; null if it names more than one.</summary>
    public string? WithDatabase(string database) => Database is null ? null : Write(_settings.Select(setting => Is(setting.Name, s_databases) ? (setting.Name, database) : setting));

    /// <summary>The same for a server; settings that are neither address nor login are kept.</summary>
    public string For(PostgreSqlConnectionSettings server)
    {
        bool isOfNet = !_isOfLibpq && _prefix.Length == 0;
        var settings = new List<(string, string)>
        {
            (isOfNet ? "Host" : "host", server.Host),
            (isOfNet ? "Port" : "port", server.Port.ToString(CultureInfo.InvariantCulture)),
            (isOfNet ? "Database" : "dbname", server.Database ?? server.Username),
            (isOfNet ? "Username" : "user", server.Username),
        };
        if (server.Password is { } password)
            settings.Add((isOfNet ? "Password" : "password", password));
        return Write(settings.Concat(_settings.Where(setting => !Is(setting.Name, s_databases) && !Is(setting.Name, s_hosts) && !Is(setting.Name, s_logins) && !Is(setting.Name, s_passwords))));
    }

    private static bool Is(string name, string[] names) => names.Contains(name, StringComparer.OrdinalIgnoreCase);

    private static List<(string Name, string Value)>? Parse(string text, bool isOfLibpq)
    {
        var settings = new List<(string, string)>();
        int at = 0;
        while (true)
        {
            while (at < text.Length && (char.IsWhiteSpace(text[at]) || text[at] == ';'))
                at++;
            if (at == text.Length)
                return settings;
            int equals = text.IndexOf('=', at);
            string name = equals < 0 ? string.Empty : text[at..equals].Trim();
            if (name.Length == 0 || !name.All(sign => char.IsAsciiLetterOrDigit(sign) || sign is '_' or ' '))
                return null;
            at = equals + 1;
            while (at < text.Length && text[at] == ' ')
                at++;
            if (ValueAt(text, ref at, isOfLibpq) is not { } value)
                return null;
            settings.Add((name, value));
        }
    }

    // Null for a quote without its end.
    private static string? ValueAt(string text, ref int at, bool isOfLibpq)
    {
        char quote = at < text.Length && (text[at] == '\'' || (text[at] == '"' && !isOfLibpq)) ? text[at++] : '\0';
        var value = new StringBuilder();
        for (; at < text.Length; at++)
        {
            char sign = text[at];
            if (quote == '\0' ? isOfLibpq ? char.IsWhiteSpace(sign) : sign == ';' : sign == quote && !(!isOfLibpq && at + 1 < text.Length && text[at + 1] == quote))
            {
                if (quote != '\0')
                    at++;
                return quote == '\0' ? value.ToString().Trim() : value.ToString();
            }

            // libpq has a backslash before what is meant as itself, .NET doubles a quote.
            if (((isOfLibpq && sign == '\\') || (quote != '\0' && sign == quote)) && at + 1 < text.Length)
                at++;
            value.Append(text[at]);
        }

        return quote == '\0' ? value.ToString().Trim() : null;
    }

    private string Write(IEnumerable<(string Name, string Value)> settings) =>
        _prefix + string.Join(_isOfLibpq ? ' ' : ';', settings.Select(setting => $"{setting.Name}={Quote(setting.Value)}"));

    private string Quote(string value) => _isOfLibpq
        ? value.Length > 0 && !value.Any(sign => char.IsWhiteSpace(sign) || sign is '\'' or '\\') ? value : "'" + value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal) + "'"
        : value == value.Trim() && !value.Any(sign => sign is ';' or '\'' or '"' or '=') ? value : '"' + value.Replace("\"", "\"\"", StringComparison.Ordinal) + '"';
}
