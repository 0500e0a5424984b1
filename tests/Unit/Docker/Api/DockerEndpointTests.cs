using DbBackup.Engine.Docker.Api;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Docker.Api;

/// <summary>An engine is found where the docker command finds it.</summary>
public sealed class DockerEndpointTests
{
    [Theory]
    [InlineData("unix:///run/user/1000/docker.sock", DockerTransportKind.UnixSocket, "/run/user/1000/docker.sock", 0, null, false, "unix:///run/user/1000/docker.sock")]
    [InlineData("npipe:////./pipe/docker_engine", DockerTransportKind.NamedPipe, "docker_engine", 0, null, false, "npipe:////./pipe/docker_engine")]
    [InlineData(@"npipe://\\.\pipe\dockerDesktopLinuxEngine", DockerTransportKind.NamedPipe, "dockerDesktopLinuxEngine", 0, null, false, "npipe:////./pipe/dockerDesktopLinuxEngine")]
    [InlineData("tcp://nas", DockerTransportKind.Tcp, "nas", 2375, null, false, "tcp://nas:2375")]
    [InlineData("tcp://10.0.0.7:2376", DockerTransportKind.Tcp, "10.0.0.7", 2376, null, false, "tcp://10.0.0.7:2376")]
    [InlineData("http://nas:80", DockerTransportKind.Tcp, "nas", 80, null, false, "tcp://nas:80")]
    [InlineData("https://nas", DockerTransportKind.Tcp, "nas", 2376, null, true, "tcp://nas:2376")]
    [InlineData("nas:2375", DockerTransportKind.Tcp, "nas", 2375, null, false, "tcp://nas:2375")]
    [InlineData("ssh://nas", DockerTransportKind.Ssh, "nas", 22, null, false, "ssh://nas")]
    [InlineData("ssh://admin@nas:2222", DockerTransportKind.Ssh, "nas", 2222, "admin", false, "ssh://admin@nas:2222")]
    public void Address_in_every_form_of_docker_host(string text, DockerTransportKind kind, string address, int port, string? user, bool tls, string again)
    {
        DockerEndpoint endpoint = DockerEndpoint.Parse(text, "DOCKER_HOST");
        Assert.Equal((kind, address, port, user, tls), (endpoint.Kind, endpoint.Address, endpoint.Port, endpoint.User, endpoint.UsesTls));
        Assert.Equal(again, endpoint.ToString());
        Assert.Equal(kind is DockerTransportKind.UnixSocket or DockerTransportKind.NamedPipe, endpoint.IsLocal);
        DockerEndpoint second = DockerEndpoint.Parse(again, "DOCKER_HOST");
        Assert.Equal((kind, address, port, user), (second.Kind, second.Address, second.Port, second.User));
    }

