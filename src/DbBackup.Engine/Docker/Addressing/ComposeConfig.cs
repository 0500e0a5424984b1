using System.Text.Json;
using System.Text.Json.Nodes;

namespace DbBackup.Engine.Docker.Addressing;

/// <summary>A project as <c>docker compose config</c> prints it: the merged files with all variables replaced.</summary>
/// <param name="Name">The project's name; null where compose does not print it (its first version).</param>
/// <param name="Services">The services.</param>
internal sealed record ComposeConfig(string? Name, IReadOnlyDictionary<string, ComposeService> Services)
{
    /// <summary>The version of the files' format, which only compose's first version asks for.</summary>
    public string? Version { get; init; }

    /// <summary>Reads what compose printed: JSON of the second version, YAML of either.</summary>
    /// <param name="text">The output.</param>
    /// <param name="project">The project's name where the output does not have it: the first version leaves it out of its volumes' names.</param>
    public static ComposeConfig Parse(string text, string? project = null)
    {
        try
        {
            return Of(Read(text), project);
        }
        // A text with half a surrogate pair cannot be read.
        catch (InvalidOperationException)
        {
            return new ComposeConfig(null, new Dictionary<string, ComposeService>());
        }
    }

    private static ComposeConfig Of(JsonObject root, string? project)
    {
        string? name = Text(root["name"]);
        JsonObject? volumes = root["volumes"] as JsonObject;
        var services = new Dictionary<string, ComposeService>(StringComparer.Ordinal);
        foreach ((string service, JsonNode? node) in root["services"] as JsonObject ?? [])
            services[service] = ServiceOf(node as JsonObject ?? [], volume => NameOf(volumes, volume, name ?? project));
        return new ComposeConfig(name, services) { Version = Text(root["version"]) };
    }

    /// <summary>Reads what compose printed as it is; an empty object if it is nothing of that.</summary>
    internal static JsonObject Read(string text)
    {
        if (!text.AsSpan().TrimStart().StartsWith("{"))
            return ComposeYaml.Parse(text);
        try
        {
            return JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) as JsonObject ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private static ComposeService ServiceOf(JsonObject node, Func<string, string> volumeName) => new()
    {
        Image = Text(node["image"]),
        ContainerName = Text(node["container_name"]),
        NetworkMode = Text(node["network_mode"]),
        IsRestarted = Text(node["restart"]) is not (null or "no" or ""),
        Profiles = [.. (node["profiles"] as JsonArray ?? []).Select(Text).OfType<string>()],
        Mounts = [.. (node["volumes"] as JsonArray ?? []).Select(mount => MountOf(mount, volumeName)).OfType<ComposeMount>()],
        Dependencies = node["depends_on"] switch
        {
            JsonObject all => all.ToDictionary(each => each.Key, each => Text(each.Value?["condition"]) ?? string.Empty, StringComparer.Ordinal),
            JsonArray all => all.Select(Text).OfType<string>().Distinct().ToDictionary(each => each, _ => string.Empty, StringComparer.Ordinal),
            _ => new Dictionary<string, string>(),
        },
    };

    private static ComposeMount? MountOf(JsonNode? node, Func<string, string> volumeName)
    {
        if (node is JsonObject mount)
        {
            string type = Text(mount["type"]) ?? string.Empty;
            string? source = Text(mount["source"]);
            return Text(mount["target"]) is { } path ? new ComposeMount(path, type, type == "volume" && source is not null ? volumeName(source) : source) : null;
        }

        // The first version writes source:target:mode, or the target alone for a volume without a name.
        string[] parts = (Text(node) ?? string.Empty).Split(':');
        return parts switch
        {
            [var target] when target.Length > 0 => new ComposeMount(target, "volume", null),
            [var source, var target, ..] when source.StartsWith('/') => new ComposeMount(target, "bind", source),
            [var source, var target, ..] => new ComposeMount(target, "volume", volumeName(source)),
            _ => null,
        };
    }

    private static string NameOf(JsonObject? volumes, string volume, string? project)
    {
        JsonNode? declared = volumes?[volume] as JsonObject;
        return Text(declared?["name"]) ?? Text((declared?["external"] as JsonObject)?["name"]) ?? (Text(declared?["external"]) == "true" || project is null ? volume : $"{project}_{volume}");
    }

    private static string? Text(JsonNode? node) => node is JsonValue value ? value.ToString() : null;
}

/// <summary>A service of a project.</summary>
internal sealed record ComposeService
{
    /// <summary>The condition of a dependent that waits until a service has ended well.</summary>
    public const string Completed = "service_completed_successfully";

    /// <summary>The image; null if it is built and has no name of its own.</summary>
    public string? Image { get; init; }

    /// <summary>The name that its container gets; null for compose's own.</summary>
    public string? ContainerName { get; init; }

    /// <summary>Whose network it uses, as in <c>service:db</c>; null for the project's.</summary>
    public string? NetworkMode { get; init; }

    /// <summary>True if the engine starts it again when it ends.</summary>
    public bool IsRestarted { get; init; }

    public IReadOnlyList<string> Profiles { get; init; } = [];

    public IReadOnlyList<ComposeMount> Mounts { get; init; } = [];

    /// <summary>The services that it depends on, each with the condition for which it waits.</summary>
    public IReadOnlyDictionary<string, string> Dependencies { get; init; } = new Dictionary<string, string>();
}

/// <summary>What a service mounts.</summary>
/// <param name="Target">The path in the container.</param>
/// <param name="Type">As in <c>bind</c> and <c>volume</c>.</param>
/// <param name="Source">The folder of the engine's machine, or the volume's full name; null for a volume without a name.</param>
internal sealed record ComposeMount(string Target, string Type, string? Source);
