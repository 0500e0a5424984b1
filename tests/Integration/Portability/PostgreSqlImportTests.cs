using System.Text;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Verification;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Portability;

/// <summary>Dumps that the stock programs wrote are imported whole, or not at all.</summary>
[Trait("Category", "PostgreSql")]
public sealed class PostgreSqlImportTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("-Fc", "shop.dump", nameof(PayloadFormat.PostgreSqlCustom))]
    [InlineData("-Ft", "shop.tar", nameof(PayloadFormat.PostgreSqlTar))]
    [InlineData("-Fd", "folder", nameof(PayloadFormat.PostgreSqlDirectory))]
    [InlineData("-Fp", "old shop.sql", nameof(PayloadFormat.PostgreSqlPlain))]
    [InlineData("-Fp", "shop.sql.gz", nameof(PayloadFormat.PostgreSqlPlain))]
    [InlineData("-Fp", "shop.sql.zst", nameof(PayloadFormat.PostgreSqlPlain))]
    [InlineData("-Fc", "shop.dump.gz", nameof(PayloadFormat.PostgreSqlCustom))]
    [InlineData("-Fd", "folder.tar.gz", nameof(PayloadFormat.PostgreSqlDirectory))]
    public async Task A_dump_is_imported_with_what_it_says_and_equal_after_a_restore_test(string form, string name, string format)
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared, "Odd \"Shop'");
        string dump = MakeDump(shop, form, name);
        DateTime written = File.GetLastWriteTimeUtc(dump);

        Backup backup = await ImportAsync(dump, testOn: shop.Server);

        Assert.Equal(BackupStatus.Matched, backup.Status);
        Payload payload = Assert.Single(backup.Manifest!.Payloads);
        Assert.Equal(format, payload.Format);
        bool statesName = payload.Format != PayloadFormat.PostgreSqlPlain;
        Assert.Equal(statesName ? shop.Name : name.Split('.')[0], payload.Database!.Name);
        Assert.Equal(statesName ? shop.Name.Replace('"', '_') : name.Split('.')[0], backup.Source);
        Assert.Equal(SampleShop.Rows, payload.Fingerprint!.Tables.Select(table => $"{table.Name} {table.Rows}"));
        Assert.Equal(SampleShop.Revision, backup.Manifest.SchemaRevision);
        Assert.Equal("UTF8", payload.Database.Encoding);
        Assert.Equal("postgres", Assert.Single(payload.Database.Roles));
        Assert.Equal(payload.Database.ServerVersion, backup.Manifest.Source.EngineVersion);
        Assert.False(payload.Database.IsPartial);
        Assert.Null(backup.Manifest.Source.Location);
        Assert.Equal(dump, backup.Manifest.ImportedFrom);
        Assert.Equal(written, File.GetLastWriteTimeUtc(dump));
        _bench.AssertNothingStaged();
    }

    [Fact]
    public async Task A_script_that_creates_its_database_is_freed_of_that_and_never_connects_to_the_old_one()
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared);
        shop.Execute($"ALTER DATABASE {shop.Name} SET search_path TO 'Sa les', public; ALTER DATABASE {shop.Name} CONNECTION LIMIT 7; COMMENT ON DATABASE {shop.Name} IS 'it''s';");

        Backup backup = await ImportAsync(SampleShop.Dump(shop, _bench["x.sql"], "-C"), testOn: shop.Server);

        Assert.Equal(BackupStatus.Matched, backup.Status);
        Assert.Equal(shop.Name, backup.Source);
        string text = Text(backup, backup.Manifest!.Payloads[0]);
        Assert.DoesNotContain("\\connect", text, StringComparison.Ordinal);
        Assert.DoesNotContain("CREATE DATABASE", text, StringComparison.Ordinal);
        DatabaseInfo info = backup.Manifest.Payloads[0].Database!;
        Assert.Equal(("postgres", 7, "it's", "C.UTF-8"), (info.Owner, info.ConnectionLimit, info.Comment, info.Collation));
        DatabaseSetting setting = Assert.Single(info.Settings);
        Assert.Equal(("search_path", null), (setting.Name, setting.Role));
        Assert.Contains("Sa les", setting.Value, StringComparison.Ordinal);
        Assert.Single(backup.Manifest.Notes);
    }

    [Theory]
    [InlineData("-Fc")]
    [InlineData("-Fp")]
    public async Task Contents_are_compared_though_a_dump_has_times_of_another_zone_and_bytes_of_another_form(string form)
    {
        using TestDatabase shop = PostgreSqlServer.Shared.CreateDatabase("zones");
        shop.Execute(
            $$"""
            CREATE TABLE first (a integer, t timestamptz); CREATE TABLE second (c text) INHERITS (first); ALTER TABLE first ADD COLUMN b bytea;
            INSERT INTO second (a, t, c, b) SELECT i, timestamptz '2026-03-29 00:30+00' + i * interval '31 hours', 'at 2026-01-01 10:00:00+05', decode(lpad(to_hex(i), 8, '0'), 'hex') FROM generate_series(1, 500) i;
            CREATE TABLE spans (s tstzrange, l timestamptz[], j json, p tsrange, z timetz);
            INSERT INTO spans VALUES ('[2026-03-29 00:30+00,2026-03-29 03:00+00)', ARRAY['0044-03-15 12:00+00 BC'::timestamptz, 'infinity'], '{"at": "2026-01-01 10:00:00-03"}', '[2026-01-01,2026-01-02)', '10:00+02');
            CREATE TABLE plain (id integer PRIMARY KEY, price double precision); INSERT INTO plain SELECT i, i / 7.0 FROM generate_series(1, 100) i;
            ALTER DATABASE {{PostgreSqlServer.SqlName(shop.Name)}} SET timezone = 'Europe/Berlin'; ALTER DATABASE {{PostgreSqlServer.SqlName(shop.Name)}} SET bytea_output = 'escape';
            """);

        Backup backup = await ImportAsync(SampleShop.Dump(shop, _bench["zones.dump"], form), testOn: shop.Server);

        Assert.Equal(BackupStatus.Matched, backup.Status);
        Dictionary<string, TableFingerprint> tables = backup.Manifest!.Payloads[0].Fingerprint!.Tables.ToDictionary(table => table.Name);
        Assert.Equal(FingerprintLevel.Content, backup.Manifest.Payloads[0].Fingerprint!.Level);
        Assert.StartsWith("xxh128-utc:", tables["public.second"].ContentHash, StringComparison.Ordinal);
        Assert.StartsWith("xxh128-utc:", tables["public.spans"].ContentHash, StringComparison.Ordinal);
        Assert.StartsWith("xxh128:", tables["public.plain"].ContentHash, StringComparison.Ordinal);
        Assert.Equal(["a", "t", "c", "b"], tables["public.second"].Columns);

        // Another content is found, with a server and without one.
        Backup other = PostgreSqlBench.Claiming(backup, manifest => manifest with
        {
            Payloads = [manifest.Payloads[0] with { Fingerprint = manifest.Payloads[0].Fingerprint! with { Tables = [.. tables.Values.Select(table => table.Name == "public.second" ? table with { ContentHash = "xxh128-utc:" + new string('0', 32) } : table)] } }],
        });
        foreach (BackupTestLevel level in (BackupTestLevel[])[BackupTestLevel.Structure, BackupTestLevel.Restore])
        {
            var options = new BackupTestOptions { Level = level, TestServer = new PostgreSqlConnectionRequest { Server = ServerAddress.Of(shop.Server.ConnectionString("postgres")) } };
            BackupTestResult result = await new BackupVerifier(_bench.Repository).TestAsync(other, options, _bench.Observer, CancellationToken.None);
            Assert.Contains("table public.second has the right number of rows", Assert.Single(result.Checks, check => !check.Passed).Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_restore_of_an_import_goes_to_no_server_that_nobody_named()
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared);
        Backup backup = await ImportAsync(SampleShop.Dump(shop, _bench["shop.sql"], "-Fp"));

        foreach (RestoreRequest request in (RestoreRequest[])[new() { Backup = backup }, new() { Backup = backup, NewName = "other" }])
        {
            BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(request));
            Assert.Equal(ErrorCodes.TargetInvalid, failure.Code);
            Assert.Contains("-HostName", failure.Hint, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Rows_as_INSERT_statements_are_restored_and_not_compared()
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared);

        Backup backup = await ImportAsync(SampleShop.Dump(shop, _bench["x.sql"], "--inserts"), testOn: shop.Server);

        Assert.Equal(BackupStatus.Restored, backup.Status);
        Assert.Null(backup.Manifest!.Payloads[0].Fingerprint);
    }

    [Theory]
    [InlineData("-Fc", 0.3)]
    [InlineData("-Fc", 0.99)]
    [InlineData("-Ft", 0.3)]
    [InlineData("-Fp", 0.3)]
    [InlineData("-Fp gz", 0.5)]
    [InlineData("-Fp zst", 0.5)]
    public async Task What_is_cut_off_is_refused(string form, double kept)
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared);
        string dump = MakeDump(shop, form[..3], form.Length > 3 ? $"x.sql.{form[4..]}" : "x");
        byte[] bytes = File.ReadAllBytes(dump);
        File.WriteAllBytes(dump, bytes[..(int)(bytes.Length * kept)]);

        await RefusedAsync(dump, ErrorCodes.DumpIncomplete);
    }

    [Theory]
    [InlineData("inside data")]
    [InlineData("before the trailer")]
    public async Task A_script_cut_at_a_line_end_is_refused_though_psql_would_take_it(string place)
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared);
        string dump = SampleShop.Dump(shop, _bench["x.sql"]);
        string text = File.ReadAllText(dump);
        int end = place == "inside data" ? text.IndexOf('\n', text.IndexOf("COPY public.customers", StringComparison.Ordinal) + 2000) + 1
            : text.IndexOf("--\n-- PostgreSQL database dump complete", StringComparison.Ordinal);
        File.WriteAllText(dump, text[..end]);

        await RefusedAsync(dump, ErrorCodes.DumpIncomplete);
    }

    [Fact]
    public async Task One_byte_flipped_in_an_archive_is_found_though_its_listing_is_right()
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared);
        string dump = SampleShop.Dump(shop, _bench["x.dump"], "-Fc");
        byte[] bytes = File.ReadAllBytes(dump);
        bytes[bytes.Length * 2 / 3] ^= 1;
        File.WriteAllBytes(dump, bytes);

        SampleShop.Run(shop.Server, "pg_restore", shop.Name, "--list", dump);
        await RefusedAsync(dump, ErrorCodes.DumpIncomplete);
    }

    [Fact]
    public async Task A_folder_without_one_of_its_files_is_refused()
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared);
        string dump = SampleShop.Dump(shop, _bench["folder"], "-Fd");
        File.Delete(Directory.GetFiles(dump, "*.dat.gz")[0]);

        await RefusedAsync(dump, ErrorCodes.DumpIncomplete);
    }

    [Fact]
    public async Task What_no_database_can_be_made_of_is_refused()
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared);
        using TestDatabase empty = PostgreSqlServer.Shared.CreateDatabase("empty");
        string dump = SampleShop.Dump(shop, _bench["twice.sql"]);
        File.AppendAllText(dump, File.ReadAllText(dump));

        await RefusedAsync(SampleShop.Dump(shop, _bench["data.dump"], "-Fc", "--data-only"), ErrorCodes.ImportNotRecognized);
        await RefusedAsync(SampleShop.Dump(shop, _bench["data.sql"], "--data-only"), ErrorCodes.ImportNotRecognized);
        await RefusedAsync(SampleShop.Dump(empty, _bench["empty.dump"], "-Fc"), ErrorCodes.SourceEmpty);
        await RefusedAsync(dump, ErrorCodes.ImportNotRecognized);
    }

    [Theory]
    [InlineData("-Fp")]
    [InlineData("-Fc")]
    public async Task Text_that_PowerShell_encoded_anew_is_told_by_name(string form)
    {
        using TestDatabase shop = SampleShop.Create(PostgreSqlServer.Shared);
        string dump = SampleShop.Dump(shop, _bench["x"], form);
        File.WriteAllText(dump, File.ReadAllText(dump, Encoding.Latin1), Encoding.Unicode);

        BackupException failure = await RefusedAsync(dump, ErrorCodes.ImportNotRecognized);

        Assert.Contains("Windows PowerShell's >", failure.Message, StringComparison.Ordinal);
        Assert.Contains("--file", failure.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cluster.sql")]
    [InlineData("cluster.sql.gz")]
    public async Task A_script_of_a_whole_server_becomes_one_backup_with_roles_and_databases(string name)
    {
        using PostgreSqlServer server = PostgreSqlServer.Start();
        using TestDatabase shop = SampleShop.Create(server, "Odd \"Shop'=");
        using TestDatabase wiki = SampleShop.Create(server, "wiki");
        server.Execute("postgres", $"CREATE ROLE reader; GRANT CONNECT ON DATABASE {wiki.Name} TO reader; REVOKE TEMPORARY ON DATABASE {wiki.Name} FROM PUBLIC;");
        string dump = _bench["cluster.sql"];
        SampleShop.Run(server, "pg_dumpall", "postgres", "-f", dump);
        if (name.EndsWith(".gz", StringComparison.Ordinal))
            Shell.Run("gzip", dump);

        Backup backup = await ImportAsync(_bench[name], testOn: server);

        Assert.Equal(BackupStatus.Matched, backup.Status);
        Assert.Equal("cluster", backup.Source);
        Manifest manifest = backup.Manifest!;
        Assert.Equal(PayloadKind.Globals, manifest.Payloads[0].Kind);
        Assert.Contains("CREATE ROLE reader", Text(backup, manifest.Payloads[0]), StringComparison.Ordinal);
        List<Payload> databases = [.. manifest.Payloads.Skip(1)];
        Assert.Equal(new[] { shop.Name, "postgres", wiki.Name }.Order(StringComparer.Ordinal), databases.Select(payload => payload.Database!.Name).Order(StringComparer.Ordinal));
        foreach (Payload payload in databases.Where(payload => payload.Database!.Name != "postgres"))
        {
            Assert.Equal(SampleShop.Rows, payload.Fingerprint!.Tables.Select(table => $"{table.Name} {table.Rows}"));
            Assert.Equal(SampleShop.Revision, payload.SchemaRevision);
            Assert.Equal("C.UTF-8", payload.Database!.Collation);
        }

        IReadOnlyList<DatabaseGrant> grants = databases.Find(payload => payload.Database!.Name == wiki.Name)!.Database!.Grants!;
        Assert.Contains(new DatabaseGrant("CONNECT", false, "reader"), grants);
        Assert.DoesNotContain(grants, grant => grant is { Role: null, Privilege: "TEMPORARY" });

        byte[] whole = File.ReadAllBytes(_bench[name]);
        File.WriteAllBytes(_bench["cut"], whole[..(whole.Length * 2 / 3)]);
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => ImportAsync(_bench["cut"]));
        Assert.Equal(ErrorCodes.DumpIncomplete, failure.Code);
    }

    private string MakeDump(TestDatabase shop, string form, string name)
    {
        string[] parts = name.Split('.');
        string compression = parts[^1] is "gz" or "zst" ? parts[^1] : string.Empty;
        string plain = compression.Length == 0 ? _bench[name] : _bench[name[..^(compression.Length + 1)]];
        SampleShop.Dump(shop, form == "-Fd" ? _bench[parts[0]] : plain, form);
        if (form == "-Fd" && parts.Length > 1)
            Shell.Run("tar", "-czf", _bench[name], "-C", _bench.Folder.Path, parts[0]);
        else if (compression == "gz")
            Shell.Run("gzip", plain);
        else if (compression == "zst")
            Shell.Run("zstd", "-q", "--rm", plain);
        return _bench[name];
    }

    private Task<Backup> ImportAsync(string path, PostgreSqlServer? testOn = null) => new BackupImporter(_bench.Repository).ImportAsync(
        path,
        new BackupRequest
        {
            Sources = [],
            Created = DateTimeOffset.UtcNow,
            Verify = testOn is not null,
            TestServer = testOn is null ? null : new PostgreSqlConnectionRequest { Server = ServerAddress.Of(testOn.ConnectionString("postgres")) },
        },
        _bench.Observer,
        CancellationToken.None);

    private async Task<BackupException> RefusedAsync(string path, string code)
    {
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => ImportAsync(path));
        Assert.Equal(code, failure.Code);
        Assert.Contains(path, failure.Message, StringComparison.Ordinal);
        await _bench.AssertNothingListedOrStagedAsync();
        return failure;
    }

    private string Text(Backup backup, Payload payload)
    {
        using var reader = new PayloadReader(_bench.Repository.OpenRead(new(backup.Source, backup.Name), payload.FileName), payload, CancellationToken.None);
        using var text = new StreamReader(reader);
        return text.ReadToEnd();
    }
}
