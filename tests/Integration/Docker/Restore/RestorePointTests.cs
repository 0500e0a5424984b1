using DbBackup.Engine.Backups;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker.Restore;

/// <summary>The database and the files of one application come back together, or not at all.</summary>
[Trait("Category", "Docker")]
public sealed class RestorePointTests : IDisposable
{
    private readonly ContainerRestoreBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Both_keep_their_old_state_where_one_cannot_be_replaced(bool databaseFails)
    {
        string volume = _bench.Docker.CreateVolume();
        string folder = _bench.Folder(volume);
        string app = _bench.RunFilled(volume);
        string server = _bench.Docker.RunPostgreSql();
        _bench.Docker.Query(server, "ALTER SYSTEM SET max_prepared_transactions = 5");
        _bench.Docker.Docker("restart", server);
        _bench.Docker.WaitUntilPostgreSqlAnswers(server);
        _bench.Docker.Query(server, "CREATE DATABASE shop");
        _bench.Docker.Query(server, "CREATE TABLE notes (body text); INSERT INTO notes VALUES ('old')", "shop");
        Backup backup = await BackUpAsync(server, app);
        _bench.ChangeData(app);
        _bench.Docker.Query(server, "UPDATE notes SET body = 'present'", "shop");
        string present = ContainerRestoreBench.State(folder);

        PreparedRestore prepared = await PreparedRestore.PrepareAsync(
            _bench.Files.Bench.Repository, new RestoreRequest { Backup = backup }, changeNothing: false, _bench.Files.Bench.Observer, CancellationToken.None);
        using (Obstacle(databaseFails, server, Path.Join(folder, "a.txt")))
            await Assert.ThrowsAnyAsync<BackupException>(() => prepared.RunAsync(_bench.Files.Bench.Observer, CancellationToken.None));

        Assert.Equal("present", _bench.Docker.Query(server, "SELECT body FROM notes", "shop"));
        Assert.Equal(present, ContainerRestoreBench.State(folder));
        Assert.True(_bench.Files.IsRunning(app));
        _bench.AssertNothingLeft(folder);

        // Nothing stands in the way of the next one.
        await _bench.RestoreAsync(backup);
        Assert.Equal("old", _bench.Docker.Query(server, "SELECT body FROM notes", "shop"));
        Assert.Equal("one", File.ReadAllText(Path.Join(folder, "a.txt")));
    }

    // A database with a prepared transaction gets no other name, and not even root moves an immutable file.
    private Undo Obstacle(bool ofDatabase, string server, string file)
    {
        if (ofDatabase)
        {
            _bench.Docker.Query(server, "BEGIN; INSERT INTO notes VALUES ('prepared'); PREPARE TRANSACTION 'waiting'", "shop");
            return new Undo(() => _bench.Docker.Query(server, "ROLLBACK PREPARED 'waiting'", "shop"));
        }

        using System.Diagnostics.Process process = Shell.Start("chattr", "+i", file);
        process.WaitForExit();
        Assert.SkipWhen(process.ExitCode != 0, "No immutable files here.");
        return new Undo(() => Shell.Run("chattr", "-i", file));
    }

    private async Task<Backup> BackUpAsync(string server, string app)
    {
        PostgreSqlConnectionSettings settings = await PostgreSqlTarget.ResolveAsync(
            new PostgreSqlConnectionRequest { Server = new ServerAddress.Through(new ContainerServerAddress(new ContainerAddress.OfContainer(server))) }, null, null, CancellationToken.None);
        await using ContainerFilesPlan files = await ContainerFiles.ResolveAsync(ContainerFilesBench.Request(app, "/app/data"), CancellationToken.None);
        return await _bench.Files.Bench.BackUpAsync(new BackupRequest
        {
            Sources = [new PostgreSqlSource(settings, "shop", new PostgreSqlDumpOptions()), .. files.Sources],
            Pause = new ContainerPause(files.Client, [.. files.Pausing.Select(container => container.Id)], files.Mode!.Value) { Folder = new PauseFolder(_bench.Files.Bench["pauses"]) },
        });
    }

    private sealed class Undo(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
