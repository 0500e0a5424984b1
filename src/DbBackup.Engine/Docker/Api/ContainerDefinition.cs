using System.Text.Json.Nodes;

namespace DbBackup.Engine.Docker.Api;

/// <summary>What the engine makes a container of.</summary>
/// <param name="Body">The body of ContainerCreate.</param>
/// <param name="Networks">Further networks to which it is connected afterwards: the engine takes one at its creation (before API 1.44).</param>
internal sealed record ContainerDefinition(JsonObject Body, IReadOnlyList<(string Name, JsonNode? Endpoint)> Networks)
{
    // What an image gives a container that was not told otherwise; what is the same as the old image's own comes from the new image.
    private static readonly string[] s_fromImage = ["Cmd", Entrypoint, "WorkingDir", "User", "Healthcheck", "StopSignal", "Shell", "StopTimeout"];
    private static readonly string[] s_listsFromImage = ["Labels", "Volumes", "ExposedPorts"];

    private const string Entrypoint = "Entrypoint";
    private const string NetworksOfContainer = "Networks";

    // Of this container alone, or said in another way in the request.
    private static readonly string[] s_ownOfContainer = ["Image", "OnBuild", "ArgsEscaped"];

    /// <summary>What of another container a container can share.</summary>
    public static readonly string[] SharedNamespaces = ["NetworkMode", "IpcMode", "PidMode"];

    /// <summary>What stands before the ID of the container with which something is shared.</summary>
    public const string OfContainer = "container:";

    /// <summary>The same container once more, of another image: environment, mounts, networks, ports, labels, limits, restart policy.</summary>
    /// <param name="container">What ContainerInspect says of it.</param>
    /// <param name="oldImage">What ImageInspect says of its image.</param>
    /// <param name="newImage">The name or id of the other one.</param>
    public static ContainerDefinition Recreate(JsonObject container, JsonObject oldImage, string newImage)
    {
        string id = (string)container["Id"]!;
        JsonObject body = Copy(container["Config"]);
        JsonObject image = Copy(oldImage["Config"]);
        foreach (string name in s_ownOfContainer)
            body.Remove(name);
        // With an entrypoint of its own it gets no command from an image; and without one where the image has one, it was told so: --entrypoint "".
        bool hasOwnEntrypoint = !Texts(body[Entrypoint]).SequenceEqual(Texts(image[Entrypoint]));
        foreach (string name in s_fromImage.Where(name => JsonNode.DeepEquals(body[name], image[name]) && !(hasOwnEntrypoint && name == "Cmd")))
            body.Remove(name);
        if (hasOwnEntrypoint && !Texts(body[Entrypoint]).Any())
            body[Entrypoint] = Array([string.Empty]);
        foreach (string name in s_listsFromImage)
            RemoveCommon(body[name] as JsonObject, image[name] as JsonObject);
        var fromImage = Texts(image["Env"]).ToHashSet(StringComparer.Ordinal);
        body["Env"] = Array(Texts(body["Env"]).Where(entry => !fromImage.Contains(entry)));
        bool hasNetworkOfAnother = ((string?)container["HostConfig"]?["NetworkMode"])?.StartsWith(OfContainer, StringComparison.Ordinal) == true;
        // In the network of another container it is the other one's, and the engine takes none.
        if (hasNetworkOfAnother || ((string?)body["Hostname"] is { } host && id.StartsWith(host, StringComparison.Ordinal)))
            body.Remove("Hostname");
        body["Image"] = newImage;
        JsonObject hostConfig = Copy(container["HostConfig"]);
        hostConfig.Remove("ContainerIDFile");
        hostConfig["Links"] = Array(Texts(hostConfig["Links"]).Select(LinkOf));
        KeepVolumes(hostConfig, container["Mounts"] as JsonArray ?? []);
        body["HostConfig"] = hostConfig;
        IReadOnlyList<(string, JsonNode?)> others = Connect(body, hostConfig, container, id);
        return new ContainerDefinition(body, others);
    }

