using System.Text.Json.Nodes;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Tests.Unit.Docker.Api;

/// <summary>What of a container belongs to it, and what came from its image.</summary>
public sealed class ContainerDefinitionTests
{
    private const string Id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private static readonly string[] s_fromImage = ["Cmd", "Entrypoint", "WorkingDir", "User", "Healthcheck", "StopSignal"];

    [Fact]
    public void What_the_image_gave_comes_from_the_new_image()
    {
        JsonObject body = Recreate(Container()).Body;
        Assert.Equal("shop:2", (string?)body["Image"]);
        foreach (string name in s_fromImage)
            Assert.False(body.ContainsKey(name), name);
        Assert.Equal(["TZ=UTC"], Texts(body["Env"]));
        Assert.Equal("""{"mine":"1"}""", body["Labels"]!.ToJsonString());
        Assert.Equal("{}", body["Volumes"]!.ToJsonString());
        Assert.Equal("""{"9000/tcp":{}}""", body["ExposedPorts"]!.ToJsonString());
        Assert.Equal("always", (string?)body["HostConfig"]!["RestartPolicy"]!["Name"]);
        Assert.Equal("8080", (string?)body["HostConfig"]!["PortBindings"]!["80/tcp"]![0]!["HostPort"]);
        Assert.Equal(1000, (int?)body["HostConfig"]!["Memory"]);
        Assert.False(body["HostConfig"]!.AsObject().ContainsKey("ContainerIDFile"));
    }

    [Fact]
    public void What_a_person_said_stays()
    {
        JsonObject container = Container();
        JsonObject config = container["Config"]!.AsObject();
        config["Entrypoint"] = new JsonArray("/mine.sh");
        config["Cmd"] = new JsonArray("worker");
        config["WorkingDir"] = "/srv";
        config["User"] = "1000";
        config["StopSignal"] = "SIGINT";
        config["Healthcheck"] = new JsonObject { ["Test"] = new JsonArray("NONE") };
        config["Labels"]!["version"] = "mine";
        config["Env"] = new JsonArray("PATH=/mine", "EMPTY=", "TZ=UTC");
        JsonObject body = Recreate(container).Body;
        foreach (string name in s_fromImage)
            Assert.True(JsonNode.DeepEquals(config[name], body[name]), name);
        Assert.Equal("mine", (string?)body["Labels"]!["version"]);
        Assert.Equal(["PATH=/mine", "EMPTY=", "TZ=UTC"], Texts(body["Env"]));
    }

    [Fact]
    public void Volume_takes_the_place_of_another_at_its_own_path()
    {
        JsonObject container = Container();
        container["HostConfig"]!["Binds"] = new JsonArray("old:/data:rw", "/host/init.sql:/init/1.sql:ro", "other:/other");
        container["HostConfig"]!["Mounts"] = new JsonArray(new JsonObject { ["Type"] = "bind", ["Source"] = "/host/2.sql", ["Target"] = "/init/2.sql" });
        container["Mounts"] = new JsonArray();
        container["Config"]!["Volumes"] = new JsonObject { ["/moved"] = new JsonObject() };
        ContainerDefinition definition = Recreate(container);
        JsonObject moved = definition.WithVolume("/data", "new", "/moved").WithoutMountsIn("/init").Body;
        Assert.Equal(["other:/other", "new:/moved"], Texts(moved["HostConfig"]!["Binds"]));
        Assert.Equal("[]", moved["HostConfig"]!["Mounts"]!.ToJsonString());
        Assert.Equal("{}", moved["Volumes"]!.ToJsonString());
        Assert.Contains("old:/data:rw", Texts(definition.Body["HostConfig"]!["Binds"]));
    }

    // With another entrypoint, the engine takes no command from the image.
    [Fact]
    public void Command_that_is_like_the_images_stays_with_an_entrypoint_of_a_persons()
    {
        JsonObject container = Container();
        container["Config"]!["Entrypoint"] = new JsonArray("/wrap.sh");
        JsonObject body = Recreate(container).Body;
        Assert.Equal(["/wrap.sh"], Texts(body["Entrypoint"]));
        Assert.Equal(["serve"], Texts(body["Cmd"]));
    }

    [Fact]
    public void Command_of_a_persons_stays_with_the_new_images_entrypoint()
    {
        JsonObject container = Container();
        container["Config"]!["Cmd"] = new JsonArray("worker");
        JsonObject body = Recreate(container).Body;
        Assert.False(body.ContainsKey("Entrypoint"));
        Assert.Equal(["worker"], Texts(body["Cmd"]));
    }

