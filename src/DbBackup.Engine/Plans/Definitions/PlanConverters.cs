using System.Collections;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace DbBackup.Engine.Plans.Definitions;

/// <summary>Times as people write them: <c>7d</c>, <c>12h</c>, <c>30m</c>.</summary>
internal sealed class TimeTextConverter : JsonConverter<TimeSpan>
{
    /// <inheritdoc/>
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String)
            throw new JsonException("a time needs a unit, as in \"7d\", \"12h\" or \"30m\".");
        try
        {
            return BackupAge.Parse(reader.GetString()!, CultureInfo.InvariantCulture);
        }
        catch (FormatException exception)
        {
            throw new JsonException(exception.Message, exception);
        }
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) => writer.WriteStringValue(Text(value));

    /// <summary>The text of a time, from which it is read back exactly.</summary>
    public static string Text(TimeSpan value)
    {
        foreach ((string unit, long ticks) in (ReadOnlySpan<(string, long)>)[("d", TimeSpan.TicksPerDay), ("h", TimeSpan.TicksPerHour), ("m", TimeSpan.TicksPerMinute), ("s", TimeSpan.TicksPerSecond)])
        {
            if (value.Ticks != 0 && value.Ticks % ticks == 0)
                return (value.Ticks / ticks).ToString(CultureInfo.InvariantCulture) + unit;
        }

        return value.ToString("c", CultureInfo.InvariantCulture);
    }
}

/// <summary>A place for copies: its location alone, or <c>{ "repository": "…", "retention": "30d,12m" }</c>.</summary>
internal sealed class PlanCopyConverter : JsonConverter<PlanCopy>
{
    private const string Repository = "repository";
    private const string Retention = "retention";

    /// <inheritdoc/>
    public override PlanCopy Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        if (document.RootElement.ValueKind == JsonValueKind.String)
            return new PlanCopy { Repository = document.RootElement.GetString()! };
        string? repository = null;
        string? retention = null;
        foreach (JsonProperty property in document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.EnumerateObject() : [])
        {
            string text = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : throw Wrong();
            if (property.Name.Equals(Repository, StringComparison.OrdinalIgnoreCase))
                repository = text;
            else if (property.Name.Equals(Retention, StringComparison.OrdinalIgnoreCase))
                retention = text;
            else
                throw Wrong();
        }

        if (string.IsNullOrWhiteSpace(repository))
            throw Wrong();
        return new PlanCopy { Repository = repository, Retention = retention };
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, PlanCopy value, JsonSerializerOptions options)
    {
        if (value.Retention is null)
        {
            writer.WriteStringValue(value.Repository);
            return;
        }

        writer.WriteStartObject();
        writer.WriteString(Repository, value.Repository);
        writer.WriteString(Retention, value.Retention);
        writer.WriteEndObject();
    }

    private static JsonException Wrong() => new("an entry of \"copyTo\" is neither a location nor { \"repository\": \"s3://backups/shop\", \"retention\": \"30d,12m\" }.");
}

/// <summary>The parameters of a command: what PowerShell hashtables hold that can be written as text.</summary>
internal sealed class ParametersConverter : JsonConverter<PlanParameterDictionary>
{
    /// <inheritdoc/>
    public override PlanParameterDictionary Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        return document.RootElement.ValueKind == JsonValueKind.Object
            ? Table(document.RootElement)
            : throw new JsonException("an entry of \"backup\" is no table of New-DbBackup's parameters, as in { \"Path\": \"/srv/app.db\" }.");
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, PlanParameterDictionary value, JsonSerializerOptions options) => WriteTable(writer, value);

    private static PlanParameterDictionary Table(JsonElement element)
    {
        try
        {
            return new PlanParameterDictionary(element.EnumerateObject().Select(property => KeyValuePair.Create(property.Name, Value(property.Value))));
        }
        catch (ArgumentException exception)
        {
            throw new JsonException("an entry of \"backup\" has the same parameter twice.", exception);
        }
    }

    private static object? Value(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => element.TryGetInt32(out int small) ? small : element.TryGetInt64(out long number) ? (object)number : element.GetDouble(),
        JsonValueKind.Array => element.EnumerateArray().Select(Value).ToArray(),
        _ => Table(element),
    };

    private static void WriteTable(Utf8JsonWriter writer, PlanParameterDictionary table)
    {
        writer.WriteStartObject();
        foreach ((string name, object? value) in table)
        {
            writer.WritePropertyName(name);
            WriteValue(writer, value);
        }

        writer.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case null:
                writer.WriteNullValue();
                break;
            case bool flag:
                writer.WriteBooleanValue(flag);
                break;
            case string text:
                writer.WriteStringValue(text);
                break;
            case int or long:
                writer.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case double number:
                writer.WriteNumberValue(number);
                break;
            case PlanParameterDictionary table:
                WriteTable(writer, table);
                break;
            case IEnumerable list:
                writer.WriteStartArray();
                foreach (object? item in list)
                    WriteValue(writer, item);
                writer.WriteEndArray();
                break;
            default:
                throw new ArgumentException($"A {value.GetType().Name} cannot be written into a plan.", nameof(value));
        }
    }
}
