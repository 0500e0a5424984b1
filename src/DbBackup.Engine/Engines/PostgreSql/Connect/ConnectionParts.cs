namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>Settings from one place (a string, a service, the environment) under libpq's keywords.</summary>
/// <param name="origin">The place, as messages name it: "The connection string".</param>
internal sealed class ConnectionParts(string origin)
{
    private readonly Dictionary<string, string> _values = [];

    /// <summary>The place, as messages name it.</summary>
    public string Origin { get; } = origin;

    /// <summary>Keywords that have a meaning for the connection's safety but cannot be kept.</summary>
    public List<string> Unsupported { get; } = [];

    /// <summary>The value of one of libpq's keywords; null where there is none or it is empty, which libpq takes for the same.</summary>
    public string? Value(string keyword) => _values.TryGetValue(keyword, out string? value) && value.Length > 0 ? value : null;

    /// <summary>Sets a keyword of libpq, over what was said before.</summary>
    public void Set(string keyword, string? value)
    {
        if (value is null)
            return;
        if (value.Contains('\0', StringComparison.Ordinal))
            throw ConnectionFailures.Invalid($"{Origin} has a null character in '{keyword}'.", "Leave the character out: PostgreSQL knows none.", keyword);
        _values[keyword] = value;
    }

    /// <summary>Takes a key in any of the spellings that drivers have, with its value.</summary>
    /// <exception cref="BackupFailure">No driver knows the key. The message names the key, never the value.</exception>
    public void Add(string key, string value)
    {
        if (!TryAdd(key, value))
        {
            throw ConnectionFailures.Invalid(
                $"{Origin} has an unknown key, '{key}'.",
                "Correct or remove it; a value that holds spaces, ; or = needs quotes, and in a URI percent-encoding.",
                key);
        }
    }

    /// <summary>Like <see cref="Add"/>, but says whether the key is known.</summary>
    public bool TryAdd(string key, string value)
    {
        if (key.Equals("ssl", StringComparison.OrdinalIgnoreCase))
        {
            // JDBC's and libpq's "ssl=true"; asyncpg has the mode's words there.
            Set("sslmode", value.ToLowerInvariant() switch { "true" or "1" => "require", "false" or "0" => "disable", _ => value });
            return true;
        }

        if (ConnectionKeywords.Keyword(key) is not { } keyword)
            return false;
        if (keyword == ConnectionKeywords.Ignored)
            return true;
        if (keyword == ConnectionKeywords.Unsupported)
            Unsupported.Add(key);
        else
            Set(keyword, value);
        return true;
    }
}