    // --entrypoint "" is kept by the engine as none; asked for again, none would be the image's.
    [Fact]
    public void Entrypoint_that_was_taken_away_stays_away()
    {
        JsonObject container = Container();
        container["Config"]!["Entrypoint"] = null;
        JsonObject body = Recreate(container).Body;
        Assert.Equal([string.Empty], Texts(body["Entrypoint"]));
        Assert.Equal(["serve"], Texts(body["Cmd"]));
    }

    [Theory]
    [InlineData("0123456789ab", null)]
    [InlineData("shop", "shop")]
    public void Hostname_of_the_id_is_the_containers_own(string hostname, string? kept)
    {
        JsonObject container = Container();
        container["Config"]!["Hostname"] = hostname;
        Assert.Equal(kept, (string?)Recreate(container).Body["Hostname"]);
    }

    // The engine notes there the hostname of the other container, and refuses one that is said.
    [Fact]
    public void Container_in_the_network_of_another_has_its_hostname_from_there()
    {
        JsonObject container = Container();
        container["Config"]!["Hostname"] = "vpn";
        container["HostConfig"]!["NetworkMode"] = "container:vpn";
        container["NetworkSettings"]!["Networks"] = new JsonObject();
        ContainerDefinition definition = Recreate(container);
        Assert.False(definition.Body.ContainsKey("Hostname"));
        Assert.Empty(definition.Networks);
        Assert.Equal("container:vpn", (string?)definition.Body["HostConfig"]!["NetworkMode"]);
    }

    [Fact]
    public void Volume_without_a_name_is_the_same_volume_in_the_new_container()
    {
        JsonObject container = Container();
        container["Mounts"] = Json("""
            [
              { "Type": "volume", "Name": "4f2a", "Destination": "/var/lib/shop", "RW": true },
              { "Type": "volume", "Name": "77aa", "Destination": "/cache", "RW": false },
              { "Type": "volume", "Name": "named", "Destination": "/data", "RW": true },
              { "Type": "volume", "Name": "slash", "Destination": "/slash", "RW": true },
              { "Type": "bind", "Source": "/etc/shop", "Destination": "/etc/shop", "RW": false }
            ]
            """);
        container["HostConfig"]!["Binds"] = new JsonArray("named:/data:z", "slash:/slash/", "/etc/shop:/etc/shop:ro");
        Assert.Equal(
            ["named:/data:z", "slash:/slash/", "/etc/shop:/etc/shop:ro", "4f2a:/var/lib/shop", "77aa:/cache:ro"],
            Texts(Recreate(container).Body["HostConfig"]!["Binds"]));
    }

    [Fact]
    public void Described_mount_without_a_source_gets_that_of_the_volume_it_has()
    {
        JsonObject container = Container();
        container["Mounts"] = Json("""[{ "Type": "volume", "Name": "4f2a", "Destination": "/data", "RW": false }, { "Type": "volume", "Name": "b", "Destination": "/b", "RW": true }]""");
        container["HostConfig"]!["Mounts"] = Json("""[{ "Type": "volume", "Target": "/data", "ReadOnly": true }, { "Type": "volume", "Source": "b", "Target": "/b/" }, { "Type": "tmpfs", "Target": "/tmp" }]""");
        JsonNode hostConfig = Recreate(container).Body["HostConfig"]!;
        Assert.Empty(Texts(hostConfig["Binds"]));
        JsonArray mounts = hostConfig["Mounts"]!.AsArray();
        Assert.Equal(3, mounts.Count);
        Assert.Equal("4f2a", (string?)mounts[0]!["Source"]);
        Assert.True((bool?)mounts[0]!["ReadOnly"]);
        Assert.Equal("b", (string?)mounts[1]!["Source"]);
        Assert.Null(mounts[2]!["Source"]);
    }

    [Fact]
    public void Links_are_asked_for_as_a_person_says_them()
    {
        JsonObject container = Container();
        container["HostConfig"]!["Links"] = new JsonArray("/db:/shop/database", "/cache:/shop/cache", "queue:queue");
        Assert.Equal(["db:database", "cache:cache", "queue:queue"], Texts(Recreate(container).Body["HostConfig"]!["Links"]));
    }

