using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>libpq's URI, <c>postgresql://user:password@host:port/database?key=value</c>, also with a driver's name as SQLAlchemy has it.</summary>
internal static partial class ConnectionUri
{
    /// <summary>True if a text is meant as a URI of PostgreSQL.</summary>
    public static bool IsOne(string text) => Scheme().IsMatch(text);

    /// <summary>Reads the parts. The grammar is that of libpq's conninfo_uri_parse_options, with one host.</summary>
    public static ConnectionParts Parse(string text)
    {
        var parts = new ConnectionParts("The connection string");
        string rest = text[Scheme().Match(text).Length..];

        // Like libpq, user and password end at the first @ before a slash.
        int end = rest.AsSpan().IndexOfAny('@', '/');
        bool hasUser = end >= 0 && rest[end] == '@';
        if (hasUser)
        {
            string[] user = rest[..end].Split(':', 2);
            parts.Set("user", Decode(user[0]));
            if (user.Length > 1)
                parts.Set("password", Decode(user[1]));
            rest = rest[(end + 1)..];
        }

        int question = rest.IndexOf('?', StringComparison.Ordinal);
        string query = question < 0 ? string.Empty : rest[(question + 1)..];
        rest = question < 0 ? rest : rest[..question];
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        string place = slash < 0 ? rest : rest[..slash];
        string database = slash < 0 ? string.Empty : rest[(slash + 1)..];
        // A slash or @ that was not encoded moves a part of the password into the database or host, from where it would be shown.
        if (rest.Contains('@', StringComparison.Ordinal))
            throw Misread();
        ParsePlace(place, parts);
        parts.Set("dbname", Decode(database));
        ParseQuery(query, parts, mayHoldUser: !hasUser);
        return parts;
    }

    private static void ParsePlace(string place, ConnectionParts parts)
    {
        if (place.Contains(',', StringComparison.Ordinal))
            throw ConnectionFailures.SeveralHosts(parts.Origin);
        var match = Place().Match(place);
        if (!match.Success)
            throw ConnectionFailures.Invalid("The connection string's host and port cannot be read.", "An IPv6 address needs brackets: postgresql://[::1]:5432/database. " + ConnectionFailures.EncodeHint);
        parts.Set("host", Decode(match.Groups["address"].Success ? match.Groups["address"].Value : match.Groups["name"].Value));
        parts.Set("port", match.Groups["port"].Value);
    }

    private static void ParseQuery(string query, ConnectionParts parts, bool mayHoldUser)
    {
        foreach (string pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] sides = pair.Split('=', 2);
            bool known = sides.Length == 2 && parts.TryAdd(Decode(sides[0]), Decode(sides[1]));
            if (known)
                continue;
            // The "key" may be a piece of a password with a ? in it.
            if (mayHoldUser && query.Contains('@', StringComparison.Ordinal))
                throw Misread();
            if (sides.Length < 2)
                throw ConnectionFailures.Invalid("The connection string has a key without a value after its '?'.", ConnectionFailures.EncodeHint);
            parts.Add(Decode(sides[0]), Decode(sides[1]));
        }
    }

    private static BackupFailure Misread() => ConnectionFailures.Invalid(
        "The connection string cannot be read: a '@' stands where the host or database should be, so a '@' or '/' before it is part of the user name or password.",
        ConnectionFailures.EncodeHint);

    private static string Decode(string text)
    {
        if (!text.Contains('%', StringComparison.Ordinal))
            return text;
        var bytes = new List<byte>(text.Length);
        for (int index = 0; index < text.Length; index++)
        {
            if (text[index] != '%')
            {
                // A sign outside the basic plane is two chars, which only together have bytes.
                int count = char.IsHighSurrogate(text[index]) && index + 1 < text.Length ? 2 : 1;
                bytes.AddRange(Encoding.UTF8.GetBytes(text, index, count));
                index += count - 1;
            }
            else if (index + 2 < text.Length
                && byte.TryParse(text.AsSpan(index + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value)
                && value != 0)
            {
                bytes.Add(value);
                index += 2;
            }
            else
            {
                throw ConnectionFailures.Invalid("The connection string has a '%' without two hexadecimal digits (or %00) after it.", ConnectionFailures.EncodeHint);
            }
        }

        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString([.. bytes]);
        }
        catch (DecoderFallbackException)
        {
            throw ConnectionFailures.Invalid("The connection string's percent-encoding is not UTF-8.", "Encode names and passwords as UTF-8: ä is %C3%A4.");
        }
    }

    [GeneratedRegex(@"^postgres(ql)?(\+[a-z0-9_]+)?://", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Scheme();

    [GeneratedRegex(@"^(\[(?<address>[^\]]+)\]|(?<name>[^:\[\]]*))(:(?<port>[^:]*))?$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Place();
}
