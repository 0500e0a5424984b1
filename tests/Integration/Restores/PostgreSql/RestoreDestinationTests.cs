using DbBackup.Engine.Backups;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>A restore replaces what was named and nothing else; a destination is honoured or refused, and a part is never taken for the whole.</summary>
[Trait("Category", "PostgreSql")]
public sealed class RestoreDestinationTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Fact]
    public async Task A_path_for_a_servers_database_is_refused_and_the_live_one_stays()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        string present = Change(bench);
        RestoreRequest unnamed = bench.Request(backup) with { NewName = null };

        foreach (RestoreRequest request in new[]
        {
            unnamed with { Destination = bench.Files["elsewhere"] },
            unnamed with { ContainerPath = "/data" },
            unnamed with { Place = ContainerAddress.Of(null, volume: "other") },
            unnamed with { Destination = bench.Files["elsewhere"], Content = ContentKind.Database },
            bench.Request(backup) with { Destination = bench.Files["elsewhere"] },
        })
        {
            BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => bench.RestoreAsync(request));
            Assert.Equal(ErrorCodes.InvalidArgument, failure.Code);
        }

        Assert.Equal(present, bench.Database.Dump());
        Assert.False(Path.Exists(bench.Files["elsewhere"]));
    }

    [Fact]
    public async Task A_database_that_is_restored_beside_leaves_the_live_files()
    {
        using var bench = new PostgreSqlBench(own.Server);
        Backup backup = await BackUpWithFilesAsync(bench);
        string present = Change(bench);

        RestoreResult result = await bench.RestoreAsync(bench.Request(backup) with { NewName = bench.Database.Name + "_yesterday" });

        own.Server.Execute("postgres", $"DROP DATABASE \"{bench.Database.Name}_yesterday\"");
        Assert.Equal("present", File.ReadAllText(bench.Files["uploads/photo.txt"]));
        Assert.Equal(present, bench.Database.Dump());
        Assert.Single(result.Restored);
    }

    [Fact]
    public async Task A_folder_for_the_files_does_not_replace_the_live_database()
    {
        using var bench = new PostgreSqlBench(own.Server);
        Backup backup = await BackUpWithFilesAsync(bench);
        string present = Change(bench);
        RestoreRequest elsewhere = bench.Request(backup) with { NewName = null, Connection = new(), Destination = bench.Files["elsewhere"] };

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => bench.RestoreAsync(elsewhere));
        Assert.Contains("-Content Files", failure.Hint, StringComparison.Ordinal);
        await bench.RestoreAsync(elsewhere with { Content = ContentKind.Files });

        Assert.Equal("wanted", File.ReadAllText(bench.Files["elsewhere/uploads/photo.txt"]));
        Assert.Equal("present", File.ReadAllText(bench.Files["uploads/photo.txt"]));
        Assert.Equal(present, bench.Database.Dump());
    }

    [Fact]
    public async Task What_belongs_to_servers_is_refused_for_files()
    {
        using var bench = new PostgreSqlBench(own.Server);
        Directory.CreateDirectory(bench.Files["uploads"]);
        Backup backup = await bench.Files.BackUpAsync(new BackupRequest { Sources = [new FolderSource(bench.Files["uploads"])] });

        foreach (RestoreRequest request in new[] { bench.Request(backup), bench.Request(backup) with { NewName = null }, new RestoreRequest { Backup = backup, Tables = ["a"] } })
            Assert.Equal(ErrorCodes.InvalidArgument, (await Assert.ThrowsAnyAsync<BackupException>(() => bench.RestoreAsync(request))).Code);
    }

    [Theory]
    [InlineData("table")]
    [InlineData("exclude")]
    [InlineData("no rows")]
    [InlineData("schema")]
    public async Task A_part_is_never_the_latest_and_never_replaces_the_whole(string kind)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup whole = await bench.BackUpAsync();
        Backup part = await bench.BackUpAsync(kind switch
        {
            "table" => new PostgreSqlDumpOptions { Tables = ["authors"] },
            "exclude" => new PostgreSqlDumpOptions { ExcludedTables = ["notes"] },
            "no rows" => new PostgreSqlDumpOptions { ExcludedTableData = ["notes"] },
            _ => new PostgreSqlDumpOptions { Schemas = ["public"] },
        });
        string present = Change(bench);

        Assert.Equal(BackupScope.Partial, part.Scope);
        Assert.Equal(whole.Name, Assert.Single(BackupSelection.LatestGood(await bench.Files.ListAsync(), null)).Name);
        foreach (RestoreRequest request in new[] { bench.Request(part), bench.Request(part) with { InPlace = true } })
        {
            BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => bench.RestoreAsync(request));
            Assert.Equal(ErrorCodes.PartialBackup, failure.Code);
        }

        Assert.Equal(present, bench.Database.Dump());
        // Beside it hurts nobody.
        await bench.RestoreAsync(bench.Request(part) with { NewName = bench.Database.Name + "_part" });
        own.Server.Execute("postgres", $"DROP DATABASE \"{bench.Database.Name}_part\"");
    }

    [Fact]
    public async Task A_part_gives_its_tables_to_the_present_database()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup part = await bench.BackUpAsync(new PostgreSqlDumpOptions { Tables = ["authors"] });
        string wanted = bench.Database.Dump();
        Change(bench);

        await bench.RestoreAsync(bench.Request(part) with { Tables = ["*"] });

        Assert.Equal(wanted, bench.Database.Dump());
    }

    private static async Task<Backup> BackUpWithFilesAsync(PostgreSqlBench bench)
    {
        bench.CreateNotes();
        Directory.CreateDirectory(bench.Files["uploads"]);
        File.WriteAllText(bench.Files["uploads/photo.txt"], "wanted");
        return await bench.Files.BackUpAsync(new BackupRequest { Sources = [bench.Source(), new FolderSource(bench.Files["uploads"])] });
    }

    private static string Change(PostgreSqlBench bench)
    {
        bench.Database.Execute("INSERT INTO authors (name) VALUES ('present')");
        if (File.Exists(bench.Files["uploads/photo.txt"]))
            File.WriteAllText(bench.Files["uploads/photo.txt"], "present");
        return bench.Database.Dump();
    }
}
