using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>What it costs to encrypt a backup, and to prove one that is encrypted.</summary>
internal static class EncryptionPart
{
    public static void Measure(BenchRun bench)
    {
        bench.Clean();
        string keys = bench.Work("keys"), repository = bench.Work("repo"), tested = bench.Work("tested");
        Directory.CreateDirectory(keys);
        string key = Path.Combine(keys, "my.key");
        string recipient = bench.Shell.Run($"(New-DbBackupKey {Quote(key)}).Recipient").Output.Trim();
        string backup = $"New-DbBackup {Quote(bench.Database)} -AllowNewRepository";
        bench.Shell.Run($"{backup} -Name plain -Repository {Quote(tested)}; {backup} -Name sealed -Recipient {recipient} -Repository {Quote(tested)}");
        long Stored() => new DirectoryInfo(repository).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

        var contest = new Contest(bench);
        var plain = new Series("`New-DbBackup`", "New-DbBackup app.db -Repository repo");
        var encrypted = new Series("`New-DbBackup -Recipient`", "New-DbBackup app.db -Recipient age1… -Repository repo");
        contest.Add(plain, () => bench.Shell.Run($"{backup} -Repository {Quote(repository)}").Seconds, size: Stored);
        contest.Add(encrypted, () => bench.Shell.Run($"{backup} -Recipient {recipient} -Repository {Quote(repository)}").Seconds, size: Stored);
        contest.Add(
            new Series("`Test-DbBackup -Level Structure`", "Test-DbBackup plain -Repository tested"),
            () => bench.Shell.Run($"Test-DbBackup plain -Repository {Quote(tested)}").Seconds);
        contest.Add(
            new Series("`Test-DbBackup -Level Structure -Identity`, encrypted", "Test-DbBackup sealed -Identity my.key -Repository tested"),
            () => bench.Shell.Run($"Test-DbBackup sealed -Identity {Quote(key)} -Repository {Quote(tested)}").Seconds);
        Report.Heading("Encryption");
        Report.Table(contest.Run("keys", "tested"));
        var targets = new Targets();
        targets.AtMost(1.15, "an encrypted backup within 1.15 times of a plain one", encrypted.Median / plain.Median);
        Report.Line($"");
        targets.Print();
        bench.Clean();
    }
}
