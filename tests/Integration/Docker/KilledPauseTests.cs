using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>The process that paused an application is killed: the application does not stay paused.</summary>
[Trait("Category", "Docker")]
[Trait("Category", "Kill")]
public sealed class KilledPauseTests : IDisposable
{
    // Only the guard can do it so soon: no other run follows before it is looked at.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);
    private readonly PauseBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(PauseMode.Paused, "sh,setsid,docker")]
    [InlineData(PauseMode.Paused, "sh,sleep,curl")]
    [InlineData(PauseMode.Stopped, "sh,setsid,docker")]
    [InlineData(PauseMode.Stopped, "sh,sleep,curl")]
    public async Task The_guard_resumes_the_application_of_a_killed_process_at_once(PauseMode mode, string programs)
    {
        string first = _bench.RunWriter();
        string second = _bench.RunWriter();
        using (OtherProcess holder = _bench.HoldElsewhere(mode, programs.Split(','), first, second))
        {
            int guard = Assert.Single(PauseBench.Guards(first));
            // Ctrl+C in a terminal reaches all that run in it.
            Shell.Run("kill", "-INT", guard.ToString(System.Globalization.CultureInfo.InvariantCulture));
            await Task.Delay(200);
            Assert.Equal(mode == PauseMode.Paused ? "paused" : "exited", _bench.Status(second));
            holder.Kill();
        }

        TimeSpan took = _bench.WaitForStatus(first, "running") + _bench.WaitForStatus(second, "running");
        Assert.True(took < Soon, $"It took {took}.");
        _bench.AssertWrites(first);
        Assert.Single(_bench.Journals);
        await _bench.RecoverAsync();
        Assert.Empty(_bench.Journals);
        Assert.Empty(PauseBench.Guards(first));
    }

    [Theory]
    [InlineData(PauseMode.Paused, "paused")]
    [InlineData(PauseMode.Stopped, "stopped")]
    public async Task Where_no_guard_can_be_had_the_next_run_resumes_it(PauseMode mode, string word)
    {
        string container = _bench.RunWriter();
        using (OtherProcess holder = _bench.HoldElsewhere(mode, [], container))
        {
            Assert.Contains(holder.Lines, line => line.Contains("the next run resumes it", StringComparison.Ordinal));
            // A live owner's journal is not touched.
            await _bench.RecoverAsync();
            Assert.Equal(mode == PauseMode.Paused ? "paused" : "exited", _bench.Status(container));
            holder.Kill();
        }

        await Task.Delay(1000);
        Assert.Equal(mode == PauseMode.Paused ? "paused" : "exited", _bench.Status(container));
        await _bench.RecoverAsync();
        _bench.AssertWrites(container);
        Assert.Contains($"which a killed backup had left {word}", Assert.Single(_bench.Observer.Warnings), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_bench.Folder.Path));

        await _bench.RecoverAsync();
        Assert.Single(_bench.Observer.Warnings);
    }

    [Fact]
    public async Task A_container_that_was_removed_since_is_named_and_forgotten()
    {
        string container = _bench.RunWriter();
        using (OtherProcess holder = _bench.HoldElsewhere(PauseMode.Paused, [], container))
            holder.Kill();
        _bench.Engine.Docker("rm", "-f", container);

        await _bench.RecoverAsync();

        Assert.Contains("has been removed since", Assert.Single(_bench.Observer.Warnings), StringComparison.Ordinal);
        Assert.Empty(_bench.Journals);
    }

    [Fact]
    public void A_run_that_ends_takes_its_guard_with_it()
    {
        string container = _bench.RunWriter();
        using OtherProcess holder = _bench.HoldElsewhere(PauseMode.Paused, programs: null, container);
        Assert.Single(PauseBench.Guards(container));
        holder.Process.StandardInput.WriteLine();
        holder.Process.StandardInput.Flush();
        holder.Process.WaitForExit();

        Assert.Empty(PauseBench.Guards(container));
        Assert.Empty(_bench.Journals);
        _bench.AssertWrites(container);
    }

    [Fact]
    public async Task An_engine_that_does_not_answer_leaves_the_note_for_later()
    {
        // No process has it any more.
        LeaveNote(ProcessIdentity.Current with { StartTicks = 1 });

        await _bench.RecoverAsync();

        string warning = Assert.Single(_bench.Observer.Warnings);
        Assert.Contains("may have left 'shop-db-1' paused", warning, StringComparison.Ordinal);
        Assert.Contains(Assert.Single(_bench.Journals), warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("another boot", false)]
    public async Task A_note_from_another_container_of_this_machine_counts_when_its_lock_is_gone(string boot, bool counts)
    {
        LeaveNote(ProcessIdentity.Current with { Host = "c0ffee", ProcessNamespace = "pid:[1]", BootId = boot.Length > 0 ? boot : ProcessIdentity.Current.BootId });
        await _bench.RecoverAsync();
        Assert.Equal(counts ? 1 : 0, _bench.Observer.Warnings.Count);
    }

    private void LeaveNote(ProcessIdentity owner)
    {
        var endpoint = new DockerEndpoint { Kind = DockerTransportKind.UnixSocket, Address = Path.Join(_bench.Data, "gone.sock") };
        _bench.Folder.Create();
        using PauseJournal journal = PauseJournal.Begin(_bench.Folder, new PauseNote(owner, null, endpoint, PauseMode.Paused, [new PausedContainer(new string('a', 64), "shop-db-1")]));
        journal.Keep();
    }
}
