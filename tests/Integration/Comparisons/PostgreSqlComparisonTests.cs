using DbBackup.Engine.Backups;
using DbBackup.Engine.Comparisons;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Comparisons;

/// <summary>Backups of real servers, compared with each other and with the live database: no difference that is none, and none that is missed.</summary>
[Trait("Category", "PostgreSql")]
public sealed class PostgreSqlComparisonTests
{
    [Fact]
    public async Task A_difficult_database_is_equal_in_all_formats_and_to_itself()
    {
        using var bench = new PostgreSqlBench(PostgreSqlServer.Shared);
        PostgreSqlSample.Create(bench.Database);
        Backup custom = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = PostgreSqlFormat.Custom });
        Backup folder = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = PostgreSqlFormat.Directory });
        Backup plain = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = PostgreSqlFormat.Plain });

        Assert.Empty((await CompareAsync(bench, custom, folder)).Differences);
        Assert.Empty((await CompareAsync(bench, plain, custom)).Differences);
        Assert.Empty((await CompareAsync(bench, folder, plain)).Differences);
        await using var live = new BackupComparison(Live(bench));
        foreach (Backup backup in (Backup[])[custom, folder, plain])
        {
            ComparisonResult found = await live.CompareAsync(bench.Files.Repository, backup, bench.Observer, CancellationToken.None);
            Assert.Empty(found.Differences);
            Assert.Empty(found.NotCompared);
        }

        // Not by looking away.
        bench.Database.Execute("UPDATE alembic_version SET version_num = 'other'");
        await using var again = new BackupComparison(Live(bench));
        foreach (Backup backup in (Backup[])[custom, folder, plain])
        {
            ComparisonResult found = await again.CompareAsync(bench.Files.Repository, backup, bench.Observer, CancellationToken.None);
            Assert.Equal(["Revision alembic_version Changed", "Table public.alembic_version Changed"], Shown(found));
        }
    }

    [Fact]
    public async Task Another_major_version_is_no_difference()
    {
        using var bench = new PostgreSqlBench(PostgreSqlServer.Shared);
        using var newer = new PostgreSqlBench(PostgreSqlServer.OtherMajor(17));
        PostgreSqlSample.Create(bench.Database);
        foreach (string role in PostgreSqlSample.Roles)
            newer.Server.Execute("postgres", $"DO $$ BEGIN CREATE ROLE {PostgreSqlServer.SqlName(role)}; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
        Backup old = await bench.BackUpAsync(fingerprint: FingerprintLevel.Content);
        await bench.RestoreAsync(bench.Request(old) with { Connection = newer.Superuser, NewName = newer.Database.Name });
        ComparisonRequest live = Live(newer);

        await using (var comparison = new BackupComparison(live))
        {
            ComparisonResult same = await comparison.CompareAsync(bench.Files.Repository, old, bench.Observer, CancellationToken.None);
            Assert.Equal([], Shown(same));
        }

        newer.Database.Execute("ALTER TABLE alembic_version ADD COLUMN more text; DELETE FROM alembic_version");
        await using var changed = new BackupComparison(live);
        ComparisonResult found = await changed.CompareAsync(bench.Files.Repository, old, bench.Observer, CancellationToken.None);
        Assert.Equal(["Revision alembic_version Removed", "Schema definitions Changed", "Table public.alembic_version Changed"], Shown(found));
    }

    [Fact]
    public async Task Content_of_equal_numbers_of_rows_is_compared_if_both_have_it_and_never_guessed()
    {
        using var bench = new PostgreSqlBench(PostgreSqlServer.Shared);
        bench.CreateNotes();
        Backup content = await bench.BackUpAsync(fingerprint: FingerprintLevel.Content);
        Backup counted = await bench.BackUpAsync(fingerprint: FingerprintLevel.Rows);
        bench.Database.Execute("UPDATE notes SET body = 'other' WHERE id = 7");
        Backup later = await bench.BackUpAsync(fingerprint: FingerprintLevel.Content);

        ComparisonResult byContent = await CompareAsync(bench, content, later);
        Assert.Equal(["Table public.notes Changed"], Shown(byContent));
        ComparisonResult byCount = await CompareAsync(bench, counted, later);
        Assert.Empty(byCount.Differences);
        Assert.True(byCount.IsByCountAlone);
        await using var live = new BackupComparison(Live(bench) with { IncludeEqual = true, Tables = ["notes", "authors"] });
        ComparisonResult deep = await live.CompareAsync(bench.Files.Repository, content, bench.Observer, CancellationToken.None);
        Assert.Equal(["Table public.authors Equal", "Table public.notes Changed"], Shown(deep));
        ComparisonResult flat = await live.CompareAsync(bench.Files.Repository, counted, bench.Observer, CancellationToken.None);
        Assert.Equal(["Table public.authors SameCount", "Table public.notes SameCount"], Shown(flat));
    }

    [Fact]
    public async Task A_partial_backup_is_compared_by_what_it_has()
    {
        using var bench = new PostgreSqlBench(PostgreSqlServer.Shared);
        bench.CreateNotes();
        Backup part = await bench.BackUpAsync(new PostgreSqlDumpOptions { Tables = ["authors"] });
        bench.Database.Execute("DELETE FROM notes; DELETE FROM authors WHERE id > 5; CREATE TABLE more (x int)");
        await using var live = new BackupComparison(Live(bench));
        ComparisonResult found = await live.CompareAsync(bench.Files.Repository, part, bench.Observer, CancellationToken.None);
        Assert.Equal(["Table public.authors Changed"], Shown(found));
        Assert.Contains("partial", Assert.Single(found.NotCompared), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_whole_server_tells_databases_and_roles_and_no_password()
    {
        using PostgreSqlServer server = PostgreSqlServer.Start();
        using var bench = new PostgreSqlBench(server);
        bench.CreateNotes();
        server.Execute("postgres", "CREATE ROLE ann LOGIN PASSWORD 'first secret'; CREATE ROLE bob; CREATE ROLE gone; CREATE DATABASE lost");
        server.Execute("lost", "CREATE TABLE t (x int)");
        Backup backup = await WholeServerAsync(bench);
        ComparisonRequest request = Live(bench) with { Databases = [] };
        await using (var same = new BackupComparison(request))
        {
            ComparisonResult nothing = await same.CompareAsync(bench.Files.Repository, backup, bench.Observer, CancellationToken.None);
            Assert.Equal([], Shown(nothing));
        }

        server.Execute("postgres", "ALTER ROLE ann PASSWORD 'second secret'; ALTER ROLE bob CREATEDB; DROP ROLE gone; CREATE ROLE new; DROP DATABASE lost; CREATE DATABASE found");
        Backup later = await WholeServerAsync(bench);
        string[] expected = ["Database found Added", "Database lost Removed", "Role ann Changed", "Role bob Changed", "Role gone Removed", "Role new Added"];
        ComparisonResult between = await CompareAsync(bench, backup, later);
        Assert.Equal(expected, Shown(between));
        Assert.All(between.Differences, difference => Assert.DoesNotContain("SCRAM", $"{difference.Before} {difference.After}", StringComparison.Ordinal));
        await using var live = new BackupComparison(request);
        ComparisonResult now = await live.CompareAsync(bench.Files.Repository, backup, bench.Observer, CancellationToken.None);
        Assert.Equal(expected, Shown(now));
    }

    [Fact]
    public async Task The_live_database_is_seen_at_one_moment_while_others_write()
    {
        using var bench = new PostgreSqlBench(PostgreSqlServer.Shared);
        bench.Database.Execute("CREATE TABLE one (x int); CREATE TABLE two (x int)");
        Backup empty = await bench.BackUpAsync(new PostgreSqlDumpOptions(), FingerprintLevel.Rows);
        using var stop = new CancellationTokenSource();
        var writer = Task.Run(
            () =>
            {
                using var connection = new Npgsql.NpgsqlConnection(bench.Server.ConnectionString(bench.Database.Name));
                connection.Open();
                // Both at once, or none.
                using var command = new Npgsql.NpgsqlCommand("WITH a AS (INSERT INTO one VALUES (1)) INSERT INTO two VALUES (1)", connection);
                while (!stop.IsCancellationRequested)
                    command.ExecuteNonQuery();
            },
            CancellationToken.None);
        try
        {
            for (int attempt = 0; attempt < 20; attempt++)
            {
                await using var live = new BackupComparison(Live(bench) with { Tables = ["one", "two"], IncludeEqual = true });
                ComparisonResult found = await live.CompareAsync(bench.Files.Repository, empty, bench.Observer, CancellationToken.None);
                Assert.Equal(found.Differences[0].After, found.Differences[1].After);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await writer;
        }
    }

    private static Task<Backup> WholeServerAsync(PostgreSqlBench bench)
    {
        PostgreSqlConnectionSettings settings = PostgreSqlConnectionSettings.Resolve(bench.Superuser);
        string[] databases = bench.Server.Query("postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1").Split('\n');
        return bench.Files.BackUpAsync(new BackupRequest
        {
            Sources = [new PostgreSqlGlobalsSource(settings), .. databases.Select(name => bench.Source(new PostgreSqlDumpOptions { AllowEmpty = true }, database: name))],
            SourceName = "cluster",
            AllowCollapse = true,
        });
    }

    private static ComparisonRequest Live(PostgreSqlBench bench) => new() { Connection = bench.Superuser, Databases = [bench.Database.Name] };

    private static async Task<ComparisonResult> CompareAsync(PostgreSqlBench bench, Backup before, Backup after)
    {
        await using var comparison = new BackupComparison(new ComparisonRequest { Other = after, OtherRepository = bench.Files.Repository });
        return await comparison.CompareAsync(bench.Files.Repository, before, bench.Observer, CancellationToken.None);
    }

    private static string[] Shown(ComparisonResult result) =>
        [.. result.Differences.Select(difference => $"{difference.Kind} {difference.Name} {difference.Change}").Order(StringComparer.Ordinal)];
}
