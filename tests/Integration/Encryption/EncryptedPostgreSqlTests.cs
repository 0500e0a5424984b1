using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Testing;
using DbBackup.Tests.Integration.Repository;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Encryption;

/// <summary>Encrypted backups of a PostgreSQL server: made with the public key alone, and restored in each way with the secret one.</summary>
[Trait("Category", "PostgreSql")]
public sealed class EncryptedPostgreSqlTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    private const string Name = "sealed";

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Directory)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Files_are_checked_without_a_key_and_all_levels_pass_with_it(PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        var reader = new EncryptedReader(bench.Files);
        Backup made = await BackUpAsync(bench, reader, new PostgreSqlDumpOptions { Format = format });
        Assert.Equal(BackupStatus.Matched, made.Status);
        reader.AssertSilent("notes", "authors", "author 7", "alembic_version", "CREATE TABLE");
        await reader.AssertLevelsAsync(Name, bench.Superuser);
        bench.AssertNothingLeftOnServer();
    }

    [Fact]
    public async Task It_is_restored_in_place_beside_and_by_tables_and_the_restore_is_undone()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        string before = bench.Database.Dump();
        var reader = new EncryptedReader(bench.Files);
        await BackUpAsync(bench, reader);
        bench.Migrate();
        string migrated = bench.Database.Dump();

        using var beside = new TestDatabase(bench.Server, bench.Database.Name + "_beside");
        Assert.Equal(BackupStatus.Matched, (await reader.RestoreAsync(Name, request => request with { Connection = bench.Superuser, NewName = beside.Name })).Status);
        Assert.Equal("100", beside.Query("SELECT count(*) FROM notes WHERE body LIKE 'note%'"));
        Assert.Equal(migrated, bench.Database.Dump());

        Assert.Equal(BackupStatus.Matched, (await reader.RestoreAsync(Name, request => request with { Connection = bench.Superuser })).Status);
        Assert.Equal(before, bench.Database.Dump());
        await bench.Files.UndoAsync(bench.Database.Name, request => request with { Connection = bench.Superuser });
        Assert.Equal(migrated, bench.Database.Dump());

        await reader.RestoreAsync(Name, request => request with { Connection = bench.Superuser, InPlace = true });
        Assert.Equal(before, bench.Database.Dump());

        bench.Database.Execute("DELETE FROM notes WHERE id > 10; UPDATE authors SET name = 'kept'");
        await reader.RestoreAsync(Name, request => request with { Connection = bench.Superuser, Tables = ["notes"] });
        Assert.Equal("100|10", bench.Database.Query("SELECT count(*), (SELECT count(*) FROM authors WHERE name = 'kept') FROM notes"));
        // What restores kept in files is as private.
        Assert.All((await reader.Locked.ListAsync(null, CancellationToken.None)).Where(backup => backup.Manifest!.Kept is null), backup => Assert.True(backup.Manifest!.IsSealed, backup.ToString()));
        bench.AssertNothingLeftOnServer();
    }

    [Fact]
    public async Task A_whole_server_comes_back_with_its_roles()
    {
        using var bench = new PostgreSqlBench(own.Server);
        string role = bench.CreateRole("keeper").Username!;
        bench.CreateNotes(owner: role);
        string before = bench.Database.Dump();
        var reader = new EncryptedReader(bench.Files);
        var globals = new PostgreSqlGlobalsSource(PostgreSqlConnectionSettings.Resolve(bench.Superuser));
        await bench.Files.BackUpAsync(new BackupRequest { Sources = [globals, bench.Source()], Name = Name, Sealing = reader.Sealing, Fingerprint = FingerprintLevel.Content });
        reader.AssertSilent(role, "CREATE ROLE", "notes");
        bench.Server.Execute("postgres", $"DROP DATABASE {PostgreSqlServer.SqlName(bench.Database.Name)}");
        bench.Server.Execute("postgres", $"DROP ROLE {role}");

        await reader.RestoreAsync(Name, request => request with { Connection = bench.Superuser, Databases = [bench.Database.Name], Force = true });

        Assert.Equal(before, bench.Database.Dump());
        Assert.Equal(role, bench.Database.Query("SELECT tableowner FROM pg_tables WHERE tablename = 'notes'"));
    }

    [Fact]
    public async Task It_is_exported_and_its_copy_is_restored()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        string before = bench.Database.Dump();
        var reader = new EncryptedReader(bench.Files);
        await BackUpAsync(bench, reader);
        Backup listed = await reader.ListedAsync(Name);
        BackupException refused = Assert.ThrowsAny<BackupException>(() => BackupExporter.Plan(new ExportRequest { Backup = listed, Destination = bench.Files["out.dump"] }));
        Assert.Equal(ErrorCodes.BackupEncrypted, refused.Code);
        BackupRepository unlocked = reader.Unlocked;
        Backup opened = await new EncryptedBackups(unlocked).OpenAsync(listed, CancellationToken.None);
        await new BackupExporter(unlocked).ExportAsync(new ExportRequest { Backup = opened, Destination = bench.Files["out.dump"] }, bench.Observer, CancellationToken.None);
        Assert.Contains("TABLE DATA public notes", Shell.Run(Path.Join(bench.Server.BinFolder, "pg_restore"), "-l", bench.Files["out.dump"]), StringComparison.Ordinal);

        var copies = new BackupRepository(new DirectoryStore(bench.Files["copies"]));
        await new BackupCopy(reader.Locked, copies).RunAsync(listed, allowNew: true, bench.Observer, CancellationToken.None);
        Directory.Delete(listed.Location, recursive: true);
        bench.Database.Execute("DROP TABLE notes");
        Assert.Equal(BackupStatus.Matched, (await reader.RestoreAsync(Name, request => request with { Connection = bench.Superuser }, bench.Files["copies"])).Status);
        Assert.Equal(before, bench.Database.Dump());
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Age_zstd_and_the_server_s_programs_restore_it_by_its_instructions(PostgreSqlFormat format)
    {
        Require.Tool("age");
        using TestDatabase shop = SampleShop.Create(own.Server, "Odd \"Shop'=");
        using var files = new Workbench();
        var reader = new EncryptedReader(files);
        Backup backup = await files.BackUpAsync(new BackupRequest
        {
            Sources = [new PostgreSqlSource(PostgreSqlConnectionSettings.Resolve(new PostgreSqlConnectionRequest { Server = ServerAddress.Of(shop.ConnectionString) }), shop.Name, new PostgreSqlDumpOptions { Format = format })],
            Sealing = reader.Sealing,
        });
        string before = shop.Dump();
        shop.Execute("DROP TABLE empty; DELETE FROM parts");
        using var old = new TestDatabase(shop.Server, shop.Name + "_old");
        File.Copy(reader.KeyFile, Path.Join(backup.Location, "my.key"));

        foreach (string instructions in (string[])["RESTORE.txt", "RESTORE.full.txt"])
            PostgreSqlInstructionsTests.Follow(shop.Server, backup.Location, File.ReadAllText(Path.Join(backup.Location, instructions)));

        Assert.Equal(before, shop.Dump());
        Assert.Equal("0", old.Query("SELECT count(*) FROM parts"));
    }

    private static Task<Backup> BackUpAsync(PostgreSqlBench bench, EncryptedReader reader, PostgreSqlDumpOptions? options = null) => bench.Files.BackUpAsync(new BackupRequest
    {
        Sources = [bench.Source(options)],
        Name = Name,
        Sealing = reader.Sealing,
        Fingerprint = FingerprintLevel.Content,
        Verify = true,
        TestServer = bench.Superuser,
    });
}
