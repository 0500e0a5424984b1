using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace DbBackup.Engine.Plans.Definitions;

/// <summary>Reads a plan that a person wrote as YAML. Values are what YAML 1.2's core schema says; times in quotes or not are texts.</summary>
internal static class PlanYaml
{
    // Far above any plan; anchors that name each other could make a small file a huge one.
    private const int MostNodes = 100_000;

    /// <summary>Reads a plan.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    /// <exception cref="NotSupportedException">It was written for a newer module.</exception>
    public static BackupPlan Read(string yaml, string name)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(yaml));
        }
        catch (YamlException exception)
        {
            throw new JsonException($"it is no YAML: {exception.InnerException?.Message ?? exception.Message} (line {exception.Start.Line})", exception);
        }

        if (stream.Documents.Count != 1)
            throw new JsonException($"it has {stream.Documents.Count} YAML documents, and a plan is one.");
        int left = MostNodes;
        return PlanJson.Read(ToJson(stream.Documents[0].RootNode, ref left), name);
    }

    private static JsonNode? ToJson(YamlNode node, ref int left)
    {
        if (--left < 0)
            throw new JsonException("it is too large for a plan.");
        switch (node)
        {
            case YamlMappingNode mapping:
                var table = new JsonObject(new JsonNodeOptions { PropertyNameCaseInsensitive = true });
                foreach ((YamlNode key, YamlNode value) in mapping.Children)
                {
                    string name = (key as YamlScalarNode)?.Value ?? throw new JsonException($"a name is no text (line {key.Start.Line}).");
                    if (table.ContainsKey(name))
                        throw new JsonException($"'{name}' comes twice (line {key.Start.Line}).");
                    table[name] = ToJson(value, ref left);
                }

                return table;
            case YamlSequenceNode sequence:
                var list = new JsonArray();
                foreach (YamlNode item in sequence.Children)
                    list.Add(ToJson(item, ref left));
                return list;
            case YamlScalarNode { Style: ScalarStyle.Plain } plain:
                return Plain(plain.Value ?? string.Empty);
            case YamlScalarNode quoted:
                return quoted.Value;
            default:
                throw new JsonException($"an anchor names itself (line {node.Start.Line}).");
        }
    }

    // https://yaml.org/spec/1.2.2/#103-core-schema
    private static JsonValue? Plain(string text) => text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => null,
        "true" or "True" or "TRUE" => JsonValue.Create(true),
        "false" or "False" or "FALSE" => JsonValue.Create(false),
        _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) => JsonValue.Create(number),
        _ when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && char.IsAsciiDigit(text[^1]) => JsonValue.Create(number),
        _ => JsonValue.Create(text),
    };
}