    /// <summary>The same definition, sharing with another container what it shared with a container that was recreated.</summary>
    /// <param name="old">The ID of the one that was recreated.</param>
    /// <param name="current">The ID of the one that took its place.</param>
    /// <param name="name">Its name.</param>
    /// <param name="aliases">The names under which it is linked: the engine may give the link by the other one's present name.</param>
    public ContainerDefinition SharingWith(string old, string current, string name, IReadOnlyList<string> aliases)
    {
        JsonObject body = Copy(Body);
        JsonObject hostConfig = body["HostConfig"]!.AsObject();
        if (aliases.Count > 0)
            hostConfig["Links"] = Array([.. Texts(hostConfig["Links"]).Where(link => !aliases.Contains(link[(link.IndexOf(':', StringComparison.Ordinal) + 1)..])), .. aliases.Select(alias => $"{name}:{alias}")]);
        foreach (string shared in SharedNamespaces.Where(shared => (string?)hostConfig[shared] == OfContainer + old))
            hostConfig[shared] = OfContainer + current;
        return new ContainerDefinition(body, Networks);
    }

    /// <summary>A container of the same definition beside it, that does one thing and is removed: no other container reaches it, and nothing restarts it.</summary>
    /// <param name="command">What it runs; null for what the container itself does.</param>
    /// <param name="folder">The folder in which it runs; null for its own.</param>
    /// <param name="environment">Further variables.</param>
    /// <param name="mounts">Volumes in the place of its own, by their paths in it.</param>
    /// <param name="labels">Its labels.</param>
    /// <param name="isAlone">True if it has no network.</param>
    public ContainerDefinition ForOnce(
        IReadOnlyList<string>? command,
        string? folder,
        IReadOnlyDictionary<string, string?> environment,
        IReadOnlyDictionary<string, string> mounts,
        IReadOnlyDictionary<string, string> labels,
        bool isAlone)
    {
        JsonObject body = Copy(Body);
        if (command is not null)
        {
            body["Cmd"] = Array(command);
            body["Healthcheck"] = new JsonObject { ["Test"] = new JsonArray("NONE") };
        }

        if (folder is not null)
            body["WorkingDir"] = folder;
        body["Env"] = Array([.. Texts(body["Env"]).Where(entry => !environment.ContainsKey(entry.Split('=')[0])), .. environment.Where(entry => entry.Value is not null).Select(entry => $"{entry.Key}={entry.Value}")]);
        body["Labels"] = new JsonObject([.. labels.Select(label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value))]);
        body.Remove("ExposedPorts");
        body.Remove("MacAddress");
        JsonObject hostConfig = body["HostConfig"]!.AsObject();
        hostConfig.Remove("PortBindings");
        hostConfig["PublishAllPorts"] = false;
        hostConfig["RestartPolicy"] = new JsonObject { ["Name"] = "no" };
        Replace(hostConfig, mounts);
        foreach ((_, JsonNode? endpoint) in body["NetworkingConfig"]?["EndpointsConfig"]?.AsObject() ?? [])
            MakeNameless(endpoint);
        if (!isAlone)
        {
            (string Name, JsonNode? Endpoint)[] networks = [.. Networks.Select(network => (network.Name, network.Endpoint?.DeepClone()))];
            foreach ((_, JsonNode? endpoint) in networks)
                MakeNameless(endpoint);
            return new ContainerDefinition(body, networks);
        }

