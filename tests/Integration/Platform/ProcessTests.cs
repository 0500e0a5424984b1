using System.Diagnostics;
using System.Text.Json;
using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Platform;

/// <summary>Other processes: which of them has a file open, and which lives.</summary>
[Trait("Category", "Tool")]
public sealed class ProcessTests : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void A_process_that_has_a_file_open_is_found_and_this_one_is_not()
    {
        Require.Tool("sh");
        File.WriteAllText(_temp["file"], "x");
        using var own = File.OpenRead(_temp["file"]);
        using var child = Shell.Start("sh", "-c", "exec 3<'" + _temp["file"] + "'; echo ready; exec sleep 30");
        try
        {
            Assert.Equal("ready", child.StandardOutput.ReadLine());
            var holder = Assert.Single(OpenFiles.HoldersOf([_temp["file"]]).Holders);
            Assert.Equal((child.Id, _temp["file"]), (holder.ProcessId, holder.Path));
        }
        finally
        {
            child.Kill();
            child.WaitForExit();
        }

        Assert.Empty(OpenFiles.HoldersOf([_temp["file"]]).Holders);
    }

    [Fact]
    public async Task A_child_that_is_being_started_is_not_taken_for_a_process_that_has_our_file_open()
    {
        Require.Tool("true");
        File.WriteAllText(_temp["file"], "x");
        using var own = File.OpenRead(_temp["file"]);
        using var over = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        Task starting = Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (!over.IsCancellationRequested)
                Shell.Run("true");
        })));

        while (!over.IsCancellationRequested)
            Assert.Empty(OpenFiles.HoldersOf([_temp["file"]]).Holders);
        await starting;
    }

    [Fact]
    public void A_child_is_alive_until_it_is_killed()
    {
        Require.Tool("sleep");
        using var child = Process.Start("sleep", "30");
        var identity = ProcessIdentity.Of(child.Id)!;
        identity = JsonSerializer.Deserialize<ProcessIdentity>(JsonSerializer.Serialize(identity))!;
        Assert.Equal(Liveness.Alive, identity.IsAlive());
        child.Kill();
        child.WaitForExit();
        Assert.Equal(Liveness.Dead, identity.IsAlive());
    }
}
