using System.Text.Json.Nodes;

namespace DbBackup.Engine.Docker.Addressing;

/// <summary>
/// Reads the YAML that compose itself prints: mappings and lists in blocks, indented by two spaces a level, and scalars. Of a scalar of several
/// lines it returns the first. It is no reader for files that people write.
/// </summary>
internal sealed class ComposeYaml
{
    // Compose has far fewer levels; more are not read.
    private const int MostLevels = 40;

    private readonly List<(int Depth, string Text)> _lines;
    private int _next;

    private ComposeYaml(string text)
    {
        _lines = [];
        foreach (string line in text.Split('\n'))
        {
            string content = line.Trim();
            // An empty line is within a scalar of several lines.
            if (content.Length > 0)
                _lines.Add((line.Length - line.TrimStart(' ').Length, content));
        }
    }

    /// <summary>Reads a document; an empty object if it is none of these.</summary>
    public static JsonObject Parse(string text)
    {
        var yaml = new ComposeYaml(text);
        return yaml._lines.Count == 0 ? [] : yaml.Block(yaml._lines[0].Depth, 0) as JsonObject ?? [];
    }

    private JsonNode? Block(int depth, int level)
    {
        if (level > MostLevels)
        {
            SkipDeeper(depth - 1);
            return null;
        }

        return IsItem(_lines[_next].Text) ? List(depth, level) : Mapping(depth, level);
    }

    private JsonArray List(int depth, int level)
    {
        var list = new JsonArray();
        while (_next < _lines.Count && _lines[_next].Depth == depth && IsItem(_lines[_next].Text))
        {
            string item = _lines[_next].Text[1..].TrimStart();
            if (item.Length == 0)
            {
                _next++;
                list.Add(Below(depth, level));
            }
            else if (SplitKey(item) is not null)
            {
                // The first key of a mapping stands beside the dash.
                _lines[_next] = (depth + 2, item);
                list.Add(Block(depth + 2, level + 1));
            }
            else
            {
                _next++;
                SkipDeeper(depth);
                list.Add(Scalar(item));
            }
        }

        return list;
    }

    private JsonObject Mapping(int depth, int level)
    {
        var mapping = new JsonObject();
        while (_next < _lines.Count && _lines[_next].Depth == depth && !IsItem(_lines[_next].Text))
        {
            (string Key, string Value)? pair = SplitKey(_lines[_next++].Text);
            if (pair is not { } found)
            {
                SkipDeeper(depth);
                continue;
            }

            if (found.Value.Length > 0)
            {
                SkipDeeper(depth);
                mapping[found.Key] = Scalar(found.Value);
            }
            else
            {
                // A list may stand at the depth of its key.
                bool isList = _next < _lines.Count && _lines[_next].Depth == depth && IsItem(_lines[_next].Text);
                mapping[found.Key] = isList ? Block(depth, level + 1) : Below(depth, level);
            }
        }

        // What does not fit is left out.
        SkipDeeper(depth);
        return mapping;
    }

    private JsonNode? Below(int depth, int level) => _next < _lines.Count && _lines[_next].Depth > depth ? Block(_lines[_next].Depth, level + 1) : null;

    private void SkipDeeper(int depth)
    {
        while (_next < _lines.Count && _lines[_next].Depth > depth)
            _next++;
    }

    private static bool IsItem(string text) => text == "-" || text.StartsWith("- ", StringComparison.Ordinal);

    // Null for a scalar.
    private static (string Key, string Value)? SplitKey(string text)
    {
        char quote = text[0] is '"' or '\'' ? text[0] : '\0';
        int end = quote == '\0' ? 0 : text.IndexOf(quote, 1);
        if (end < 0)
            return null;
        int colon = text.IndexOf(':', end);
        while (colon >= 0 && colon + 1 < text.Length && text[colon + 1] != ' ')
            colon = text.IndexOf(':', colon + 1);
        if (colon <= 0 || (quote != '\0' && colon != end + 1))
            return null;
        return (Unquote(text[..colon]), text[(colon + 1)..].Trim());
    }

    private static JsonValue? Scalar(string text) => text is "null" or "~" or "{}" or "[]" ? null : JsonValue.Create(Unquote(text));

    private static string Unquote(string text) => text switch
    {
        ['\'', .. var inner, '\''] => inner.Replace("''", "'", StringComparison.Ordinal),
        ['"', .. var inner, '"'] => inner.Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal),
        _ => text,
    };
}
