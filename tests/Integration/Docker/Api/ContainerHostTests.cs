using System.Diagnostics;
using System.Security.Cryptography;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker.Api;

/// <summary>Programs in real containers, and the two ways on which their output comes.</summary>
[Trait("Category", "Docker")]
public sealed class ContainerHostTests
{
    private static readonly IReadOnlyDictionary<string, string?> s_noVariables = new Dictionary<string, string?>();

    [Theory]
    [InlineData(true)]
    [InlineData(true, "--read-only")]
    [InlineData(true, "--user", "12345:12345")]
    [InlineData(false, "--read-only", "--ipc", "none")]
    public async Task Large_output_beside_large_errors_arrives_as_it_was_with_the_exit_code(bool direct, params string[] options)
    {
        // Incompressible enough that no byte is like its neighbour, and cheap: a counter in each line of 4 KiB.
        const string Program = """
            import hashlib, sys
            out, digest = sys.stdout.buffer, hashlib.sha256()
            filler = bytes(range(256)) * 16
            for i in range(80000):
                block = i.to_bytes(8, 'big') + filler
                digest.update(block)
                out.write(block)
                if i % 8 == 0:
                    sys.stderr.write('x' * 1200 + '\n')
            out.flush()
            sys.stderr.write('sum ' + digest.hexdigest())
            sys.exit(7)
            """;
        using DockerEngine docker = DockerEngine.Require();
        using DockerSubject subject = await DockerSubject.FindAsync(new ContainerAddress.OfContainer(docker.Run([.. options, DockerImages.App])), CancellationToken.None);
        using ToolProcess tool = await StartAsync(subject, ToolUse.Stream, "python3", "-c", Program);
        Assert.Equal(direct, ((ContainerProgram)tool).IsDirect);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[100_000];
        long total = 0;
        int read;
        while ((read = await tool.Output.ReadAsync(buffer)) > 0)
        {
            hash.AppendData(buffer, 0, read);
            total += read;
        }

        Assert.Equal(7, await tool.WaitAsync(CancellationToken.None));
        Assert.Equal(80_000L * (8 + 4096), total);
        Assert.EndsWith("sum " + Convert.ToHexStringLower(hash.GetCurrentHash()), tool.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Program_that_is_not_read_to_its_end_is_ended_with_the_connection()
    {
        using DockerEngine docker = DockerEngine.Require();
        string app = docker.Run(DockerImages.App);
        using DockerSubject subject = await DockerSubject.FindAsync(new ContainerAddress.OfContainer(app), CancellationToken.None);
        using (ToolProcess tool = await StartAsync(subject, ToolUse.Stream, "sh", "-c", "exec cat /dev/zero"))
            await tool.Output.ReadExactlyAsync(new byte[10_000_000]);
        for (int attempt = 0; docker.Docker("top", app).Contains("cat /dev/zero", StringComparison.Ordinal); attempt++)
        {
            Assert.True(attempt < 100, "The program still runs.");
            await Task.Delay(100);
        }
    }

    [Fact]
    public async Task Reading_from_a_container_that_stands_still_can_be_ended()
    {
        using DockerEngine docker = DockerEngine.Require();
        string app = docker.Run(DockerImages.App);
        using DockerSubject subject = await DockerSubject.FindAsync(new ContainerAddress.OfContainer(app), CancellationToken.None);
        using ToolProcess tool = await StartAsync(subject, ToolUse.Stream, "sh", "-c", "echo first; sleep 600");
        Assert.True(((ContainerProgram)tool).IsDirect);
        Assert.Equal(6, await tool.Output.ReadAtLeastAsync(new byte[100], 6));
        docker.Docker("pause", app);
        try
        {
            using var cancel = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => tool.Output.ReadAsync(new byte[100], cancel.Token).AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
            Task<int> waiting = tool.Output.ReadAsync(new byte[100]).AsTask();
            tool.Kill();
            Assert.Equal(0, await waiting.WaitAsync(TimeSpan.FromSeconds(20)));
        }
        finally
        {
            docker.Docker("unpause", app);
        }
    }

    [Fact]
    public async Task Program_that_has_read_what_it_needs_is_not_given_the_rest()
    {
        using DockerEngine docker = DockerEngine.Require();
        using DockerSubject subject = await DockerSubject.FindAsync(new ContainerAddress.OfContainer(docker.Run(DockerImages.App)), CancellationToken.None);
        using ToolProcess tool = await StartAsync(subject, ToolUse.Feed, "sh", "-c", "head -c 5; echo words >&2; exit 3");
        byte[] piece = new byte[1 << 20];
        Task<string> output = new StreamReader(tool.Output).ReadToEndAsync();
        int given = 0;
        for (; !tool.HasInputEnough; given++)
        {
            Assert.True(given < 2000, "It was fed on and on.");
            await tool.Input.WriteAsync(piece);
        }

        await tool.Input.DisposeAsync();
        Assert.Equal(5, (await output).Length);
        Assert.Equal(3, await tool.WaitAsync(CancellationToken.None));
        Assert.Equal("words", tool.Errors);
    }

    [Fact]
    public void Pipe_of_another_process_under_the_same_number_is_not_opened()
    {
        using Process self = Process.GetCurrentProcess();
        Assert.Null(ContainerPipe.Open(self.Id, "0123456789abcdef"));
        Assert.Null(ContainerPipe.Open(int.MaxValue, "0123456789abcdef"));
    }

    private static Task<ToolProcess> StartAsync(DockerSubject subject, ToolUse use, string program, params string[] arguments) =>
        new ContainerHost(subject.Client, subject.Container).StartAsync(program, arguments, s_noVariables, use, CancellationToken.None);
}