    [Fact]
    public void Container_is_in_the_same_networks_with_the_same_names_and_addresses()
    {
        ContainerDefinition definition = Recreate(InNetworks("front"));
        JsonObject front = Assert.Single(definition.Body["NetworkingConfig"]!["EndpointsConfig"]!.AsObject()).Value!.AsObject();
        Assert.Equal(["web", "shop"], Texts(front["Aliases"]));
        Assert.Equal("172.20.0.9", (string?)front["IPAMConfig"]!["IPv4Address"]);
        // What the engine has worked out, it works out again.
        Assert.False(front.ContainsKey("IPAddress"));
        Assert.False(front.ContainsKey("EndpointID"));
        (string name, JsonNode? back) = Assert.Single(definition.Networks);
        Assert.Equal("back", name);
        Assert.Equal(["api"], Texts(back!["Aliases"]));
    }

    [Fact]
    public void Network_that_was_named_by_its_id_is_connected_once()
    {
        ContainerDefinition definition = Recreate(InNetworks("f00d"));
        Assert.Equal("front", Assert.Single(definition.Body["NetworkingConfig"]!["EndpointsConfig"]!.AsObject()).Key);
        Assert.Equal("back", Assert.Single(definition.Networks).Name);
    }

    [Theory]
    [InlineData("default")]
    [InlineData("bridge")]
    public void Network_that_everybody_has_needs_no_word(string mode)
    {
        JsonObject container = Container();
        container["HostConfig"]!["NetworkMode"] = mode;
        ContainerDefinition definition = Recreate(container);
        Assert.False(definition.Body.ContainsKey("NetworkingConfig"));
        Assert.Empty(definition.Networks);
    }

    [Fact]
    public void What_the_engine_said_is_not_changed()
    {
        JsonObject container = InNetworks("front");
        string before = container.ToJsonString();
        JsonObject image = Image();
        ContainerDefinition definition = ContainerDefinition.Recreate(container, image, "shop:2");
        string body = definition.Body.ToJsonString();
        definition.ForOnce(["true"], null, new Dictionary<string, string?>(), new Dictionary<string, string>(), new Dictionary<string, string>(), isAlone: false);
        Assert.Equal(before, container.ToJsonString());
        Assert.Equal(Image().ToJsonString(), image.ToJsonString());
        Assert.Equal(body, definition.Body.ToJsonString());
        Assert.Equal(["api"], Texts(Assert.Single(definition.Networks).Endpoint!["Aliases"]));
    }

    [Fact]
    public void Container_for_once_is_met_by_nobody()
    {
        ContainerDefinition once = Recreate(InNetworks("front")).ForOnce(
            ["migrate", "now"], "/code", new Dictionary<string, string?> { ["TZ"] = "CET", ["GONE"] = null, ["URL"] = "a=b" }, new Dictionary<string, string>(), new Dictionary<string, string> { ["once"] = "1" }, isAlone: false);
        JsonNode hostConfig = once.Body["HostConfig"]!;
        Assert.Null(hostConfig["PortBindings"]);
        Assert.False((bool)hostConfig["PublishAllPorts"]!);
        Assert.Equal("no", (string?)hostConfig["RestartPolicy"]!["Name"]);
        Assert.False(once.Body.ContainsKey("ExposedPorts"));
        Assert.Equal("""{"once":"1"}""", once.Body["Labels"]!.ToJsonString());
        Assert.Equal(["migrate", "now"], Texts(once.Body["Cmd"]));
        Assert.Equal("/code", (string?)once.Body["WorkingDir"]);
        Assert.Equal(["NONE"], Texts(once.Body["Healthcheck"]!["Test"]));
        Assert.Equal(["TZ=CET", "URL=a=b"], Texts(once.Body["Env"]));
        JsonNode?[] endpoints = [once.Body["NetworkingConfig"]!["EndpointsConfig"]!["front"], Assert.Single(once.Networks).Endpoint];
        Assert.All(endpoints, endpoint =>
        {
            Assert.False(endpoint!.AsObject().ContainsKey("Aliases"));
            Assert.False(endpoint.AsObject().ContainsKey("IPAMConfig"));
        });
    }

