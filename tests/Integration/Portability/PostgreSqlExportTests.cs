using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Portability;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Portability;

/// <summary>What is exported gives the database back with stock programs.</summary>
[Trait("Category", "PostgreSql")]
public sealed class PostgreSqlExportTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(PostgreSqlFormat.Custom, ExportFormat.Native, "out.dump")]
    [InlineData(PostgreSqlFormat.Directory, ExportFormat.Native, "out")]
    [InlineData(PostgreSqlFormat.Plain, ExportFormat.Native, "out.sql")]
    [InlineData(PostgreSqlFormat.Custom, ExportFormat.Sql, "out.sql")]
    [InlineData(PostgreSqlFormat.Directory, ExportFormat.Sql, "out.sql.gz")]
    [InlineData(PostgreSqlFormat.Plain, ExportFormat.Sql, "out.sql.zst")]
    public async Task An_export_is_restored_by_stock_programs(PostgreSqlFormat stored, ExportFormat format, string name)
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared, "Odd \"Shop'=");
        Backup backup = await BackUpAsync(shop, stored);

        string path = Assert.Single(await ExportAsync(backup, _bench[name], format));

        Assert.Equal(_bench[name], path);
        using TestDatabase again = shop.Server.CreateDatabase("again");
        if (name.Contains(".sql", StringComparison.Ordinal))
        {
            if (name.EndsWith(".gz", StringComparison.Ordinal))
                Shell.Run("gunzip", path);
            else if (name.EndsWith(".zst", StringComparison.Ordinal))
                Shell.Run("zstd", "-q", "-d", "--rm", path);
            again.Load(_bench["out.sql"]);
        }
        else
        {
            SampleShop.Run(shop.Server, "pg_restore", again.Name, "--exit-on-error", "-d", again.Name, path);
        }

        Assert.Equal(shop.Dump(), again.Dump());
        AssertNoLeftovers();
    }

    [Fact]
    public async Task Of_several_databases_each_gets_a_file_and_chosen_ones_come_alone()
    {
        using PostgreSqlServer server = PostgreSqlServer.Start();
        using TestDatabase shop = SampleShop.Create(server, "a b");
        using TestDatabase wiki = SampleShop.Create(server, "wiki");
        string script = _bench["cluster.sql"];
        SampleShop.Run(server, "pg_dumpall", "postgres", "-f", script);
        Backup backup = await new BackupImporter(_bench.Repository).ImportAsync(script, new BackupRequest { Sources = [], Created = DateTimeOffset.UtcNow }, _bench.Observer, CancellationToken.None);

        await ExportAsync(backup, _bench["all"], ExportFormat.Sql);
        IReadOnlyList<string> one = await ExportAsync(backup, _bench["one.sql"], ExportFormat.Native, wiki.Name);

        string[] expected = ["globals.sql", shop.Name.Replace(' ', '_') + ".sql", "postgres.sql", wiki.Name + ".sql"];
        Assert.Equal(expected.Order(StringComparer.Ordinal), Directory.GetFiles(_bench["all"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal([_bench["one.sql"]], one);
        BackupException failure = Assert.ThrowsAny<BackupException>(() => BackupExporter.Plan(
            new ExportRequest { Backup = backup, Destination = _bench["none"], Databases = ["wik"] }));
        Assert.Equal(ErrorCodes.SourceNotFound, failure.Code);
        Assert.Contains(wiki.Name, failure.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom, ExportFormat.Native)]
    [InlineData(PostgreSqlFormat.Custom, ExportFormat.Sql)]
    [InlineData(PostgreSqlFormat.Directory, ExportFormat.Native)]
    public async Task A_damaged_backup_leaves_nothing_at_the_destination(PostgreSqlFormat stored, ExportFormat format)
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared);
        Backup backup = await BackUpAsync(shop, stored);
        string file = Path.Combine(backup.Location, backup.Manifest!.Payloads[0].FileName);
        File.SetAttributes(file, FileAttributes.Normal);
        byte[] bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(file, bytes);

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => ExportAsync(backup, _bench["out"], format));

        Assert.Equal(FailureCategory.InvalidData, failure.Category);
        Assert.False(Path.Exists(_bench["out"]));
        AssertNoLeftovers();
    }

    [Fact]
    public void A_database_that_was_kept_on_its_server_is_refused()
    {
        var manifest = new Manifest
        {
            Id = Guid.NewGuid(),
            Name = "kept",
            Created = DateTimeOffset.UtcNow,
            Completed = DateTimeOffset.UtcNow,
            Source = new SourceInfo { Name = "shop", Engine = PostgreSqlSource.EngineName },
            Payloads = [],
            Kept = new KeptDatabase("postgresql://db:5432/shop_before_20261121t100000z", 1, "shop", "postgres", 1, "shop/one"),
        };
        BackupException failure = Assert.ThrowsAny<BackupException>(() => BackupExporter.Plan(
            new ExportRequest { Backup = new Backup(manifest, "shop", "kept", "repository", "folder", [], null), Destination = _bench["x"] }));

        Assert.Equal(ErrorCodes.FormatNotSupported, failure.Code);
        Assert.Contains("shop_before_20261121t100000z", failure.Message, StringComparison.Ordinal);
    }

    private Task<Backup> BackUpAsync(TestDatabase database, PostgreSqlFormat format) => _bench.BackUpAsync(new PostgreSqlSource(
        PostgreSqlConnectionSettings.Resolve(new PostgreSqlConnectionRequest { Server = ServerAddress.Of(database.ConnectionString) }), database.Name, new PostgreSqlDumpOptions { Format = format }));

    private Task<IReadOnlyList<string>> ExportAsync(Backup backup, string path, ExportFormat format, params string[] databases) => new BackupExporter(_bench.Repository).ExportAsync(
        new ExportRequest { Backup = backup, Destination = path, Format = format, Databases = databases }, _bench.Observer, CancellationToken.None);

    private void AssertNoLeftovers() => Assert.DoesNotContain(
        Directory.EnumerateFileSystemEntries(_bench.Folder.Path), entry => entry.Contains(".part", StringComparison.Ordinal));
}
