using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DbBackup.Tests.Fuzz;

/// <summary>Changes JSON so that it stays JSON: members that are missing, null, of another kind, too large or too many.</summary>
internal static class JsonMutator
{
    private static readonly string[] s_numbers = ["-1", "0", "1e308", "1e400", "2147483648", "9223372036854775807", "9223372036854775808", "0.1", "-9223372036854775808"];

    /// <summary>Changes a member of an object of the input, or of one of its lines. Anything else is returned as it is.</summary>
    public static byte[] Mutate(byte[] input, Random random, byte[][] words)
    {
        string text = Encoding.UTF8.GetString(input);
        if (TryMutate(text, random, words) is { } whole)
            return Encoding.UTF8.GetBytes(whole);
        string[] lines = text.Split('\n');
        int line = random.Next(lines.Length);
        int start = lines[line].IndexOf('{', StringComparison.Ordinal);
        if (start < 0 || TryMutate(lines[line][start..], random, words) is not { } changed)
            return input;
        lines[line] = lines[line][..start] + changed;
        return Encoding.UTF8.GetBytes(string.Join('\n', lines));
    }

    private static string? TryMutate(string text, Random random, byte[][] words)
    {
        try
        {
            if (JsonNode.Parse(text) is not { } root)
                return null;
            var nodes = new List<JsonNode>();
            Collect(root, nodes);
            Change(nodes[random.Next(nodes.Count)], nodes, random, words);
            return root.ToJsonString();
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    private static void Collect(JsonNode node, List<JsonNode> nodes)
    {
        if (node is JsonValue)
            return;
        nodes.Add(node);
        foreach (JsonNode child in node is JsonObject members ? members.Select(member => member.Value).OfType<JsonNode>() : node.AsArray().OfType<JsonNode>())
            Collect(child, nodes);
    }

    private static void Change(JsonNode node, List<JsonNode> nodes, Random random, byte[][] words)
    {
        if (node is JsonArray items)
        {
            int at = random.Next(items.Count + 1);
            if (at < items.Count && random.Next(2) == 0)
                items[at] = Value(items[at], nodes, random, words);
            else if (at < items.Count && random.Next(3) == 0)
                items.RemoveAt(at);
            else
                items.Insert(at, Value(items.Count == 0 ? null : items[0], nodes, random, words));
            return;
        }

        JsonObject members = node.AsObject();
        string[] names = [.. members.Select(member => member.Key)];
        string name = names.Length == 0 || random.Next(20) == 0 ? "unknown" : names[random.Next(names.Length)];
        if (random.Next(4) == 0)
            members.Remove(name);
        else
            members[name] = Value(members[name], nodes, random, words);
    }

    private static JsonNode? Value(JsonNode? present, List<JsonNode> nodes, Random random, byte[][] words) => random.Next(11) switch
    {
        0 or 1 => null,
        2 => JsonNode.Parse(s_numbers[random.Next(s_numbers.Length)]),
        3 => string.Empty,
        4 => new string((char)random.Next('a', 'z'), 1 << random.Next(12)),
        5 => words.Length == 0 ? "../x" : Encoding.UTF8.GetString(words[random.Next(words.Length)]),
        6 => new JsonArray([.. Enumerable.Range(0, random.Next(3)).Select(_ => present?.DeepClone())]),
        7 => new JsonObject { ["a"] = present?.DeepClone() },
        8 => nodes[random.Next(nodes.Count)].DeepClone(),
        9 => random.Next(2) == 0,
        _ => present is JsonValue value && value.GetValueKind() == JsonValueKind.String ? Text(value.GetValue<string>(), random) : "\u001b]52;c;x\u0007\ud800\ufffd\ud83d\udcbe",
    };

    private static string Text(string text, Random random)
    {
        int at = random.Next(text.Length + 1);
        return random.Next(3) switch
        {
            0 => text[..at],
            1 => text.Insert(at, ((string[])["/", "..", "\0", "\n", "\u202e", "\ud800", ":", "'", "%zz", "\\"])[random.Next(10)]),
            _ => text + text,
        };
    }
}
