using System.Globalization;
using System.Security.Cryptography;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>Ways to the files of a container, and a backup and a restore of them.</summary>
internal sealed class ContainerFilesBench : IDisposable
{
    public DockerEngine Docker { get; } = DockerEngine.Require();

    public Workbench Bench { get; } = new();

    /// <summary>A container with a volume at /app/data in which the writer writes.</summary>
    public (string Container, string Volume) RunWriter(params string[] writer)
    {
        string volume = Docker.CreateVolume();
        return (Docker.Run(["--volume", $"{volume}:/app/data", DockerImages.App, "python3", DockerImages.Writer, .. writer]), volume);
    }

    public static ContainerFilesRequest Request(string container, string path, Consistency consistency = Consistency.Auto, bool throughEngine = false) => new()
    {
        Subject = new ContainerAddress.OfContainer(container),
        Path = path,
        Consistency = consistency,
        ForceEngine = throughEngine,
    };

    public static ContainerFilesRequest Volume(string name, string? path = null, Consistency consistency = Consistency.Auto, bool throughEngine = false) => new()
    {
        Subject = new ContainerAddress.OfVolume(name),
        Path = path,
        Consistency = consistency,
        ForceEngine = throughEngine,
    };

    public async Task<Backup> BackUpAsync(ContainerFilesRequest request, Action<ContainerFilesPlan>? look = null)
    {
        await using ContainerFilesPlan plan = await ContainerFiles.ResolveAsync(request, CancellationToken.None);
        look?.Invoke(plan);
        return await Bench.BackUpAsync(new BackupRequest
        {
            Sources = plan.Sources,
            Fingerprint = FingerprintLevel.Content,
            Pause = plan.Mode is { } mode
                ? new ContainerPause(plan.Client, [.. plan.Pausing.Select(container => container.Id)], mode) { Folder = new PauseFolder(Bench["pauses"]) } : null,
        });
    }

    /// <summary>Restores a backup into a new folder.</summary>
    public async Task<string> RestoreAsync(Backup backup)
    {
        string folder = Bench[$"restored-{Guid.NewGuid():N}"] + Path.DirectorySeparatorChar;
        Directory.CreateDirectory(folder);
        await Bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = folder });
        return folder;
    }

    /// <summary>The last id that the writer has printed.</summary>
    public long LastPrinted(string container) => long.Parse(Docker.Lines(container)[^1], CultureInfo.InvariantCulture);

    /// <summary>Fails unless the rows are whole, without gaps, and reach to the one that was printed.</summary>
    public static void AssertRows(string database, long printed)
    {
        Assert.Equal("ok", SampleDatabase.Text(database, "PRAGMA integrity_check"));
        long last = long.Parse(SampleDatabase.Text(database, "SELECT max(id) FROM entries")!, CultureInfo.InvariantCulture);
        Assert.True(last >= printed, $"Row {printed} was committed before, but the last one is {last}.");
        Assert.Equal(last.ToString(CultureInfo.InvariantCulture), SampleDatabase.Text(database, "SELECT count(*) FROM entries"));
    }

    /// <summary>How many rows name a file that is missing, and how many one with another content.</summary>
    public static (int Rows, int Missing, int Wrong) CheckAttachments(string database, string folder)
    {
        using var open = Engine.Engines.Sqlite.SqliteDatabase.OpenImmutable(database, CancellationToken.None);
        List<(string File, string Hash)> rows = open.Rows("SELECT file, sha256 FROM attachments", row => (row.GetString(0), row.GetString(1)));
        int missing = 0, wrong = 0;
        foreach ((string file, string hash) in rows)
        {
            string path = Path.Join(folder, file);
            if (!File.Exists(path))
                missing++;
            else if (Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))) != hash)
                wrong++;
        }

        return (rows.Count, missing, wrong);
    }

    public bool IsRunning(string container) => Docker.Inspect(container, "{{.State.Status}}") == "running";

    public void Dispose()
    {
        Docker.Dispose();
        Bench.Dispose();
    }
}
