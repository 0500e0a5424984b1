using System.Text.Json;
using System.Text.Json.Nodes;
using DbBackup.Engine.Repository.Manifests;

namespace DbBackup.Testing;

/// <summary>Changes a manifest as one does who means to: with the hash that belongs to it.</summary>
internal static class Resealed
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>Writes a manifest or a test record whose text was changed. What is no JSON is written as it is.</summary>
    public static void WriteAllText(string path, string json)
    {
        try
        {
            File.WriteAllBytes(path, Of(json));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            File.WriteAllText(path, json);
        }
    }

    /// <summary>The bytes of a changed manifest or test record.</summary>
    public static byte[] Of(string json)
    {
        JsonObject node = JsonNode.Parse(json)?.AsObject() ?? throw new JsonException("null");
        node.Remove("sha256");
        return Seal.Add(JsonSerializer.SerializeToUtf8Bytes(node, s_indented));
    }
}
