using System.Text.Json;
using System.Text.Json.Serialization;

namespace DbBackup.Engine.Repository.Manifests;

/// <summary>
/// Writes the value's name, and reads a name that only a newer version knows as the first value: it says nothing on which a restore
/// depends, so it must not make the manifest unreadable.
/// </summary>
internal sealed class OpenEnumConverter<T> : JsonConverter<T>
    where T : struct, Enum
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType != JsonTokenType.String ? throw new JsonException($"a {typeof(T).Name} is no text.")
        : Enum.TryParse(reader.GetString(), ignoreCase: false, out T value) && Enum.IsDefined(value) ? value : default;

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