    [Fact]
    public void Container_for_once_on_a_copy_has_its_volume_and_no_network()
    {
        JsonObject container = InNetworks("front");
        container["Mounts"] = Json("""[{ "Type": "volume", "Name": "4f2a", "Destination": "/data", "RW": true }, { "Type": "volume", "Name": "b", "Destination": "/b", "RW": true }, { "Type": "volume", "Name": "cache", "Destination": "/c", "RW": true }]""");
        container["HostConfig"]!["Binds"] = new JsonArray("cache:/c/");
        container["HostConfig"]!["Mounts"] = Json("""[{ "Type": "volume", "Source": "b", "Target": "/b/" }, { "Type": "tmpfs", "Target": "/tmp" }]""");
        container["HostConfig"]!["Links"] = new JsonArray("/db:/shop/db");
        ContainerDefinition once = Recreate(container).ForOnce(
            null, null, new Dictionary<string, string?>(), new Dictionary<string, string> { ["/data"] = "copy", ["/b"] = "copy_b", ["/c"] = "copy_c" }, new Dictionary<string, string>(), isAlone: true);
        JsonNode hostConfig = once.Body["HostConfig"]!;
        Assert.Equal(["copy:/data", "copy_b:/b", "copy_c:/c"], Texts(hostConfig["Binds"]));
        Assert.Equal("/tmp", (string?)Assert.Single(hostConfig["Mounts"]!.AsArray())!["Target"]);
        Assert.Equal("none", (string?)hostConfig["NetworkMode"]);
        Assert.Null(hostConfig["Links"]);
        Assert.False(once.Body.ContainsKey("NetworkingConfig"));
        Assert.Empty(once.Networks);
        // It does what the container itself does.
        Assert.False(once.Body.ContainsKey("Cmd"));
        Assert.False(once.Body.ContainsKey("Healthcheck"));
    }

    private static ContainerDefinition Recreate(JsonObject container) => ContainerDefinition.Recreate(container, Image(), "shop:2");

    private static JsonObject Container() => Json(
        $$"""
        {
          "Id": "{{Id}}",
          "Config": {
            "Hostname": "0123456789ab", "Image": "shop:1", "User": "app", "WorkingDir": "/app", "StopSignal": "SIGQUIT",
            "Cmd": ["serve"], "Entrypoint": ["/entry.sh"], "OnBuild": null,
            "Env": ["TZ=UTC", "PATH=/bin", "VERSION=1"],
            "Labels": { "version": "1", "mine": "1" },
            "Volumes": { "/data": {} },
            "ExposedPorts": { "80/tcp": {}, "9000/tcp": {} },
            "Healthcheck": { "Test": ["CMD", "true"], "Interval": 1000000000 }
          },
          "HostConfig": {
            "Binds": null, "ContainerIDFile": "/tmp/x", "Memory": 1000, "NetworkMode": "bridge", "RestartPolicy": { "Name": "always" },
            "PortBindings": { "80/tcp": [{ "HostIp": "", "HostPort": "8080" }] }
          },
          "NetworkSettings": { "Networks": { "bridge": { "NetworkID": "b", "IPAddress": "172.17.0.2", "Aliases": null } } },
          "Mounts": []
        }
        """).AsObject();

    private static JsonObject Image() => Json(
        """
        {
          "Id": "sha256:1",
          "Config": {
            "User": "app", "WorkingDir": "/app", "StopSignal": "SIGQUIT", "Cmd": ["serve"], "Entrypoint": ["/entry.sh"],
            "Env": ["PATH=/bin", "VERSION=1"],
            "Labels": { "version": "1" },
            "Volumes": { "/data": {} },
            "ExposedPorts": { "80/tcp": {} },
            "Healthcheck": { "Test": ["CMD", "true"], "Interval": 1000000000 }
          }
        }
        """).AsObject();

    private static JsonObject InNetworks(string mode)
    {
        JsonObject container = Container();
        container["HostConfig"]!["NetworkMode"] = mode;
        container["NetworkSettings"]!["Networks"] = Json(
            $$"""
            {
              "back": { "NetworkID": "beef", "IPAddress": "172.21.0.2", "Aliases": ["api", "{{Id[..12]}}"] },
              "front": { "NetworkID": "f00d", "EndpointID": "e", "IPAddress": "172.20.0.9", "IPAMConfig": { "IPv4Address": "172.20.0.9" }, "Aliases": ["web", "shop", "{{Id[..12]}}"] }
            }
            """);
        return container;
    }

    private static JsonNode Json(string text) => JsonNode.Parse(text)!;

    private static string[] Texts(JsonNode? node) => [.. node!.AsArray().Select(each => (string)each!)];
}
