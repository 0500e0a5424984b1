using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>A pg_dump that exits 0 without having done its work: what it wrote is looked at, not what it says.</summary>
[Trait("Category", "PostgreSql")]
public sealed class LyingPgDumpTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Theory]
    [InlineData("Custom", "exit 0")]
    [InlineData("Plain", "exit 0")]
    [InlineData("Directory", "exit 0")]
    [InlineData("Custom", "exec \"$real\" --exclude-table=notes \"$@\"")]
    [InlineData("Plain", "exec \"$real\" --exclude-table=notes \"$@\"")]
    [InlineData("Directory", "exec \"$real\" --exclude-table=notes \"$@\"")]
    [InlineData("Custom", "exec \"$real\" --exclude-table-data=notes \"$@\"")]
    [InlineData("Plain", "exec \"$real\" --exclude-table-data=notes \"$@\"")]
    [InlineData("Plain", "\"$real\" \"$@\" | head -c 3000; exit 0")]
    [InlineData("Custom", "\"$real\" \"$@\" | head -c 3000; exit 0")]
    public async Task Dump_that_is_not_whole_is_never_listed(string format, string fault)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The false program is a shell script.");
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        // The folder's name, as a version's own folder would have it: those come before wrappers.
        string folder = bench.Files["postgresql"];
        Directory.CreateDirectory(folder);
        string real = Path.Join(own.Server.BinFolder, "pg_dump");
        File.WriteAllText(Path.Join(folder, "pg_dump"), $"#!/bin/sh\nreal={real}\n[ \"$1\" = --version ] && exec \"$real\" --version\n{fault}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Path.Join(folder, "pg_dump"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        File.CreateSymbolicLink(Path.Join(folder, "pg_restore"), Path.Join(own.Server.BinFolder, "pg_restore"));
        var environment = new Dictionary<string, string>(bench.Environment) { ["PATH"] = folder + ":" + Environment.GetEnvironmentVariable("PATH") };

        (int exit, string output) = OtherProcess.Run(environment, OtherProcess.Command("pgbackup", bench.Database.Name, bench.Files.RepositoryPath, format, "0"));
        Assert.True(exit == 1, output);
        Assert.Matches("DumpIncomplete|ToolFailed", output);
        await bench.Files.AssertNothingListedOrStagedAsync();
        bench.AssertNothingLeftOnServer();
    }
}
