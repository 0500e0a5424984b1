using System.Diagnostics;
using System.Net.Sockets;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>Containers that write all the time, and a folder of its own for the notes about their pauses.</summary>
internal sealed class PauseBench : IDisposable
{
    public static readonly DockerEndpoint Endpoint = DockerEndpoint.Default(windows: false);

    /// <summary>The engine's own socket.</summary>
    public static readonly UnixDomainSocketEndPoint EngineSocket = new(Endpoint.Address);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly TempFolder _data = new();

    public DockerEngine Engine { get; } = DockerEngine.Require();

    public RecordingObserver Observer { get; } = new();

    /// <summary>Where another process has it whose XDG_DATA_HOME is <see cref="Data"/>.</summary>
    public PauseFolder Folder => new(Path.Join(_data.Path, "DbBackup", "pauses"));

    public string Data => _data.Path;

    public string[] Journals => Directory.Exists(Folder.Path) ? Directory.GetFiles(Folder.Path, "*.json") : [];

    /// <summary>Starts a writer and waits until it writes.</summary>
    public string RunWriter(params string[] options)
    {
        string container = Engine.Run([.. options, DockerImages.App, "python3", DockerImages.Writer, "--pause", "0.01", "rows", "/tmp/app.db"]);
        Engine.WaitForLines(container, 3);
        return container;
    }

    public ContainerPause Pause(PauseMode mode, params string[] containers) => new(Endpoint, containers, mode) { Folder = Folder };

    public string Status(string container) => Engine.Inspect(container, "{{.State.Status}}");

    public void AssertWrites(string container) => Engine.WaitForLines(container, Engine.Lines(container).Length + 3);

    /// <summary>How long it takes until a container has a status.</summary>
    public TimeSpan WaitForStatus(string container, string status)
    {
        var waited = Stopwatch.StartNew();
        while (Status(container) != status)
        {
            Assert.True(waited.Elapsed < Patience, $"The container is still {Status(container)}.");
            Thread.Sleep(20);
        }

        return waited.Elapsed;
    }

    /// <summary>Starts a process that has containers stand still, and waits until they do.</summary>
    /// <param name="mode">How.</param>
    /// <param name="programs">The only programs on its path; null for this process's path.</param>
    /// <param name="containers">The containers.</param>
    public OtherProcess HoldElsewhere(PauseMode mode, string[]? programs, params string[] containers)
    {
        var environment = new Dictionary<string, string> { ["XDG_DATA_HOME"] = Data };
        if (programs is not null)
            environment["PATH"] = OnlyPrograms(programs);
        OtherProcess process = OtherProcess.StartCommand(OtherProcess.Command(["pause", Endpoint.ToString(), mode.ToString(), .. containers]), environment);
        process.WaitFor(lines => lines.Any(line => line.StartsWith("paused ", StringComparison.Ordinal)));
        return process;
    }

    /// <summary>The ids of the guards that stand by for a container.</summary>
    public static int[] Guards(string container) =>
    [
        .. from folder in Directory.EnumerateDirectories("/proc")
           let id = int.TryParse(Path.GetFileName(folder), out int number) ? number : 0
           where id > 0 && CommandLine(folder) is { } command && command.Contains("dbbackup-guard", StringComparison.Ordinal) && command.Contains(container, StringComparison.Ordinal)
           select id,
    ];

    public Task RecoverAsync() => PauseRecovery.RunAsync(Folder, Observer, CancellationToken.None);

    public void Dispose()
    {
        Engine.Dispose();
        _data.Dispose();
    }

    private static string? CommandLine(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Join(folder, "cmdline"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private string OnlyPrograms(string[] programs)
    {
        string folder = _data["bin"];
        Directory.CreateDirectory(folder);
        foreach (string program in programs)
            File.CreateSymbolicLink(Path.Join(folder, program), ExternalTool.Find(program)!);
        return folder;
    }
}
