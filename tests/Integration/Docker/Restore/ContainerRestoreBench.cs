using System.Security.Cryptography;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker.Restore;

/// <summary>Containers with data, backups of those, and restores to where they came from.</summary>
internal sealed class ContainerRestoreBench : IDisposable
{
    /// <summary>A folder with everything that a restore must give back: two databases, owners, modes, links of both kinds.</summary>
    private const string Fill = """
        set -e
        cd /app/data
        mkdir -p sub/deep empty
        printf one > a.txt; printf two > sub/deep/b.txt; printf dash > -rf; printf dots > ..hidden
        ln -s a.txt link; ln a.txt second; ln -s /etc/passwd outside
        chmod 640 a.txt; chown 1234:4321 sub/deep/b.txt; touch -d '2020-01-02 03:04:05' sub/deep/b.txt; chmod 2770 sub
        chown 33:44 .; chmod 750 .
        sqlite3 app.db 'PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES (1);' > /dev/null
        sqlite3 sub/other.sqlite 'CREATE TABLE t(x); INSERT INTO t VALUES (1), (2);'
        chown 1234:4321 sub/other.sqlite; chmod 600 sub/other.sqlite
        """;

    /// <summary>What happens to it until the restore.</summary>
    private const string Change = """
        set -e
        cd /app/data
        rm -rf empty second outside; printf other > a.txt; printf new > extra.txt; mkdir -p more/of/it; printf x > more/of/it/x
        chown 9:9 . sub; chmod 777 sub
        sqlite3 app.db 'INSERT INTO t VALUES (7)'; sqlite3 sub/other.sqlite 'DELETE FROM t'; sqlite3 later.db 'CREATE TABLE l(x)'
        """;

    public ContainerFilesBench Files { get; } = new();

    public DockerEngine Docker => Files.Docker;

    /// <summary>Starts a container that has a volume or a folder of this machine as its data, and fills that.</summary>
    public string RunFilled(string data, params string[] options)
    {
        string container = Docker.Run([.. options, "--volume", $"{data}:/app/data", DockerImages.App]);
        Docker.Exec(container, "bash", "-c", Fill);
        return container;
    }

    public void ChangeData(string container) => Docker.Exec(container, "bash", "-c", Change);

    public Task<Backup> BackUpAsync(string container, string path = "/app/data") => Files.BackUpAsync(ContainerFilesBench.Request(container, path));

    /// <summary>Restores as Restore-DbBackup does.</summary>
    public async Task<RestoreResult> RestoreAsync(RestoreRequest request, CancellationToken cancellationToken = default)
    {
        PreparedRestore prepared = await PreparedRestore.PrepareAsync(Files.Bench.Repository, request, changeNothing: false, Files.Bench.Observer, cancellationToken);
        return await prepared.RunAsync(Files.Bench.Observer, cancellationToken);
    }

    public Task<RestoreResult> RestoreAsync(Backup backup) => RestoreAsync(new RestoreRequest { Backup = backup });

    public async Task<BackupException> RestoreFailsAsync(RestoreRequest request) => await Assert.ThrowsAnyAsync<BackupException>(() => RestoreAsync(request));

    /// <summary>Where a volume's files lie on this machine.</summary>
    public string Folder(string volume) => Docker.Docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume);

    /// <summary>Everything about a folder: names, owners, modes, times, links, contents; of databases, their rows instead of their bytes.</summary>
    public static string State(string folder)
    {
        var lines = new List<string> { Find(folder, "-maxdepth", "0", "-printf", "%m %U:%G") };
        string[] entries = Find(folder, "-mindepth", "1", "-printf", @"%P\t%y %m %U:%G\t%n %TY-%Tm-%Td %TH:%TM %l\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        foreach (string entry in entries.Order(StringComparer.Ordinal))
        {
            string[] parts = entry.Split('\t');
            string path = Path.Join(folder, parts[0]);
            // A database's own log comes and goes with its connections, and so do the times of what it is in.
            if (path.EndsWith("-wal", StringComparison.Ordinal) || path.EndsWith("-shm", StringComparison.Ordinal))
                continue;
            if (parts[1][0] == 'd')
                lines.Add($"{parts[0]} {parts[1]}");
            else if (Path.GetExtension(path) is ".db" or ".sqlite")
                lines.Add($"{parts[0]} {parts[1]} {SampleDatabase.Content(path)}");
            else
                lines.Add($"{string.Join(' ', parts)} {(parts[1][0] == 'f' ? Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))) : null)}");
        }

        return string.Join('\n', lines);
    }

    /// <summary>Fails where a restore has left something in the folder or on the engine.</summary>
    public void AssertNothingLeft(string folder)
    {
        Assert.DoesNotContain(".dbbackup", Find(folder), StringComparison.Ordinal);
        string own = Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture);
        string bind = Path.GetFileName(folder) == "_data" ? Path.GetFileName(Path.GetDirectoryName(folder)!) : folder;
        Assert.Equal(string.Empty, Docker.Docker("ps", "--all", "--quiet", "--filter", $"label=dbbackup.process={own}", "--filter", $"volume={bind}"));
    }

    public string StartedAt(string container) => Docker.Inspect(container, "{{.State.StartedAt}}");

    public void Dispose() => Files.Dispose();

    private static string Find(string folder, params string[] arguments) => Shell.Run("find", [folder, .. arguments]);
}