        body.Remove("NetworkingConfig");
        hostConfig.Remove("Links");
        hostConfig["NetworkMode"] = "none";
        return new ContainerDefinition(body, []);
    }

    /// <summary>The same definition without what is mounted at a path, and with a volume at another one.</summary>
    /// <param name="path">The path whose mount is left out.</param>
    /// <param name="volume">The volume; null for none.</param>
    /// <param name="newPath">Where the volume is mounted; null for none.</param>
    public ContainerDefinition WithVolume(string path, string? volume, string? newPath)
    {
        JsonObject body = Copy(Body);
        JsonObject hostConfig = body["HostConfig"]!.AsObject();
        var left = new[] { Plain(path), Plain(newPath) }.ToHashSet(StringComparer.Ordinal);
        hostConfig["Binds"] = Array([.. Texts(hostConfig["Binds"]).Where(bind => !left.Contains(TargetOf(bind))), .. volume is null ? Enumerable.Empty<string>() : [$"{volume}:{newPath}"]]);
        hostConfig["Mounts"] = new JsonArray([.. (hostConfig["Mounts"] as JsonArray ?? []).Where(mount => !left.Contains(Plain((string?)mount?["Target"]))).Select(mount => mount?.DeepClone())]);
        // Compose's first version declares each path of the file here too, for which the engine would make a volume without a name.
        foreach (string declared in left)
            (body["Volumes"] as JsonObject)?.Remove(declared);
        return new ContainerDefinition(body, Networks);
    }

    /// <summary>The same definition without what is mounted at a path or below it.</summary>
    /// <param name="path">The path.</param>
    public ContainerDefinition WithoutMountsIn(string path)
    {
        JsonObject body = Copy(Body);
        JsonObject hostConfig = body["HostConfig"]!.AsObject();
        bool IsIn(string target) => Plain(target) == path || target.StartsWith(path + "/", StringComparison.Ordinal);
        hostConfig["Binds"] = Array(Texts(hostConfig["Binds"]).Where(bind => !IsIn(TargetOf(bind))));
        hostConfig["Mounts"] = new JsonArray([.. (hostConfig["Mounts"] as JsonArray ?? []).Where(mount => !IsIn((string?)mount?["Target"] ?? string.Empty)).Select(mount => mount?.DeepClone())]);
        return new ContainerDefinition(body, Networks);
    }

    /// <summary>What may be written down of it: mounts, networks, ports, limits and the names of its variables; no value, command or label, which may hold secrets.</summary>
    public string Describe()
    {
        JsonObject settings = Copy(Body["HostConfig"]);
        // Drivers of logs take tokens.
        settings.Remove("LogConfig");
        var text = new JsonObject
        {
            ["Env"] = Array(Texts(Body["Env"]).Select(entry => entry.Split('=')[0])),
            ["HostConfig"] = settings,
            [NetworksOfContainer] = Array((Body["NetworkingConfig"]?["EndpointsConfig"] as JsonObject ?? []).Select(network => network.Key).Concat(Networks.Select(network => network.Name))),
        };
        return text.ToJsonString();
    }

    /// <summary>Creates it.</summary>
    /// <returns>Its id.</returns>
    public async Task<string> CreateAsync(DockerClient client, string name, CancellationToken cancellationToken)
    {
        string id = await client.ContainerCreateAsync(name, Body, cancellationToken).ConfigureAwait(false);
        try
        {
            foreach ((string network, JsonNode? endpoint) in Networks)
                await client.NetworkConnectAsync(network, id, endpoint, cancellationToken).ConfigureAwait(false);
            return id;
        }
        catch
        {
            await client.ContainerDeleteAsync(id, CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    // A volume without a name of a person's would be another one in the new container: it gets the name that the engine gave it.
    private static void KeepVolumes(JsonObject hostConfig, JsonArray mounts)
    {
        JsonArray binds = hostConfig["Binds"] as JsonArray ?? [];
        hostConfig["Binds"] = binds;
        var bound = binds.Select(bind => TargetOf((string)bind!)).ToHashSet(StringComparer.Ordinal);
        JsonObject[] wanted = [.. (hostConfig["Mounts"] as JsonArray ?? []).OfType<JsonObject>()];
        foreach (JsonObject mount in mounts.OfType<JsonObject>().Where(mount => (string?)mount["Type"] == "volume"))
        {
            string target = (string)mount["Destination"]!;
            if (bound.Contains(target))
                continue;
            if (wanted.FirstOrDefault(each => Plain((string?)each["Target"]) == target) is { } described)
                described["Source"] = (string?)mount["Name"];
            else
                binds.Add($"{(string?)mount["Name"]}:{target}{((bool)mount["RW"]! ? string.Empty : ":ro")}");
        }
    }

    private static void Replace(JsonObject hostConfig, IReadOnlyDictionary<string, string> mounts)
    {
        if (mounts.Count == 0)
            return;
        hostConfig["Binds"] = Array([.. Texts(hostConfig["Binds"]).Where(bind => !mounts.ContainsKey(TargetOf(bind))), .. mounts.Select(mount => $"{mount.Value}:{mount.Key}")]);
        hostConfig["Mounts"] = new JsonArray([.. (hostConfig["Mounts"] as JsonArray ?? []).Where(mount => !mounts.ContainsKey(Plain((string?)mount?["Target"]))).Select(mount => mount?.DeepClone())]);
    }

    private static IReadOnlyList<(string, JsonNode?)> Connect(JsonObject body, JsonObject hostConfig, JsonObject container, string id)
    {
        string mode = (string?)hostConfig["NetworkMode"] is { } said and not "default" ? said : "bridge";
        var all = new List<(string Name, JsonNode? Endpoint)>();
        string? first = null;
        foreach ((string name, JsonNode? settings) in container["NetworkSettings"]?[NetworksOfContainer]?.AsObject() ?? [])
        {
            // What the engine has worked out is left to it.
            var endpoint = new JsonObject
            {
                ["IPAMConfig"] = settings?["IPAMConfig"]?.DeepClone(),
                ["Links"] = settings?["Links"]?.DeepClone(),
                ["DriverOpts"] = settings?["DriverOpts"]?.DeepClone(),
                ["Aliases"] = Array(Texts(settings?["Aliases"]).Where(alias => alias.Length < 12 || !id.StartsWith(alias, StringComparison.Ordinal))),
            };
            all.Add((name, endpoint));
            // It may have been asked for by its id.
            if (name == mode || (string?)settings?["NetworkID"] == mode)
                first = name;
        }

        if (first is not null && mode is not ("bridge" or "none" or "host"))
            body["NetworkingConfig"] = new JsonObject { ["EndpointsConfig"] = new JsonObject { [first] = all.Find(network => network.Name == first).Endpoint } };
        return [.. all.Where(network => network.Name != first)];
    }

    // Who asks for the service by its name must not meet this container, and its address may be taken.
    private static void MakeNameless(JsonNode? endpoint)
    {
        if (endpoint is not JsonObject settings)
            return;
        settings.Remove("Aliases");
        settings.Remove("IPAMConfig");
    }

    private static void RemoveCommon(JsonObject? own, JsonObject? image)
    {
        foreach (string name in own is null ? [] : own.Where(entry => image?.ContainsKey(entry.Key) == true && JsonNode.DeepEquals(entry.Value, image[entry.Key])).Select(entry => entry.Key).ToArray())
            own!.Remove(name);
    }

    // As in /database:/application/db, which is asked for as database:db.
    private static string LinkOf(string link)
    {
        string[] parts = link.Split(':');
        return parts is [var target, var alias] ? $"{target.TrimStart('/')}:{alias[(alias.LastIndexOf('/') + 1)..]}" : link;
    }

    // source:target[:options]; a source on Windows has a colon of its own, a target in a Linux container has not.
    private static string TargetOf(string bind)
    {
        int start = bind.IndexOf(":/", bind.Length > 2 && bind[1] == ':' ? 2 : 0, StringComparison.Ordinal);
        if (start < 0)
            return bind;
        int end = bind.IndexOf(':', start + 1);
        return Plain(end < 0 ? bind[(start + 1)..] : bind[(start + 1)..end]);
    }

    // A person may end a path with a slash; what the engine says of a mount has none.
    private static string Plain(string? path) => path is { Length: > 1 } ? path.TrimEnd('/') : path ?? string.Empty;

    private static JsonObject Copy(JsonNode? node) => node?.DeepClone() as JsonObject ?? [];

    private static IEnumerable<string> Texts(JsonNode? node) => (node as JsonArray ?? []).Select(each => (string)each!);

    private static JsonArray Array(IEnumerable<string> texts) => new([.. texts.Select(text => (JsonNode?)text)]);
}
