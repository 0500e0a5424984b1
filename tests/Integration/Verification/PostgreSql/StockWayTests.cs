using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;
using PostgreSqlClient = DbBackup.Testing.PostgreSqlClient;

namespace DbBackup.Tests.Integration.Verification.PostgreSql;

/// <summary>What exit codes of the stock tools do not tell: each fault with the stock way first, which lets it pass, and then this one.</summary>
[Trait("Category", "PostgreSql")]
public sealed class StockWayTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    private const int Rows = 20_000;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Plain_dump_cut_inside_its_data_passes_psql_and_not_this(bool withFingerprint)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes(Rows);
        Backup whole = await bench.BackUpAsync(
            new PostgreSqlDumpOptions { Format = PostgreSqlFormat.Plain }, withFingerprint ? FingerprintLevel.Rows : FingerprintLevel.None, PayloadCompression.None);
        Backup cut = RewrittenBackup.Of(whole, bytes => bytes[..(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes("note 15000\n")) + 11)]);

        using TestDatabase control = own.Server.CreateDatabase("control");
        string file = Path.Join(cut.Location, cut.Manifest!.Payloads.Single().FileName);
        Psql(control, "-1", "-v", "ON_ERROR_STOP=1", "-f", file);
        Assert.Equal("15000|0", control.Query("SELECT count(*), (SELECT count(*) FROM pg_constraint WHERE conrelid = 'notes'::regclass) FROM notes"));

        Assert.Equal(BackupStatus.Damaged, (await bench.TestAsync(cut, BackupTestLevel.Structure)).Status);
        Assert.Equal(BackupStatus.Damaged, (await bench.TestAsync(cut)).Status);
        foreach (bool inPlace in new[] { false, true })
        {
            BackupException failure = await bench.RestoreFailsAsync(bench.Request(cut) with { InPlace = inPlace, NoSafetyBackup = inPlace });
            Assert.Equal(ErrorCodes.DumpIncomplete, failure.Code);
        }
    }

    [Fact]
    public async Task Archive_that_was_cut_off_passes_a_listing_and_not_this()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes(Rows);
        Backup whole = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = PostgreSqlFormat.Custom }, compression: PayloadCompression.None);
        Backup cut = RewrittenBackup.Of(whole, bytes => bytes[..(bytes.Length * 7 / 10)]);

        string listing = Shell.Run(Path.Join(own.Server.BinFolder, "pg_restore"), "--list", Path.Join(cut.Location, cut.Manifest!.Payloads.Single().FileName));
        Assert.Contains("TABLE DATA public notes", listing, StringComparison.Ordinal);

        Assert.Equal(BackupStatus.Damaged, (await bench.TestAsync(cut, BackupTestLevel.Structure)).Status);
        Assert.Equal(BackupStatus.Damaged, (await bench.TestAsync(cut)).Status);
        await bench.RestoreFailsAsync(bench.Request(cut));
        await bench.RestoreFailsAsync(bench.Request(cut) with { InPlace = true, NoSafetyBackup = true });
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Changed_byte_in_a_row_passes_a_restore_and_not_the_fingerprint(PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes(Rows);
        Backup whole = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format }, FingerprintLevel.Content, PayloadCompression.None);
        Backup changed = RewrittenBackup.Of(whole, bytes => RewrittenBackup.Replace(bytes, "note 15000\n", "note 15x00\n"));

        using TestDatabase control = own.Server.CreateDatabase("control");
        string file = Path.Join(changed.Location, changed.Manifest!.Payloads.Single().FileName);
        if (format == PostgreSqlFormat.Custom)
            PgRestore(control, "--exit-on-error", file);
        else
            Psql(control, "-v", "ON_ERROR_STOP=1", "-f", file);
        Assert.Equal(Rows.ToString(System.Globalization.CultureInfo.InvariantCulture), control.Query("SELECT count(*) FROM notes"));

        BackupTestResult restoreTest = await bench.TestAsync(changed);
        Assert.Equal(BackupStatus.Mismatched, restoreTest.Status);
        Assert.Contains("public.notes has the right number of rows but another content", restoreTest.Failure, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.RestoreMismatch, (await bench.RestoreFailsAsync(bench.Request(changed))).Code);
        bench.AssertNothingLeftOnServer();
    }

    [Fact]
    public async Task Plain_dump_over_a_populated_database_passes_psql_and_leaves_a_mix()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        string wanted = bench.Database.Dump();
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = PostgreSqlFormat.Plain }, compression: PayloadCompression.None);
        bench.Database.Execute("DELETE FROM notes WHERE id > 50; UPDATE authors SET name = 'changed'");

        Psql(bench.Database, "-f", Path.Join(backup.Location, backup.Manifest!.Payloads.Single().FileName));
        Assert.Equal("50", bench.Database.Query("SELECT count(*) FROM notes"));

        await bench.RestoreAsync(backup);
        Assert.Equal(wanted, bench.Database.Dump());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Clean_restore_after_a_newer_migration_leaves_a_mix_and_this_does_not(bool inPlace)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        string wanted = bench.Database.Dump();
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = PostgreSqlFormat.Custom }, compression: PayloadCompression.None);
        bench.Database.Execute("CREATE TABLE comments (id serial PRIMARY KEY, body text); UPDATE alembic_version SET version_num = 'bbbb'");

        PgRestore(bench.Database, "--clean", "--if-exists", Path.Join(backup.Location, backup.Manifest!.Payloads.Single().FileName));
        Assert.Equal("aaaa|t", bench.Database.Query("SELECT version_num, to_regclass('comments') IS NOT NULL FROM alembic_version"));

        await bench.RestoreAsync(bench.Request(backup) with { InPlace = inPlace });
        Assert.Equal(wanted, bench.Database.Dump());

        // With a foreign key to an old table, --clean cannot even drop that.
        bench.Migrate();
        await bench.RestoreAsync(bench.Request(backup) with { InPlace = inPlace });
        Assert.Equal(wanted, bench.Database.Dump());
    }

    // Both fail the test unless the exit code is 0.
    private static void Psql(TestDatabase database, params string[] arguments) => Client(database, "psql").Run(database.Name, string.Empty, ["-X", "-q", "-o", "/dev/null", .. arguments]);

    private static void PgRestore(TestDatabase database, params string[] arguments) => Client(database, "pg_restore").Run(database.Name, string.Empty, ["--dbname=" + database.Name, .. arguments]);

    private static PostgreSqlClient Client(TestDatabase database, string program) => PostgreSqlClient.Of(database.Server, Path.Join(database.Server.BinFolder, program));
}