    [Theory]
    [InlineData("")]
    [InlineData("unix://")]
    [InlineData("npipe:////./pipe/")]
    [InlineData("ftp://nas")]
    [InlineData("tcp://")]
    [InlineData("ssh://admin:hunter2@nas")]
    public void Address_that_is_none_is_told_with_where_it_stands_and_without_a_password(string text)
    {
        BackupFailure failure = Assert.Throws<BackupFailure>(() => DockerEndpoint.Parse(text, "DOCKER_HOST"));
        Assert.Equal(ErrorCodes.InvalidArgument, failure.Code);
        Assert.Contains("DOCKER_HOST", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", failure + failure.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_said_comes_first_then_the_variables_then_the_chosen_context()
    {
        using var folder = new TempFolder();
        AddContext(folder, "prod", """{"Host":"ssh://admin@prod"}""");
        AddContext(folder, "lab", """{"Host":"tcp://lab:2376","SkipTLSVerify":true}""", certificates: true);
        File.WriteAllText(folder["config.json"], """{"auths":{},"currentContext":"prod"}""");
        string Resolve(string? said, params (string Name, string Value)[] variables) => Contexts(folder, variables).Resolve(said).ToString();

        Assert.Equal("ssh://admin@prod", Resolve(null));
        Assert.Equal("tcp://lab:2376", Resolve(null, ("DOCKER_CONTEXT", "lab")));
        Assert.Equal("tcp://named:2375", Resolve(null, ("DOCKER_CONTEXT", "lab"), ("DOCKER_HOST", "tcp://named:2375")));
        Assert.Equal("unix:///said", Resolve("unix:///said", ("DOCKER_CONTEXT", "lab"), ("DOCKER_HOST", "tcp://named:2375")));
        Assert.Equal("ssh://admin@prod", Resolve("prod", ("DOCKER_HOST", "tcp://named:2375")));
        Assert.Equal("unix:///var/run/docker.sock", Resolve("default", ("DOCKER_HOST", "tcp://named:2375")));
        Assert.Equal("unix:///var/run/docker.sock", Resolve(null, ("DOCKER_CONTEXT", "default")));
        // An empty variable is none, as for the docker command.
        Assert.Equal("ssh://admin@prod", Resolve(null, ("DOCKER_HOST", ""), ("DOCKER_CONTEXT", "")));
        Assert.Equal(["lab", "prod"], Contexts(folder).Names().Order(StringComparer.Ordinal));

        DockerEndpoint lab = Contexts(folder).Resolve("lab");
        Assert.True(lab.UsesTls);
        Assert.False(lab.VerifiesServer);
        Assert.True(File.Exists(Path.Join(lab.CertificateFolder, "ca.pem")));
        Assert.Contains("'lab'", lab.Origin, StringComparison.Ordinal);

        BackupFailure failure = Assert.Throws<BackupFailure>(() => Resolve(null, ("DOCKER_CONTEXT", "gone")));
        Assert.Contains("DOCKER_CONTEXT", failure.Message, StringComparison.Ordinal);
        Assert.Contains("docker context ls", failure.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("not json", "")]
    [InlineData("[]", "")]
    [InlineData("""{"auths":{}}""", "")]
    public void Configuration_that_says_nothing_leaves_the_default_of_the_system(string config, string variable)
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["config.json"], config);
        Assert.Equal("unix:///var/run/docker.sock", Contexts(folder, ("DOCKER_CONTEXT", variable)).Resolve(null).ToString());
        Assert.Equal("npipe:////./pipe/docker_engine", new DockerContexts(_ => null, folder["nowhere"], windows: true).Resolve(null).ToString());
    }

    [Theory]
    [InlineData("", "", false, true)]
    [InlineData("1", "", true, true)]
    [InlineData("", "1", true, false)]
    [InlineData("1", "1", true, true)]
    public void Variables_turn_tls_on(string verify, string tls, bool uses, bool verifies)
    {
        using var folder = new TempFolder();
        DockerEndpoint endpoint = Contexts(folder, ("DOCKER_TLS_VERIFY", verify), ("DOCKER_TLS", tls), ("DOCKER_CERT_PATH", "/certs")).Resolve("tcp://nas:2376");
        Assert.Equal((uses, verifies, uses ? "/certs" : null), (endpoint.UsesTls, endpoint.VerifiesServer, endpoint.CertificateFolder));
    }

    [Theory]
    [InlineData("ssh://nas", "-T -- nas docker system dial-stdio")]
    [InlineData("ssh://admin@nas:2222", "-T -l admin -p 2222 -- nas docker system dial-stdio")]
    public void Ssh_asks_nothing_and_takes_no_host_for_an_option(string address, string end)
    {
        string[] arguments = [.. SshCommand.Arguments(DockerEndpoint.Parse(address, "DOCKER_HOST"))];
        Assert.Contains("BatchMode=yes", arguments);
        Assert.EndsWith(end, string.Join(' ', arguments), StringComparison.Ordinal);
        Assert.Equal("docker system dial-stdio", arguments[^1]);
        Assert.True(Array.IndexOf(arguments, "--") == arguments.Length - 3);
    }

    private static DockerContexts Contexts(TempFolder folder, params (string Name, string Value)[] variables) => new(
        name => name == "DOCKER_CONFIG" ? folder.Path : variables.FirstOrDefault(variable => variable.Name == name).Value, folder["home"], windows: false);

    private static void AddContext(TempFolder folder, string name, string docker, bool certificates = false)
    {
        string id = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name)));
        string meta = folder[Path.Join("contexts", "meta", id)];
        Directory.CreateDirectory(meta);
        File.WriteAllText(Path.Join(meta, "meta.json"), $$$"""{"Name":"{{{name}}}","Metadata":{},"Endpoints":{"docker":{{{docker}}} } }""");
        if (!certificates)
            return;
        string tls = folder[Path.Join("contexts", "tls", id, "docker")];
        Directory.CreateDirectory(tls);
        File.WriteAllText(Path.Join(tls, "ca.pem"), string.Empty);
    }
}
