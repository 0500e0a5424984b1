using System.Globalization;
using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>A PostgreSQL database in a container, dumped by the container's own pg_dump and streamed out of it.</summary>
internal static class DockerPart
{
    /// <summary>Names the image of the server; it must be here already.</summary>
    private const string ImageVariable = "DBBACKUP_BENCH_POSTGRESQL_IMAGE";
    private const string DefaultImage = "postgres:15";
    private const string Database = SampleServerDatabases.Many;

    public static void Measure(BenchRun bench)
    {
        Report.Heading("Docker");
        string image = Environment.GetEnvironmentVariable(ImageVariable) is { Length: > 0 } named ? named : DefaultImage;
        if (!Tool.IsInstalled("docker") || !PostgreSqlPart.CanMeasure())
        {
            Report.LeftOut("Docker", "docker");
            return;
        }

        string container = string.Create(CultureInfo.InvariantCulture, $"dbbackup-bench-{Environment.ProcessId}");
        try
        {
            Tool.Run($"docker run -d --name {container} -e POSTGRES_PASSWORD=bench {image} postgres -c listen_addresses='*' -c shared_buffers=512MB -c max_wal_size=4GB");
        }
        catch (InvalidOperationException)
        {
            Report.LeftOut($"Docker (no engine, or no image '{image}': name one with {ImageVariable})", image);
            return;
        }

        try
        {
            Fill(bench, container);
            Measure(bench, container);
        }
        finally
        {
            Tool.Run($"docker rm -f -v {container}");
        }
    }

    private static void Fill(BenchRun bench, string container)
    {
        bench.OnServer(Database);
        Tool.Run($"for i in $(seq 60); do docker exec {container} psql -h 127.0.0.1 -U postgres -c 'SELECT 1' && break; sleep 1; done");
        Tool.Run($"docker exec {container} createdb -U postgres {Database}");
        Tool.Run($"pg_dump -Fc -Z0 {Database} | docker exec -i {container} pg_restore -U postgres -d {Database}");
        Tool.Run($"docker exec {container} psql -U postgres -d {Database} -c CHECKPOINT");
    }

    private static void Measure(BenchRun bench, string container)
    {
        string repository = bench.Work("repo"), dump = bench.Work("stock.dump");
        string backup = $"New-DbBackup -Container {container} -Database {Database} -Name one -Source app -AllowNewRepository -Repository {Quote(repository)}";
        var contest = new Contest(bench);
        var module = new Series("`New-DbBackup -Container`, with `-Fingerprint Rows`, the default", $"New-DbBackup -Container db -Database {Database} -Repository repo");
        contest.Add(module, () => bench.ServerShell.Run(backup).Seconds, size: () => Bytes(repository));
        var custom = new Series("`docker exec … pg_dump -Fc`", $"docker exec db pg_dump -U postgres -Fc {Database} > db.dump");
        contest.Add(custom, () => Tool.Run($"docker exec {container} pg_dump -U postgres -Fc {Database} > '{dump}'"), size: () => Bytes(dump));
        if (Tool.IsInstalled("zstd"))
        {
            contest.Add(
                new Series("`docker exec … pg_dump -Fc -Z0` + `zstd -1 -T0`", $"docker exec db pg_dump -U postgres -Fc -Z0 {Database} | zstd -q -1 -T0 -o db.dump.zst"),
                () => Tool.Run($"docker exec {container} pg_dump -U postgres -Fc -Z0 {Database} | zstd -q -1 -T0 -o '{dump}.zst'"),
                size: () => Bytes(dump + ".zst"));
        }

        IReadOnlyList<Series> all = contest.Run();
        Report.Table(all);
        var targets = new Targets();
        targets.AtLeast(3, "backup of a container's database at least 3 times faster than `docker exec … pg_dump -Fc`", custom.RatioTo(module));
        targets.AtMost(1, "its size, compared with that", (double)module.ResultBytes!.Value / custom.ResultBytes!.Value);
        Report.Heading("Docker: targets");
        targets.Print();
    }

    private static long Bytes(string path) => File.Exists(path)
        ? new FileInfo(path).Length
        : new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
}
