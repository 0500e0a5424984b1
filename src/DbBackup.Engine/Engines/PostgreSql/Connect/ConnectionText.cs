using System.Data.Common;
using System.Text;
using System.Text.RegularExpressions;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>Reads a connection string in any of its three grammars: a URI, Npgsql's, or libpq's keyword string.</summary>
internal static partial class ConnectionText
{
    /// <summary>Reads the parts of a connection string.</summary>
    /// <exception cref="BackupFailure">The text has none of the forms, or a key that nobody knows; no value is repeated.</exception>
    public static ConnectionParts Parse(string text)
    {
        text = text.Trim();
        if (ConnectionUri.IsOne(text))
            return ConnectionUri.Parse(text);
        if (OtherScheme().Match(text) is { Success: true } other)
            throw ConnectionFailures.Invalid($"The connection string is a URI of '{other.Groups[1].Value}', not of PostgreSQL.", ConnectionFailures.FormHint);
        var words = KeywordPairs(text);
        if (words is not null && IsKeywordString(text, words))
        {
            var parts = new ConnectionParts("The connection string");
            foreach (var (key, value) in words)
                parts.Add(key, value);
            return parts;
        }

        return ParseDriver(text);
    }

    private static bool IsKeywordString(string text, List<(string Key, string Value)> words)
    {
        // "Host=a;Port=1" is one pair for libpq, with a value that goes on to the end.
        foreach (Match match in NextKey().Matches(text))
        {
            if (ConnectionKeywords.Keyword(match.Groups[1].Value) is not null)
                return words.Count > 1 && !ReadsAsDriver(text);
        }

        return words.Count > 1 || !text.Contains(';', StringComparison.Ordinal);
    }

    private static bool ReadsAsDriver(string text)
    {
        try
        {
            var builder = new DbConnectionStringBuilder { ConnectionString = text };
            return builder.Keys.Count > 1 && builder.Keys.Cast<string>().All(key => ConnectionKeywords.Keyword(key) is not null);
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static ConnectionParts ParseDriver(string text)
    {
        var builder = new DbConnectionStringBuilder();
        try
        {
            builder.ConnectionString = text;
        }
        catch (ArgumentException)
        {
            // The framework's own message is not passed on: it may repeat a piece of the text.
            throw ConnectionFailures.Invalid("The connection string cannot be read.", ConnectionFailures.FormHint);
        }

        var parts = new ConnectionParts("The connection string");
        foreach (string key in builder.Keys)
            parts.Add(key, (string)builder[key]);
        // Npgsql takes a port behind the host's name.
        if (parts.Value("host") is { } host && HostAndPort().Match(host) is { Success: true } match)
        {
            parts.Set("host", match.Groups[1].Value);
            parts.Set("port", match.Groups[2].Value);
        }

        return parts;
    }

    /// <summary>The pairs of libpq's keyword string (its conninfo_parse); null where the text is none.</summary>
    private static List<(string Key, string Value)>? KeywordPairs(string text)
    {
        var pairs = new List<(string, string)>();
        int at = 0;
        while (SkipSpace(text, ref at))
        {
            int start = at;
            while (at < text.Length && text[at] != '=' && !char.IsWhiteSpace(text[at]))
                at++;
            string key = text[start..at];
            if (!SkipSpace(text, ref at) || text[at++] != '=' || key.Length == 0)
                return null;
            if (!SkipSpace(text, ref at))
            {
                pairs.Add((key, string.Empty));
                break;
            }

            if (ReadValue(text, ref at) is not { } value)
                return null;
            pairs.Add((key, value));
        }

        return pairs.Count == 0 ? null : pairs;
    }

    private static string? ReadValue(string text, ref int at)
    {
        bool quoted = text[at] == '\'';
        if (quoted)
            at++;
        var value = new StringBuilder();
        for (; at < text.Length; at++)
        {
            if (quoted ? text[at] == '\'' : char.IsWhiteSpace(text[at]))
            {
                at++;
                return value.ToString();
            }

            if (text[at] == '\\' && at + 1 < text.Length)
                at++;
            value.Append(text[at]);
        }

        return quoted ? null : value.ToString();
    }

    private static bool SkipSpace(string text, ref int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at]))
            at++;
        return at < text.Length;
    }

    [GeneratedRegex(@"^([A-Za-z][A-Za-z0-9+.\-:]*)://", RegexOptions.CultureInvariant)]
    private static partial Regex OtherScheme();

    [GeneratedRegex(@";\s*([A-Za-z][A-Za-z_ ]*?)\s*=", RegexOptions.CultureInvariant)]
    private static partial Regex NextKey();

    [GeneratedRegex(@"^(\[[^\]]+\]|[^:/\\@]+):([0-9]+)$", RegexOptions.CultureInvariant)]
    private static partial Regex HostAndPort();
}
