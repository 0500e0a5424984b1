using System.Globalization;

namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>The tokens of one statement. Each step takes a token if it is what was asked for, and else leaves it.</summary>
/// <param name="text">The statement, with its semicolon.</param>
internal ref struct StatementTokens(string text)
{
    private ReadOnlySpan<char> _rest = text;

    public readonly bool IsAtSemicolon => Peek(out _) is ";" or "";

    public readonly bool AtEnd() => Peek(out ReadOnlySpan<char> after) == ";" && after.Trim().IsEmpty;

    public bool Take(string word) => OneOf(word) is not null;

    public string? OneOf(params IReadOnlyCollection<string> words)
    {
        string token = Peek(out ReadOnlySpan<char> after);
        if (words.FirstOrDefault(word => word.Equals(token, StringComparison.OrdinalIgnoreCase)) is not { } found)
            return null;
        _rest = after;
        return found;
    }

    public int? Number()
    {
        if (!int.TryParse(Peek(out ReadOnlySpan<char> after), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number))
            return null;
        _rest = after;
        return number;
    }

    // A name without quotes is read in lower case, as the server reads it.
    public string? Name()
    {
        string token = Peek(out ReadOnlySpan<char> after);
        bool isWord = token.Length > 0 && token[0] is not ('"' or '\'' or '-') && token.All(sign => char.IsLetterOrDigit(sign) || sign is '_' or '$' or '.' or '-');
        if (!isWord && !IsWhole(token, '"'))
            return null;
        _rest = after;
        return isWord ? token.ToLowerInvariant() : QuotedName.Unquote(token);
    }

    // 'it''s', or E'C:\\data' where there is a backslash in it; other escapes are not pg_dumpall's.
    public string? Literal()
    {
        string token = Peek(out ReadOnlySpan<char> after);
        bool escapes = token is "E" or "e" && after is ['\'', ..];
        if (escapes)
            token = QuotedName.Next(ref after);
        if (!IsWhole(token, '\''))
            return null;
        string value = QuotedName.Unquote(token);
        if (escapes)
        {
            if (value.Replace(@"\\", string.Empty, StringComparison.Ordinal).Contains('\\', StringComparison.Ordinal))
                return null;
            value = value.Replace(@"\\", @"\", StringComparison.Ordinal);
        }

        _rest = after;
        return value;
    }

    private static bool IsWhole(string token, char quote) => token.Length >= 2 && token[0] == quote && token[^1] == quote;

    private readonly string Peek(out ReadOnlySpan<char> after)
    {
        after = _rest;
        return QuotedName.Next(ref after);
    }
}
