using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>The way back, and its proof.</summary>
internal static class RestorePart
{
    public static void Measure(BenchRun bench)
    {
        bench.Clean();
        string repository = bench.Work("repo"), restored = bench.Work("restored");
        bench.Shell.Run($"New-DbBackup {Quote(bench.Database)} -Name one -Source app -AllowNewRepository -Repository {Quote(repository)}");
        string stored = Directory.EnumerateFiles(Path.Combine(repository, "app", "one"), "*.zst").FirstOrDefault() ?? string.Empty;

        var contest = new Contest(bench);
        contest.Add(
            new Series("`Test-DbBackup -Level Restore`: hashes, integrity_check, fingerprint", "Test-DbBackup one -Level Restore -Repository repo"),
            () => bench.Shell.Run($"$r = Test-DbBackup one -Level Restore -Repository {Quote(repository)}; if ($r.Status -ne 'Matched') {{ throw $r.Status }}").Seconds);
        contest.Add(
            new Series("`Restore-DbBackup` into a new folder: hashes, quick_check, fingerprint, flush", "Restore-DbBackup one -Destination restored -Force -Repository repo"),
            () => bench.Shell.Run($"Restore-DbBackup one -Destination {Quote(restored)} -Force -Repository {Quote(repository)}").Seconds,
            () => Directory.CreateDirectory(restored));
        contest.Add(
            new Series("`Test-DbBackup -Level Checksum`: the stored bytes' hash", "Test-DbBackup one -Level Checksum -Repository repo"),
            () => bench.Shell.Run($"Test-DbBackup one -Level Checksum -Repository {Quote(repository)}").Seconds);
        if (stored.Length > 0 && Tool.IsInstalled("zstd") && Tool.IsInstalled("sqlite3"))
        {
            string file = bench.Work("restored.db");
            contest.Add(
                new Series("`zstd -d` + `integrity_check`", "zstd -q -d app.db.zst -o restored.db && sqlite3 restored.db 'PRAGMA integrity_check'"),
                () => Tool.Run($"zstd -q -d '{stored}' -o '{file}' && sqlite3 '{file}' 'PRAGMA integrity_check'"));
        }

        Report.Heading("Restore and test");
        Report.Table(contest.Run("repo"));
        if (!Tool.IsInstalled("zstd"))
            Report.LeftOut("the comparison with stock tools", "zstd");
        bench.Clean();
    }
}
