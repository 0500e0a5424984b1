using System.Text;
using System.Text.Json;

namespace DbBackup.Engine.Platform;

/// <summary>
/// Reads JSON records that the module has written to disk. Anybody who may write there may have written something else: a record is whole, or it
/// is a <see cref="JsonException"/>, and never has a null where its type has none.
/// </summary>
internal static class RecordJson
{
    private static readonly JsonSerializerOptions s_strict = new() { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    /// <summary>Reads a record.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static T Read<T>(string json)
        where T : class => Read<T>(Encoding.UTF8.GetBytes(json));

    /// <inheritdoc cref="Read{T}(string)"/>
    public static T Read<T>(ReadOnlySpan<byte> json)
        where T : class
    {
        if (json.StartsWith("\ufeff"u8))
            json = json[3..];
        RefuseGaps(json);
        try
        {
            return JsonSerializer.Deserialize<T>(json, s_strict) ?? throw new JsonException("it is null.");
        }
        catch (Exception exception) when (exception is NotSupportedException or ArgumentException or InvalidOperationException)
        {
            // A derived type that is not named, or whose properties contradict each other.
            throw new JsonException(exception.Message, exception);
        }
    }

    // The types of a list's items are checked by no annotation.
    private static void RefuseGaps(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        for (JsonTokenType before = JsonTokenType.None; reader.Read(); before = reader.TokenType)
        {
            if (reader.TokenType == JsonTokenType.Null && before != JsonTokenType.PropertyName)
                throw new JsonException("a list has a gap.");
        }
    }
}
