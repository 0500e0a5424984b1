using System.Globalization;
using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>Copies to an S3 server beside a single PUT of the same file to it, and their memory for small and large ones.</summary>
internal static class CopyPart
{
    // The sizes between which memory must not grow, as parts of --size.
    private const int Smaller = 5;
    private const int Larger = 4;

    public static void Measure(BenchRun bench)
    {
        Report.Heading("Copies to S3");
        if (BenchBucket.Program is null || !Tool.IsInstalled("curl"))
        {
            Report.Line($"Left out: it needs s3rver (DBBACKUP_TEST_S3RVER, tests/environment/prepare.sh) and curl.");
            return;
        }

        bench.Clean();
        string origin = MakeBackup(bench, "origin", bench.Options.SizeMB);
        using var bucket = new BenchBucket(bench.Work("bucket"));
        bench.Shell.Run(BenchBucket.LogIn);
        var contest = new Contest(bench);
        var put = new Series("one PUT", "curl -T files.tar.zst ADDRESS");
        var copy = new Series("`Copy-DbBackup`", "Copy-DbBackup one -Repository origin -Destination s3://…");
        string payload = Directory.EnumerateFiles(origin, "*.tar*", SearchOption.AllDirectories).Single();
        contest.Add(put, () => Tool.Run($"curl -sS -f -T '{payload}' '{bucket.AddressToPut("single")}'"));
        contest.Add(copy, () => bench.Shell.Run($"Copy-DbBackup one -Repository {Quote(origin)} -Destination {Quote(bucket.Location)} -AllowNewRepository").Seconds, () => Empty(bench));
        IReadOnlyList<Series> series = contest.Run("bucket", "origin");
        Report.Table(series);
        var targets = new Targets();
        targets.AtMost(1.5, "a copy within 1.5 times of a single PUT of its payload", copy.RatioTo(put));
        Report.Line($"");
        MeasureMemory(bench, bucket, targets);
        Report.Line($"");
        targets.Print();
    }

    private static void MeasureMemory(BenchRun bench, BenchBucket bucket, Targets targets)
    {
        if (!MemoryPart.CanMeasure())
            return;
        int[] sizes = [bench.Options.SizeMB / Smaller, bench.Options.SizeMB * Larger];
        MemoryPart.Header(bench, "size of the payload");
        var added = new List<double>();
        foreach (int size in sizes)
        {
            string origin = string.Empty;
            added.Add(MemoryPart.Row(
                bench, string.Create(CultureInfo.InvariantCulture, $"Copy-DbBackup -Destination s3://…, {size} MB"),
                () =>
                {
                    // What is served there stays: the server has it open.
                    Empty(bench);
                    origin = MakeBackup(bench, "origin", size);
                },
                () => $"{BenchBucket.LogIn}; Copy-DbBackup one -Repository {Quote(origin)} -Destination {Quote(bucket.Location)} -AllowNewRepository",
                "bucket"));
        }

        targets.AtMost(200, "less than 200 MB of added memory, whatever the size", added.Max(), "MB");
    }

    // Of a small database and one file that does not compress, so that its payload has its size.
    private static string MakeBackup(BenchRun bench, string name, int sizeMB)
    {
        string origin = bench.Work(name);
        string files = Path.Combine(origin, "files");
        Directory.CreateDirectory(files);
        byte[] block = new byte[1_000_000];
        var random = new Random(7);
        using (FileStream file = File.Create(Path.Combine(files, "a.bin")))
        {
            for (int i = 0; i < sizeMB; i++)
            {
                random.NextBytes(block);
                file.Write(block);
            }
        }

        string repository = Path.Combine(origin, "repo");
        string database = SampleDatabase.Ensure(bench.Options.DataFolder, 1);
        bench.Shell.Run($"New-DbBackup {Quote(database)} -AdditionalPath {Quote(files)} -Name one -AllowNewRepository -Repository {Quote(repository)}");
        Directory.Delete(files, recursive: true);
        return repository;
    }

    private static void Empty(BenchRun bench)
    {
        foreach (string entry in Directory.EnumerateFileSystemEntries(Path.Combine(bench.Work("bucket"), "bench")))
        {
            if (Directory.Exists(entry))
                Directory.Delete(entry, recursive: true);
            else
                File.Delete(entry);
        }
    }
}
