using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace DbBackup.Engine.Plans.Status;

/// <summary>Writes statuses as JSON with stable names, for programs that watch.</summary>
public static class StatusJson
{
    private static readonly JsonSerializerOptions s_options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>Returns the worst health of all, the moment, and each status; texts without secrets.</summary>
    /// <param name="statuses">The statuses.</param>
    /// <param name="now">The moment at which they were taken.</param>
    public static string Text(IReadOnlyList<SourceStatus> statuses, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(statuses);
        var whole = new JsonObject
        {
            ["version"] = 1,
            ["checked"] = now.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture),
            ["health"] = WorstOf(statuses).ToString(),
            ["sources"] = Masked(JsonSerializer.SerializeToNode(statuses, s_options)!),
        };
        return whole.ToJsonString(s_options) + "\n";
    }

    /// <summary>The worst health; OK where there is nothing.</summary>
    public static BackupHealth WorstOf(IReadOnlyList<SourceStatus> statuses)
    {
        ArgumentNullException.ThrowIfNull(statuses);
        return statuses.Count == 0 ? BackupHealth.OK : statuses.Max(status => status.Health);
    }

    private static JsonNode? Masked(JsonNode? node) => node switch
    {
        JsonObject table => new JsonObject(table.Select(pair => KeyValuePair.Create(pair.Key, Masked(pair.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Masked)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => JsonValue.Create(ForeignText.Shown(SecretText.Masked(value.ToString()))),
        _ => node?.DeepClone(),
    };
}
