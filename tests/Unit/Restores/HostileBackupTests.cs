using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Restores;

/// <summary>A backup that somebody else has made: its files hold a link, and its manifest has a database pass through it.</summary>
public sealed class HostileBackupTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("data/door/evil.db")]
    [InlineData("data/sub/door/deep/evil.db")]
    [InlineData("data/door")]
    [InlineData("data/file")]
    public async Task Restore_writes_nothing_through_a_link_of_the_backup(string within)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows lets only administrators make links.");
        Backup backup = await HostileAsync(within);

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench["restored/"] }));

        Assert.Equal(ErrorCodes.UnsafeContent, failure.Code);
        AssertOutsideIsUntouched();
        Assert.Empty(Directory.GetFileSystemEntries(_bench["restored"]));
    }

    [Theory]
    [InlineData("data/door/evil.db")]
    [InlineData("data/door")]
    [InlineData("data/file")]
    public async Task Export_writes_nothing_through_a_link_of_the_backup_with_Force_or_without(string within)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows lets only administrators make links.");
        Backup backup = await HostileAsync(within);

        foreach (bool force in (bool[])[false, true])
        {
            string destination = Directory.CreateDirectory(_bench[$"exported {force}"]).FullName;
            BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => new BackupExporter(_bench.Repository).ExportAsync(
                new ExportRequest { Backup = backup, Destination = destination, Force = force }, _bench.Observer, CancellationToken.None));
            Assert.Equal(ErrorCodes.UnsafeContent, failure.Code);
        }

        AssertOutsideIsUntouched();
    }

    [Fact]
    public async Task What_is_restored_is_private_until_it_has_the_mode_of_the_file_that_it_replaces()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no modes.");
        string database = SampleDatabase.Create(_bench["app.db"]);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(database, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Backup backup = await _bench.BackUpAsync(database);
        var modes = new HashSet<UnixFileMode>();
        using var stop = new CancellationTokenSource();
        var watcher = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                foreach (string staged in Directory.GetFiles(_bench.Folder.Path, ".app.db.dbbackup-*"))
                {
                    try
                    {
                        if (!OperatingSystem.IsWindows())
                            modes.Add(File.GetUnixFileMode(staged) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite));
                    }
                    catch (IOException)
                    {
                        // It has its place by now.
                    }
                }
            }
        });
        watcher.Start();
        for (int round = 0; round < 5; round++)
            await _bench.RestoreAsync(backup);
        stop.Cancel();
        watcher.Join();

        Assert.Equal([UnixFileMode.None], modes);
    }

    private async Task<Backup> HostileAsync(string within)
    {
        string outside = Directory.CreateDirectory(_bench["outside"]).FullName;
        Directory.CreateDirectory(Path.Join(outside, "deep"));
        File.WriteAllText(Path.Join(outside, "evil.db"), "keep");
        string data = Directory.CreateDirectory(_bench["data"]).FullName;
        Directory.CreateDirectory(Path.Join(data, "sub"));
        File.CreateSymbolicLink(Path.Join(data, "door"), outside);
        File.CreateSymbolicLink(Path.Join(data, "sub", "door"), "../../outside");
        File.WriteAllText(Path.Join(data, "file"), "a file");
        Backup backup = await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(SampleDatabase.Create(_bench["app.db"])), new FolderSource(data)] });
        Manifest manifest = backup.Manifest! with
        {
            Payloads = [.. backup.Manifest.Payloads.Select(payload => payload.Kind == PayloadKind.Database ? payload with { Within = within } : payload)],
        };
        return new Backup(manifest, backup.Source, backup.Name, backup.Repository, backup.Location, backup.Tests);
    }

    private void AssertOutsideIsUntouched()
    {
        Assert.Equal(["deep", "evil.db"], Directory.GetFileSystemEntries(_bench["outside"], "*", SearchOption.AllDirectories).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("keep", File.ReadAllText(Path.Join(_bench["outside"], "evil.db")));
    }
}
