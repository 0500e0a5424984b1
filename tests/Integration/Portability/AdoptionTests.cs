using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Restores;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Portability;

/// <summary>Folders that other programs' scripts filled, by these scripts' own commands, are imported as what they are.</summary>
[Trait("Category", "PostgreSql")]
public sealed class AdoptionTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("vamsa-full-2024-01-29T00-00-00-000Z.sql.gz", "pg_dump $DATABASE_URL | gzip", "vamsa", "2024-01-29T00:00:00Z")]
    [InlineData("vamsa-20240129.sql.bz2", "pg_dump $DATABASE_URL | bzip2", "vamsa", "2024-01-29T00:00:00")]
    [InlineData("vamsa-20240129.sql.xz", "pg_dump $DATABASE_URL | xz", "vamsa", "2024-01-29T00:00:00")]
    [InlineData("vamsa-20240129.sql.zst", "pg_dump $DATABASE_URL | zstd -q", "vamsa", "2024-01-29T00:00:00")]
    [InlineData("arthsaarthi_backup_2024-01-29.dump", "pg_dump -Fc $DATABASE_URL", null, null)]
    [InlineData("arthsaarthi_backup_2024-01-29.dump.xz", "pg_dump -Fc -Z0 $DATABASE_URL | xz", null, null)]
    [InlineData("arthsaarthi_backup_2024-01-29.tar.bz2", "pg_dump -Ft $DATABASE_URL | bzip2", null, null)]
    public async Task A_script_s_dump_is_imported_with_its_date_type_and_source_and_restored(string name, string command, string? source, string? date)
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared);
        string file = _bench[$"old/daily/{name}"];
        DateTimeOffset before = DateTimeOffset.UtcNow.AddSeconds(-2);
        Make(shop, file, command);

        ImportCandidate found = Assert.Single(await SearchAsync());
        Backup backup = await ImportAsync(found);

        Assert.Equal(source ?? shop.Name, backup.Source);
        Assert.Equal(BackupReason.Scheduled, backup.Reason);
        Assert.Equal(["daily"], backup.Tags);
        // An archive states its time, and this name lies.
        if (date is null)
            Assert.InRange(backup.Created!.Value, before, DateTimeOffset.UtcNow);
        else
            Assert.Equal(DateTimeOffset.Parse(date, System.Globalization.CultureInfo.InvariantCulture), backup.Created);
        Assert.Equal(date is null, _bench.Observer.Warnings.Any(warning => warning.Contains("its name says", StringComparison.Ordinal)));

        string restored = $"{shop.Name}_again";
        await _bench.RestoreAsync(new RestoreRequest
        {
            Backup = backup,
            Connection = new PostgreSqlConnectionRequest { Server = ServerAddress.Of(shop.Server.ConnectionString("postgres")) },
            NewName = restored,
        });
        using var copy = new TestDatabase(shop.Server, restored);
        Assert.Equal(shop.Query("SELECT md5(string_agg(c::text, ',' ORDER BY id)) FROM customers c"), copy.Query("SELECT md5(string_agg(c::text, ',' ORDER BY id)) FROM customers c"));
    }

    [Fact]
    public async Task A_rotation_of_hard_links_is_imported_once_and_a_second_run_imports_nothing()
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared);
        // As the container of postgres-backup-local does it, which is vamsa's backup service.
        Make(shop, _bench["old/last/vamsa-20240129-020000.sql.gz"], "pg_dump $DATABASE_URL | gzip");
        Shell.Run("bash", "-c", $"cd {_bench["old"]} && mkdir daily weekly monthly && ln last/vamsa-20240129-020000.sql.gz daily/vamsa-20240129.sql.gz && ln last/vamsa-20240129-020000.sql.gz weekly/vamsa-202405.sql.gz && cp last/vamsa-20240129-020000.sql.gz monthly/vamsa-202401.sql.gz && ln -s vamsa-20240129-020000.sql.gz last/vamsa-latest.sql.gz");

        ImportCandidate found = Assert.Single(await SearchAsync());
        Backup backup = await ImportAsync(found);

        Assert.Equal(["daily", "monthly", "weekly"], backup.Tags.Order(StringComparer.Ordinal));
        Assert.Equal(("vamsa", BackupReason.Scheduled), (backup.Source, backup.Reason));
        Assert.Equal(new DateTime(2024, 1, 29), backup.Created!.Value.LocalDateTime.Date);
        ImportHistory history = await ImportHistory.ReadAsync(_bench.Repository, allowNew: false, CancellationToken.None);
        Assert.NotNull(history.Find(Assert.Single(await SearchAsync()), null));
    }

    [Fact]
    public async Task A_cluster_s_dump_of_cron_is_imported_and_a_cut_one_is_an_error_of_its_own()
    {
        using PostgreSqlServer server = PostgreSqlServer.Start();
        using TestDatabase shop = SampleShop.Create(server);
        Directory.CreateDirectory(_bench["old"]);
        SampleShop.Run(server, "pg_dumpall", "postgres", "-f", _bench["old/aimms_postgres_20260101_020000.sql"]);
        Shell.Run("gzip", _bench["old/aimms_postgres_20260101_020000.sql"]);
        byte[] whole = File.ReadAllBytes(_bench["old/aimms_postgres_20260101_020000.sql.gz"]);
        File.WriteAllBytes(_bench["old/aimms_postgres_20260102_020000.sql.gz"], whole[..(whole.Length / 2)]);
        Shell.Run("bash", "-c", $"cd {_bench["old"]} && zcat aimms_postgres_20260101_020000.sql.gz | head -n 200 > aimms_postgres_20260103_020000.sql");

        IReadOnlyList<ImportCandidate> found = await SearchAsync();
        Assert.Equal(3, found.Count);
        Backup backup = await ImportAsync(found[0]);

        Assert.Equal(("aimms", BackupReason.Manual, new DateTime(2026, 1, 1, 2, 0, 0)), (backup.Source, backup.Reason, backup.Created!.Value.LocalDateTime));
        Assert.Contains(backup.Manifest!.Payloads, payload => payload.Database?.Name == shop.Name);
        Assert.Equal(ErrorCodes.DumpIncomplete, (await Assert.ThrowsAnyAsync<BackupException>(() => ImportAsync(found[1]))).Code);
        Assert.Equal(ErrorCodes.DumpIncomplete, (await Assert.ThrowsAnyAsync<BackupException>(() => ImportAsync(found[2]))).Code);
        Assert.Single(await _bench.ListAsync());
    }

    [Theory]
    [InlineData("tar czf ../partshub_backup_20260101.tar.gz -C .. partshub_data_20260101", "partshub_backup_20260101.tar.gz")]
    [InlineData("tar cJf ../partshub_backup_20260101.tar.xz -C .. partshub_data_20260101", "partshub_backup_20260101.tar.xz")]
    [InlineData("tar cjf ../partshub_backup_20260101.tar.bz2 -C .. partshub_data_20260101", "partshub_backup_20260101.tar.bz2")]
    [InlineData("tar czf ../partshub_backup_20260101.tar.gz -C . .", "partshub_backup_20260101.tar.gz")]
    [InlineData("cp -R . ../20260101", "20260101")]
    public async Task A_data_folder_s_copies_are_imported_with_their_attachments(string command, string name)
    {
        string data = Directory.CreateDirectory(_bench["old/partshub_data_20260101"]).FullName;
        SampleDatabase.Create(Path.Join(data, "partshub.db"));
        Directory.CreateDirectory(Path.Join(data, "attachments"));
        File.WriteAllText(Path.Join(data, "attachments", "a.pdf"), "attached");
        Shell.Run("bash", "-c", $"cd {data} && {command} && cd .. && rm -r partshub_data_20260101");

        ImportCandidate found = Assert.Single(await SearchAsync());
        Assert.Equal(_bench[$"old/{name}"], found.Path);
        Backup backup = await ImportAsync(found);

        Assert.Equal(("partshub", new DateTime(2026, 1, 1)), (backup.Source, backup.Created!.Value.LocalDateTime));
        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench["restored"] });
        Assert.Equal("attached", File.ReadAllText(Directory.GetFiles(_bench["restored"], "a.pdf", SearchOption.AllDirectories).Single()));
        Assert.Single(Directory.GetFiles(_bench["restored"], "partshub.db", SearchOption.AllDirectories));
    }

    private static void Make(TestDatabase database, string file, string command)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        Shell.Run("bash", "-c", $"set -o pipefail; export PATH='{database.Server.BinFolder}':$PATH DATABASE_URL='{database.Uri}'; {command} > '{file}'");
    }

    private Task<IReadOnlyList<ImportCandidate>> SearchAsync() => BackupImporter.SearchAsync(_bench["old"], _bench.Observer, CancellationToken.None);

    private Task<Backup> ImportAsync(ImportCandidate candidate)
    {
        var importer = new BackupImporter(_bench.Repository);
        return importer.ImportAsync(candidate, new BackupRequest { Sources = [], Reason = importer.Inspect(candidate, null, null).Reason }, _bench.Observer, CancellationToken.None);
    }
}
