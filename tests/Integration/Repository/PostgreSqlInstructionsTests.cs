using DbBackup.Engine.Backups;
using DbBackup.Engine.Backups.Instructions;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores;
using DbBackup.Testing;
using PostgreSqlClient = DbBackup.Testing.PostgreSqlClient;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Repository;

/// <summary>Follows RESTORE.txt of PostgreSQL backups to the letter, with stock programs alone, on names that need quotes everywhere.</summary>
[Trait("Category", "PostgreSql")]
public sealed class PostgreSqlInstructionsTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Directory)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task A_database_is_restored_by_hand_beside_the_old_one_and_takes_its_name(PostgreSqlFormat format)
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared, "Odd \"Shop'=");
        Backup backup = await _bench.BackUpAsync(new PostgreSqlSource(
            PostgreSqlConnectionSettings.Resolve(new PostgreSqlConnectionRequest { Server = ServerAddress.Of(shop.ConnectionString) }), shop.Name, new PostgreSqlDumpOptions { Format = format }));
        string before = shop.Dump();
        shop.Execute("DROP TABLE empty; DELETE FROM parts");
        using var old = new TestDatabase(shop.Server, shop.Name + "_old");

        string output = Follow(shop.Server, backup.Location, File.ReadAllText(Path.Combine(backup.Location, RestoreInstructions.FileName)));

        Assert.Contains("\n5000\n", output, StringComparison.Ordinal);
        Assert.Equal(before, shop.Dump());
        Assert.Equal("0", old.Query("SELECT count(*) FROM parts"));
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Directory)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Rows_alone_are_loaded_by_hand_into_tables_that_are_there(PostgreSqlFormat format)
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared, "Odd \"Shop'=");
        var server = new PostgreSqlConnectionRequest { Server = ServerAddress.Of(shop.ConnectionString) };
        Backup backup = await _bench.BackUpAsync(new BackupRequest
        {
            Sources = [new PostgreSqlSource(PostgreSqlConnectionSettings.Resolve(server), shop.Name, new PostgreSqlDumpOptions { Format = format, DataOnly = true })],
            Verify = true,
        });

        // A part, of which a test reads all and restores nothing.
        Assert.Equal((BackupScope.Partial, BackupStatus.Checked), (backup.Scope, backup.Status));
        Assert.True(backup.Manifest!.Payloads[0].Database!.IsDataOnly);
        Assert.Equal(SampleShop.Rows.Where(row => !row.Contains(".empty ", StringComparison.Ordinal)), backup.Manifest.Payloads[0].Fingerprint!.Tables.Where(table => table.Rows > 0).Select(table => $"{table.Name} {table.Rows}"));
        Assert.Empty(BackupSelection.LatestGood(await _bench.ListAsync(), null));
        Assert.Contains(_bench.Observer.Warnings, warning => warning.Contains("rows without their tables", StringComparison.Ordinal));
        foreach (RestoreRequest request in new[]
        {
            new RestoreRequest { Backup = backup, Connection = server },
            new RestoreRequest { Backup = backup, Connection = server, NewName = shop.Name + "_new" },
            new RestoreRequest { Backup = backup, Connection = server, Tables = ["customers"] },
            new RestoreRequest { Backup = backup, Connection = server, InPlace = true },
        })
        {
            BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(request));
            Assert.Equal(ErrorCodes.PartialBackup, refused.Code);
            Assert.Contains(format == PostgreSqlFormat.Plain ? "psql" : "pg_restore --data-only", refused.Hint, StringComparison.Ordinal);
        }

        string before = shop.Dump();
        shop.Execute("TRUNCATE customers, \"Sa les\".\"Or\"\"ders\", empty, parts, alembic_version; REFRESH MATERIALIZED VIEW totals; SELECT setval('customers_id_seq', 1);");
        Follow(shop.Server, backup.Location, File.ReadAllText(Path.Combine(backup.Location, RestoreInstructions.FileName)));
        Assert.Equal(before, shop.Dump());
    }

    [Fact]
    public async Task A_whole_server_is_restored_by_hand_with_its_roles()
    {
        using PostgreSqlServer server = PostgreSqlServer.Start();
        using TestDatabase shop = SampleShop.Create(server, "a 'b");
        server.Execute(shop.Name, "CREATE ROLE \"Rea'der\"; GRANT SELECT ON customers TO \"Rea'der\"");
        string script = _bench["cluster.sql"];
        SampleShop.Run(server, "pg_dumpall", "postgres", "-f", script);
        Backup backup = await new BackupImporter(_bench.Repository).ImportAsync(script, new BackupRequest { Sources = [], Created = DateTimeOffset.UtcNow }, _bench.Observer, CancellationToken.None);
        string before = shop.Dump();
        server.Execute(shop.Name, "REVOKE ALL ON customers FROM \"Rea'der\"; DROP ROLE \"Rea'der\"");

        Follow(server, backup.Location, File.ReadAllText(Path.Combine(backup.Location, RestoreInstructions.FileName)));

        Assert.Equal(before, shop.Dump());
    }

    [Fact]
    public void A_kept_database_gets_its_name_back()
    {
        using TestDatabase shop = PostgreSqlServer.Shared.CreateDatabase("Odd \"Shop'=");
        using TestDatabase kept = SampleShop.Create(shop.Server, "Odd \"Kept'=");
        using var aside = new TestDatabase(shop.Server, shop.Name + "_set_aside");
        var manifest = new Manifest
        {
            Id = Guid.NewGuid(),
            Name = "kept",
            Created = DateTimeOffset.UtcNow,
            Completed = DateTimeOffset.UtcNow,
            Source = new SourceInfo { Name = "shop", Engine = PostgreSqlSource.EngineName },
            Payloads = [],
            Kept = new KeptDatabase($"postgresql://db:5432/{Uri.EscapeDataString(kept.Name)}", 1, shop.Name, "postgres", 1, "shop/one"),
        };

        Follow(shop.Server, _bench.Folder.Path, RestoreInstructions.Write(manifest));

        Assert.Equal("2000", shop.Query("SELECT count(*) FROM customers"));
    }

    /// <summary>Runs the commands of instructions, one after the other, in a backup's folder.</summary>
    internal static string Follow(PostgreSqlServer server, string folder, string instructions)
    {
        foreach (string tool in (string[])["zstd", "tar", "sha256sum", "sh"])
            Require.Tool(tool);
        IEnumerable<string> commands = instructions.Split('\n')
            .Where(line => line.StartsWith("  ", StringComparison.Ordinal) && line[2] != ' ' && !line.Contains("Restore-DbBackup", StringComparison.Ordinal));
        return PostgreSqlClient.Of(server, "/bin/sh").Run("postgres", $"set -e\nPATH='{server.BinFolder}':$PATH\ncd '{folder.Replace("'", "'\\''", StringComparison.Ordinal)}'\n{string.Join('\n', commands)}\n");
    }
}
