using System.Globalization;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>
/// Many backups of applications that never stop writing, and beside them, in the same containers, what people do without this module.
/// The controls show that the test can fail at all.
/// </summary>
[Trait("Category", "Docker")]
public sealed class WriterProofTests(ITestOutputHelper output) : IDisposable
{
    private readonly ContainerFilesBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Backups_of_a_written_database_are_whole_and_have_every_row_committed_before()
    {
        int backups = Sampling.Rounds(12, 50);
        (string container, _) = _bench.RunWriter("rows", "/app/data/app.db", "WAL");
        _bench.Docker.WaitForLines(container, 50);
        int badControls = 0, controls = 0;
        for (int round = 0; round < backups; round++)
        {
            long printed = _bench.LastPrinted(container);
            Backup backup = await _bench.BackUpAsync(ContainerFilesBench.Request(container, "/app/data"), plan => Assert.Equal(PauseMode.Paused, plan.Mode));
            string folder = await _bench.RestoreAsync(backup);
            ContainerFilesBench.AssertRows(Path.Join(folder, "data", "app.db"), printed);
            Directory.Delete(folder, recursive: true);
            badControls += CopyIsBad(container) ? 1 : 0;
            controls++;
        }

        output.WriteLine($"{backups} backups of a database in WAL mode with a writer: 0 torn, 0 without a committed row.");
        output.WriteLine($"{controls} copies of the file by docker cp at the same time: {badControls} torn or without a committed row.");
        Assert.True(badControls > 0, "The control was never bad, so this proves nothing here.");
    }

    [Fact]
    public async Task In_many_backups_no_row_names_a_file_that_is_missing_or_wrong()
    {
        int backups = Sampling.Rounds(15, 100), controls = Sampling.Rounds(5, 20);
        string volume = _bench.Docker.CreateVolume();
        string container = _bench.Docker.Run(
            "--volume", $"{volume}:/app/data", DockerImages.App, "python3", DockerImages.Writer, "--pause", "0.1", "attachments", "/app/data/app.db", "/app/data/files");
        _bench.Docker.WaitForLines(container, 20);
        int rows = 0, controlRows = 0, controlBad = 0, badControls = 0;
        for (int round = 0; round < backups; round++)
        {
            Backup backup = await _bench.BackUpAsync(ContainerFilesBench.Request(container, "/app/data"));
            string folder = await _bench.RestoreAsync(backup);
            (int found, int missing, int wrong) = ContainerFilesBench.CheckAttachments(Path.Join(folder, "data", "app.db"), Path.Join(folder, "data", "files"));
            Assert.True(found > 0 && missing == 0 && wrong == 0, $"Backup {round + 1}: of {found} rows {missing} name a missing file and {wrong} a wrong one.");
            rows += found;
            Directory.Delete(folder, recursive: true);
            Directory.Delete(backup.Location, recursive: true);
            if (round % (backups / controls) == 0)
            {
                (found, missing, wrong) = CopyNaively(container);
                controlRows += found;
                controlBad += missing + wrong;
                badControls += missing + wrong > 0 ? 1 : 0;
            }

            // What the writer has made until now is enough; more would only make each round slower than the one before. The writer itself
            // removes files too, which find may have seen before.
            if (round % 10 == 9)
                _bench.Docker.Exec(container, "sh", "-c", "sqlite3 -cmd '.timeout 60000' /app/data/app.db 'DELETE FROM attachments WHERE id < (SELECT max(id) - 100 FROM attachments)'; find /app/data/files -type f -mmin +2 -delete 2>/dev/null || :");
        }

        output.WriteLine($"{backups} backups and restores: {rows} rows, 0 with a missing or wrong file.");
        output.WriteLine($"{controls} copies in the naive order (files, then the database): {controlRows} rows, {controlBad} with a missing or wrong file, in {badControls} of the copies.");
        Assert.True(controlBad > 0, "The control was never bad, so this proves nothing here.");
    }

    // docker cp of the database's file alone, as often seen.
    private bool CopyIsBad(string container)
    {
        long printed = _bench.LastPrinted(container);
        string copy = _bench.Bench[$"control-{Guid.NewGuid():N}.db"];
        _bench.Docker.Docker("cp", $"{container}:/app/data/app.db", copy);
        try
        {
            return SampleDatabase.Text(copy, "PRAGMA integrity_check") != "ok"
                || long.Parse(SampleDatabase.Text(copy, "SELECT coalesce(max(id), 0) FROM entries")!, CultureInfo.InvariantCulture) < printed;
        }
        catch (BackupException)
        {
            return true;
        }
        finally
        {
            File.Delete(copy);
        }
    }

    private (int Rows, int Missing, int Wrong) CopyNaively(string container)
    {
        string folder = Directory.CreateDirectory(_bench.Bench[$"control-{Guid.NewGuid():N}"]).FullName;
        _bench.Docker.Docker("cp", $"{container}:/app/data/files", Path.Join(folder, "files"));
        _bench.Docker.Exec(container, "sqlite3", "-cmd", ".timeout 60000", "/app/data/app.db", ".backup /tmp/control.db");
        _bench.Docker.Docker("cp", $"{container}:/tmp/control.db", Path.Join(folder, "app.db"));
        (int, int, int) found = ContainerFilesBench.CheckAttachments(Path.Join(folder, "app.db"), Path.Join(folder, "files"));
        Directory.Delete(folder, recursive: true);
        return found;
    }
}
