using System.Collections.Concurrent;
using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>The password is in no process list, no file of the repository, no message and no error.</summary>
[Trait("Category", "PostgreSql")]
public sealed class SecretsTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Directory)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Password_is_seen_nowhere_while_a_database_is_backed_up_tested_and_restored(PostgreSqlFormat format)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other processes' arguments are read from /proc.");
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.AddLargeDump(30);
        string secret = own.Server.Password;
        // As it stands in URIs, in connection strings, and its part that nothing escapes.
        string[] forms = [secret, Uri.EscapeDataString(secret), secret[^16..]];
        var said = new ConcurrentQueue<string>();
        bench.Observer.At = said.Enqueue;
        var seen = new ConcurrentDictionary<string, bool>();
        using var stop = new CancellationTokenSource();
        var watcher = new Thread(() => Watch(seen, stop.Token));
        watcher.Start();
        try
        {
            Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format, Jobs = 2 });
            Assert.True((await bench.TestAsync(backup)).Passed);
            said.Enqueue((await bench.RestoreAsync(backup)).ToString()!);
            said.Enqueue((await bench.RestoreAsync(bench.Request(backup) with { InPlace = true })).ToString()!);
            BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => bench.Files.BackUpAsync(bench.Source(database: "no such database")));
            said.Enqueue(failure + failure.Hint);
        }
        finally
        {
            await stop.CancelAsync();
            watcher.Join();
        }

        // The watcher saw what it was to watch.
        Assert.Contains(seen.Keys, line => line.Contains("pg_dump", StringComparison.Ordinal) && line.Contains("--snapshot", StringComparison.Ordinal));
        foreach (string form in forms)
        {
            Assert.DoesNotContain(seen.Keys, line => line.Contains(form, StringComparison.Ordinal));
            Assert.DoesNotContain(said, line => line.Contains(form, StringComparison.Ordinal));
            Assert.All(
                Directory.EnumerateFiles(bench.Files.RepositoryPath, "*", SearchOption.AllDirectories).Where(file => Path.GetExtension(file) is ".json" or ".txt" or ".jsonl"),
                file => Assert.DoesNotContain(form, File.ReadAllText(file), StringComparison.Ordinal));
        }
    }

    private static void Watch(ConcurrentDictionary<string, bool> seen, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            foreach (string folder in Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
            {
                try
                {
                    seen.TryAdd(Encoding.UTF8.GetString(File.ReadAllBytes(Path.Join(folder, "cmdline"))).Replace('\0', ' '), true);
                }
                catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
                {
                    // It has ended.
                }
            }

            Thread.Sleep(1);
        }
    }
}
