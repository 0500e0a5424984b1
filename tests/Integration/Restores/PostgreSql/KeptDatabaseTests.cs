using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Restores.PostgreSql;
using DbBackup.Engine.Retention;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>What a restore has replaced stays on its server: it can be had back, removed, and is never taken for another.</summary>
[Trait("Category", "PostgreSql")]
public sealed class KeptDatabaseTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Fact]
    public async Task Undoing_a_restore_and_undoing_that_swap_the_two_states()
    {
        using var bench = new PostgreSqlBench(own.Server);
        (Backup kept, string wanted, string migrated) = await RestoreOverMigratedAsync(bench);
        Assert.Equal("bbbb", kept.SchemaRevision);
        Assert.True((await bench.TestAsync(kept)).Passed);

        RestoreResult undone = await bench.RestoreAsync(kept);
        Assert.Equal(migrated, bench.Database.Dump());
        Assert.Equal(["alembic stamp bbbb", "alembic upgrade head"], undone.NextCommands);
        Assert.DoesNotContain(await bench.Files.ListAsync(), backup => backup.Name == kept.Name);

        await bench.RestoreAsync(undone.SafetyBackup!);
        Assert.Equal(wanted, bench.Database.Dump());
        Backup again = Assert.Single(await bench.Files.ListAsync(), backup => backup.Manifest!.Kept is not null);
        Assert.Single(bench.KeptDatabases());
        Assert.Equal("bbbb", again.SchemaRevision);
        bench.AssertNothingLeftOnServer();
    }

    [Fact]
    public async Task Removing_the_entry_drops_the_database()
    {
        using var bench = new PostgreSqlBench(own.Server);
        (Backup kept, string wanted, _) = await RestoreOverMigratedAsync(bench);
        Assert.True(await RemoveAsync(bench, kept, force: false));
        Assert.Empty(bench.KeptDatabases());
        Assert.DoesNotContain(await bench.Files.ListAsync(), backup => backup.Manifest!.Kept is not null);
        Assert.Equal(wanted, bench.Database.Dump());
    }

    [Fact]
    public async Task Entry_whose_database_is_gone_says_so_and_goes_by_force_alone()
    {
        using var bench = new PostgreSqlBench(own.Server);
        (Backup kept, string wanted, _) = await RestoreOverMigratedAsync(bench);
        own.Server.Execute("postgres", $"DROP DATABASE {Assert.Single(bench.KeptDatabases())}");

        Assert.Equal(ErrorCodes.KeptDatabaseGone, (await bench.RestoreFailsAsync(bench.Request(kept))).Code);
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => RemoveAsync(bench, kept, force: false));
        Assert.Equal(ErrorCodes.KeptDatabaseGone, refused.Code);
        Assert.Contains(await bench.Files.ListAsync(), backup => backup.Name == kept.Name);
        Assert.False((await bench.TestAsync(kept)).Passed);

        await RemoveAsync(bench, kept, force: true);
        Assert.DoesNotContain(await bench.Files.ListAsync(), backup => backup.Name == kept.Name);
        Assert.Equal(wanted, bench.Database.Dump());
    }

    [Fact]
    public async Task Kept_database_that_somebody_renamed_or_made_anew_is_theirs()
    {
        using var bench = new PostgreSqlBench(own.Server);
        (Backup kept, _, string migrated) = await RestoreOverMigratedAsync(bench);
        string name = Assert.Single(bench.KeptDatabases());
        string theirs = bench.Database.Name + "_theirs";
        using var other = new TestDatabase(own.Server, theirs);
        own.Server.Execute("postgres", $"ALTER DATABASE {name} RENAME TO {theirs}; CREATE DATABASE {name}");

        BackupException refused = await bench.RestoreFailsAsync(bench.Request(kept));
        Assert.Equal(ErrorCodes.KeptDatabaseGone, refused.Code);
        Assert.Contains(theirs, refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<BackupException>(() => RemoveAsync(bench, kept, force: false));
        await RemoveAsync(bench, kept, force: true);
        Assert.Equal(migrated, other.Dump());
        Assert.Equal([name], bench.KeptDatabases());
    }

    [Fact]
    public async Task Entry_stays_when_its_server_does_not_answer()
    {
        using PostgreSqlServer server = PostgreSqlServer.Start();
        using var bench = new PostgreSqlBench(server);
        (Backup kept, _, _) = await RestoreOverMigratedAsync(bench);
        server.Stop();
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => RemoveAsync(bench, kept, force: false));
        Assert.Equal(ErrorCodes.ServerUnreachable, refused.Code);
        Assert.Contains(await bench.Files.ListAsync(), backup => backup.Name == kept.Name);
        server.StartAgain();
        Assert.Single(bench.KeptDatabases());
        await RemoveAsync(bench, kept, force: false);
        Assert.Empty(bench.KeptDatabases());
    }

    [Fact]
    public async Task Entry_of_a_run_that_was_killed_before_its_rename_drops_nothing_and_is_taken_back()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        bench.Migrate();
        string migrated = bench.Database.Dump();
        long oid = long.Parse(own.Server.Query("postgres", $"SELECT oid FROM pg_database WHERE datname = '{bench.Database.Name}'"), System.Globalization.CultureInfo.InvariantCulture);
        string location = PostgreSqlConnectionSettings.Resolve(bench.Superuser).LocationOf(bench.Database.Name + "_before_20260101t000000z");
        var entry = new KeptDatabase(location, oid, bench.Database.Name, "postgres", 1, backup.ToString());
        await KeptDatabases.PublishAsync(bench.Files.Repository, backup.Source, entry, null, "15.0", DateTimeOffset.UtcNow.AddHours(-1), CancellationToken.None);
        Backup orphan = Assert.Single(await bench.Files.ListAsync(), each => each.Manifest!.Kept is not null);

        await bench.RestoreFailsAsync(bench.Request(orphan));
        await Assert.ThrowsAnyAsync<BackupException>(() => RemoveAsync(bench, orphan, force: false));
        Assert.Equal(migrated, bench.Database.Dump());

        RestoreResult result = await bench.RestoreAsync(backup);
        Backup kept = Assert.Single(await bench.Files.ListAsync(), each => each.Manifest!.Kept is not null);
        Assert.Equal(result.SafetyBackup!.Name, kept.Name);
        Assert.NotEqual(orphan.Location, kept.Location);
        Assert.Contains(bench.Observer.Warnings, warning => warning.Contains(orphan.Name, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Restore_without_a_safety_backup_keeps_nothing()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        string wanted = bench.Database.Dump();
        Backup backup = await bench.BackUpAsync();
        bench.Migrate();
        RestoreResult result = await bench.RestoreAsync(bench.Request(backup) with { NoSafetyBackup = true });
        Assert.Null(result.SafetyBackup);
        Assert.Equal(wanted, bench.Database.Dump());
        Assert.Empty(bench.KeptDatabases());
        Assert.Single(await bench.Files.ListAsync());
    }

    private static async Task<(Backup Kept, string Wanted, string Migrated)> RestoreOverMigratedAsync(PostgreSqlBench bench)
    {
        bench.CreateNotes();
        string wanted = bench.Database.Dump();
        Backup backup = await bench.BackUpAsync();
        bench.Migrate();
        string migrated = bench.Database.Dump();
        RestoreResult result = await bench.RestoreAsync(backup);
        Assert.Equal(["alembic stamp aaaa", "alembic upgrade head"], result.NextCommands);
        Assert.NotNull(result.SafetyBackup?.Manifest?.Kept);
        return (result.SafetyBackup, wanted, migrated);
    }

    private static Task<bool> RemoveAsync(PostgreSqlBench bench, Backup backup, bool force) =>
        new BackupRemoval(bench.Files.Repository).RemoveAsync(backup, force, bench.Superuser, bench.Observer, CancellationToken.None);
}
