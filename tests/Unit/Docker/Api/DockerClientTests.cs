using System.Reflection;
using System.Text.Json.Nodes;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Tests.Unit.Docker.Api;

/// <summary>What an engine answers becomes an error of this product in every operation, whichever part of the client does it.</summary>
public sealed class DockerClientTests
{
    private const string Id = "0123456789abcdef";

    // Every operation, so that one that is added without its errors is found.
    private static readonly Dictionary<string, Func<DockerClient, Task>> s_operations = new()
    {
        [nameof(DockerClient.VersionAsync)] = client => client.VersionAsync(default),
        [nameof(DockerClient.ContainerListAsync)] = client => client.ContainerListAsync(true, null, default),
        [nameof(DockerClient.ContainerInspectAsync)] = client => client.ContainerInspectAsync(Id, default),
        [nameof(DockerClient.ContainerDefinitionAsync)] = client => client.ContainerDefinitionAsync(Id, default),
        [nameof(DockerClient.ContainerFindAsync)] = client => client.ContainerFindAsync(Id, default),
        [nameof(DockerClient.ContainerTopAsync)] = client => client.ContainerTopAsync(Id, default),
        [nameof(DockerClient.ContainerStartAsync)] = client => client.ContainerStartAsync(Id, default),
        [nameof(DockerClient.ContainerStopAsync)] = client => client.ContainerStopAsync(Id, default),
        [nameof(DockerClient.ContainerPauseAsync)] = client => client.ContainerPauseAsync(Id, default),
        [nameof(DockerClient.ContainerUnpauseAsync)] = client => client.ContainerUnpauseAsync(Id, default),
        [nameof(DockerClient.ContainerRenameAsync)] = client => client.ContainerRenameAsync(Id, "other", default),
        [nameof(DockerClient.ContainerCreateAsync)] = client => client.ContainerCreateAsync("other", new JsonObject(), default),
        [nameof(DockerClient.ContainerWaitAsync)] = client => client.ContainerWaitAsync(Id, default),
        [nameof(DockerClient.ContainerDeleteAsync)] = client => client.ContainerDeleteAsync(Id, default),
        [nameof(DockerClient.TrialContainerDeleteAsync)] = client => client.TrialContainerDeleteAsync(Id, default),
        [nameof(DockerClient.ContainerLogsAsync)] = client => client.ContainerLogsAsync(Id, 5, default),
        [nameof(DockerClient.ContainerOutputAsync)] = client => client.ContainerOutputAsync(Id, default),
        [nameof(DockerClient.ContainerArchiveInfoAsync)] = client => client.ContainerArchiveInfoAsync(Id, "/data", default),
        [nameof(DockerClient.ContainerArchiveAsync)] = client => client.ContainerArchiveAsync(Id, "/data", default),
        [nameof(DockerClient.PutContainerArchiveAsync)] = client => client.PutContainerArchiveAsync(Id, "/", (target, token) => target.WriteAsync(new byte[512], token).AsTask(), default),
        [nameof(DockerClient.ExecAsync)] = client => client.ExecAsync(Id, ["true"], [], feed: false, endsWithReset: false, default),
        [nameof(DockerClient.ExecInspectAsync)] = client => client.ExecInspectAsync(Id, default),
        [nameof(DockerClient.VolumeListAsync)] = client => client.VolumeListAsync(default),
        [nameof(DockerClient.VolumeInspectAsync)] = client => client.VolumeInspectAsync("data", default),
        [nameof(DockerClient.VolumeCreateAsync)] = client => client.VolumeCreateAsync("data", new Dictionary<string, string>(), default),
        [nameof(DockerClient.VolumeDeleteAsync)] = client => client.VolumeDeleteAsync("data", default),
        [nameof(DockerClient.NetworkConnectAsync)] = client => client.NetworkConnectAsync("net", Id, null, default),
        [nameof(DockerClient.ImageListAsync)] = client => client.ImageListAsync(default),
        [nameof(DockerClient.ImageInspectAsync)] = client => client.ImageInspectAsync("shop:1", default),
        [nameof(DockerClient.ImageDefinitionAsync)] = client => client.ImageDefinitionAsync("shop:1", default),
        [nameof(DockerClient.ImageFindAsync)] = client => client.ImageFindAsync("shop:1", default),
        [nameof(DockerClient.ImageTagAsync)] = client => client.ImageTagAsync(Id, "shop:2", default),
        [nameof(DockerClient.ImageUntagAsync)] = client => client.ImageUntagAsync("shop:2", default),
        [nameof(DockerClient.ImagePullAsync)] = client => client.ImagePullAsync("shop:2", _ => { }, default),
    };

    public static TheoryData<string> Operations => [.. s_operations.Keys];

