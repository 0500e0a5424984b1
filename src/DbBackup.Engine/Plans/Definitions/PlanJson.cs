using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace DbBackup.Engine.Plans.Definitions;

/// <summary>Plans as JSON with stable names: see docs/format.md.</summary>
internal static class PlanJson
{
    // Of a file that a person edits: comments and commas at the end are theirs, unknown names are mistakes.
    private static readonly JsonSerializerOptions s_options = new(JsonSerializerDefaults.General)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        PropertyNameCaseInsensitive = true,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowOutOfOrderMetadataProperties = true,
        RespectNullableAnnotations = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new TimeTextConverter(), new ParametersConverter(), new PlanCopyConverter(), new JsonStringEnumConverter() },
    };

    /// <summary>Writes a plan.</summary>
    public static byte[] Write(BackupPlan plan) => JsonSerializer.SerializeToUtf8Bytes(plan, s_options);

    /// <summary>Reads a plan.</summary>
    /// <param name="json">The text.</param>
    /// <param name="name">The plan's name, which the file's name gives; the text may leave it out, and must not contradict it.</param>
    /// <exception cref="JsonException">It is no plan, or has a name that no plan has.</exception>
    /// <exception cref="NotSupportedException">It was written by a newer module.</exception>
    public static BackupPlan Read(ReadOnlySpan<byte> json, string name)
    {
        if (json.StartsWith("\ufeff"u8))
            json = json[3..];
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        return Read(JsonNode.Parse(ref reader, new JsonNodeOptions { PropertyNameCaseInsensitive = true }), name);
    }

    /// <inheritdoc cref="Read(ReadOnlySpan{byte}, string)"/>
    public static BackupPlan Read(JsonNode? node, string name)
    {
        if (node is not JsonObject plan)
            throw new JsonException("it is no object with names and values.");
        if (plan["version"] is JsonValue stated && stated.TryGetValue(out int version) && version > BackupPlan.CurrentVersion)
            throw new NotSupportedException($"it has format {version}, and this module reads {BackupPlan.CurrentVersion}.");
        // One entry, one schedule or one place needs no brackets.
        foreach (string list in (string[])["backup", "schedule", "copyTo", "notify"])
        {
            if (plan[list] is { } one and not JsonArray)
                plan[list] = new JsonArray(one.DeepClone());
        }

        plan["name"] ??= name;
        BackupPlan read = plan.Deserialize<BackupPlan>(s_options) ?? throw new JsonException("it is null.");
        if (!read.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            throw new JsonException($"it names the plan '{read.Name}', and its file is that of '{name}'.");
        if (read.Backup.Count == 0)
            throw new JsonException("its \"backup\" is empty: it names nothing to back up.");
        return read;
    }
}