    [Fact]
    public void Every_operation_is_among_these() => Assert.Empty(
        typeof(DockerClient).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Select(method => method.Name)
            .Where(name => name.EndsWith("Async", StringComparison.Ordinal) && name != nameof(DockerClient.IsSameKernelAsync)).Except(s_operations.Keys));

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Failure_of_the_engine_is_an_error_with_its_own_words(string operation)
    {
        BackupFailure failure = await FailsAsync(operation, _ => FakeDockerEngine.Answer(500, """{"message":"the disk is on fire."}"""));
        Assert.Equal(ErrorCodes.DockerFailed, failure.Code);
        // The answer to HEAD has no body.
        if (operation != nameof(DockerClient.ContainerArchiveInfoAsync))
            Assert.Contains("the disk is on fire (status 500)", failure.Message, StringComparison.Ordinal);
        Assert.False(string.IsNullOrEmpty(failure.Hint));
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Connection_that_is_closed_without_an_answer_is_an_engine_that_cannot_be_reached(string operation)
    {
        BackupFailure failure = await FailsAsync(operation, _ => null);
        Assert.Equal(ErrorCodes.ServerUnreachable, failure.Code);
        Assert.True(failure.CanRetry);
    }

    [Theory]
    [InlineData(nameof(DockerClient.VersionAsync))]
    [InlineData(nameof(DockerClient.ContainerListAsync))]
    [InlineData(nameof(DockerClient.ContainerTopAsync))]
    [InlineData(nameof(DockerClient.ContainerWaitAsync))]
    [InlineData(nameof(DockerClient.ContainerLogsAsync))]
    [InlineData(nameof(DockerClient.ContainerArchiveAsync))]
    [InlineData(nameof(DockerClient.ContainerArchiveInfoAsync))]
    [InlineData(nameof(DockerClient.ExecAsync))]
    [InlineData(nameof(DockerClient.ExecInspectAsync))]
    [InlineData(nameof(DockerClient.VolumeCreateAsync))]
    [InlineData(nameof(DockerClient.ImageInspectAsync))]
    public async Task What_is_no_engine_is_an_error_too(string operation) =>
        Assert.Equal(ErrorCodes.DockerFailed, (await FailsAsync(operation, _ => FakeDockerEngine.Answer(200, "<html>Welcome</html>"))).Code);

    [Fact]
    public async Task Program_is_not_started_over_a_connection_that_was_not_upgraded()
    {
        BackupFailure failure = await FailsAsync(
            nameof(DockerClient.ExecAsync), request => FakeDockerEngine.Answer(200, request.Contains("/start", StringComparison.Ordinal) ? "true" : """{"Id":"1"}"""));
        Assert.Equal(ErrorCodes.DockerFailed, failure.Code);
    }

    [Theory]
    [InlineData("1.41", "v1.41")]
    [InlineData("1.24", "v1.24")]
    [InlineData("1.99", "v1.51")]
    [InlineData(null, "v1.41")]
    public async Task Version_of_the_API_is_the_newest_that_both_know(string? offered, string spoken)
    {
        using var engine = new FakeDockerEngine(offered, request => FakeDockerEngine.Answer(200, request.Contains("/version", StringComparison.Ordinal) ? """{"Version":"1"}""" : "[]"));
        using DockerClient client = await engine.ConnectAsync();
        await client.ContainerListAsync(false, null, default);
        await client.VersionAsync(default);
        Assert.Equal([$"GET /{spoken}/containers/json?all=0 HTTP/1.1", $"GET /{spoken}/version HTTP/1.1"], engine.Requests);
    }

    [Fact]
    public async Task Names_are_escaped_in_the_paths_of_requests()
    {
        using var engine = new FakeDockerEngine("1.41", _ => FakeDockerEngine.Answer(200, "[]"));
        using DockerClient client = await engine.ConnectAsync();
        await client.ContainerPauseAsync("../a b?c=d#e", default);
        await client.ImageUntagAsync("registry:5000/shop/app:1", default);
        Assert.Equal(
            ["POST /v1.41/containers/..%2Fa%20b%3Fc%3Dd%23e/pause HTTP/1.1", "DELETE /v1.41/images/registry%3A5000%2Fshop%2Fapp%3A1?noprune=1 HTTP/1.1"],
            engine.Requests.Select(request => request.Replace("noprune=true", "noprune=1", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Pull_tells_of_its_steps_and_fails_with_the_words_of_the_registry()
    {
        const string Steps = """
            {"status":"Pulling from shop","id":"1"}
            {"status":"Downloading","progressDetail":{"current":5,"total":10},"progress":"[=>]","id":"a"}
            {"status":"Pull complete","progressDetail":{},"id":"a"}

            """;
        var heard = new List<string>();
        using var engine = new FakeDockerEngine("1.41", request => FakeDockerEngine.Answer(
            200, request.Contains("tag=1", StringComparison.Ordinal) ? Steps : Steps + """{"errorDetail":{"message":"toomanyrequests: slow down"},"error":"toomanyrequests: slow down"}"""));
        using DockerClient client = await engine.ConnectAsync();
        await client.ImagePullAsync("shop:1", heard.Add, default);
        Assert.Equal(["Pulling from shop", "Pull complete"], heard);
        BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(() => client.ImagePullAsync("shop:2", heard.Add, default));
        Assert.Contains("toomanyrequests: slow down", failure.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.DockerFailed, failure.Code);
    }

    private static async Task<BackupFailure> FailsAsync(string operation, Func<string, string?> answer)
    {
        using var engine = new FakeDockerEngine("1.41", answer);
        using DockerClient client = await engine.ConnectAsync();
        return await Assert.ThrowsAsync<BackupFailure>(() => s_operations[operation](client));
    }
}
