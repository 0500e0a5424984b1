using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Swap;
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

    [Theory]
    [InlineData("", null)]
    [InlineData("_before_20260101t000000z", null)]
    [InlineData("_before_20260101t000000z", "Kept by DbBackup before a restore: 00000000-0000-0000-0000-000000000001")]
    [InlineData("_before_20260101t000000z", "  Kept by DbBackup before a restore: ID")]
    [InlineData("_before_lunch", "Kept by DbBackup before a restore: ID")]
    public async Task A_forged_entry_drops_no_database_that_was_not_kept_for_it(string ending, string? comment)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        using var live = new TestDatabase(own.Server, bench.Database.Name + "x" + ending);
        own.Server.Execute("postgres", $"CREATE DATABASE {live.Name}");
        long oid = long.Parse(own.Server.Query("postgres", $"SELECT oid FROM pg_database WHERE datname = '{live.Name}'"), System.Globalization.CultureInfo.InvariantCulture);
        var entry = new KeptDatabase(PostgreSqlConnectionSettings.Resolve(bench.Superuser).LocationOf(live.Name), oid, bench.Database.Name, "postgres", 1, backup.ToString());
        Backup forged = await KeptDatabases.PublishAsync(bench.Files.Repository, backup.Source, entry, null, "15.0", DateTimeOffset.UtcNow.AddDays(-30), CancellationToken.None);
        if (comment is not null)
            own.Server.Execute("postgres", $"COMMENT ON DATABASE {live.Name} IS '{comment.Replace("ID", forged.Id.ToString(), StringComparison.Ordinal)}'");

        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => RemoveAsync(bench, forged, force: false));
        Assert.Equal(ErrorCodes.KeptDatabaseGone, refused.Code);
        bench.AssertSound(refused);
        Assert.Contains(live.Name, refused.Message, StringComparison.Ordinal);
        await bench.RestoreFailsAsync(bench.Request(forged));
        Assert.False((await bench.TestAsync(forged)).Passed);
        Assert.True(await RemoveAsync(bench, forged, force: true));
        Assert.Equal("1", own.Server.Query("postgres", $"SELECT count(*) FROM pg_database WHERE datname = '{live.Name}'").Trim());
    }

    [Theory]
    [InlineData("the application's own\ncomment, it's \\ here")]
    [InlineData(null)]
    public async Task The_mark_of_a_kept_database_stands_before_its_comment_and_goes_with_the_undo(string? comment)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        string Comment(string database) => own.Server.Query("postgres", $"SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{database}'").TrimEnd('\n');
        own.Server.Execute("postgres", $"COMMENT ON DATABASE {bench.Database.Name} IS {(comment is null ? "NULL" : PostgreSqlSession.Literal(comment))}");

        Backup kept = (await bench.RestoreAsync(backup)).SafetyBackup!;
        string marked = Comment(Assert.Single(bench.KeptDatabases()));
        Assert.Equal($"Kept by DbBackup before a restore: {kept.Id}" + (comment is null ? string.Empty : "\n" + comment), marked);
        Assert.DoesNotContain("Kept by", Comment(bench.Database.Name), StringComparison.Ordinal);

        RestoreResult undone = await bench.RestoreAsync(kept);
        Assert.Equal(comment ?? string.Empty, Comment(bench.Database.Name));
        Assert.Contains(undone.SafetyBackup!.Manifest!.Id.ToString(), Comment(Assert.Single(bench.KeptDatabases())), StringComparison.Ordinal);
        Assert.True(await RemoveAsync(bench, undone.SafetyBackup, force: false));
        Assert.Equal(comment ?? string.Empty, Comment(bench.Database.Name));
        Assert.Empty(bench.KeptDatabases());
    }

    [Fact]
    public async Task A_swap_that_is_taken_back_takes_its_marks_with_it()
    {
        using var bench = new PostgreSqlBench(own.Server);
        string name = bench.Database.Name, first = name + "_before_20260101t000000z", second = name + "_before_20260102t000000z";
        using var earlier = new TestDatabase(own.Server, first);
        (Guid old, Guid entry) = (Guid.NewGuid(), Guid.NewGuid());
        own.Server.Execute("postgres", $"CREATE DATABASE {first}; COMMENT ON DATABASE {first} IS '{KeptMark.Add(old, "was")}'; COMMENT ON DATABASE {name} IS 'is'");
        string Comments() => own.Server.Query("postgres", $"SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname LIKE '{name}%' ORDER BY 1");
        string before = Comments();
        using PostgreSqlSession maintenance = await PostgreSqlSession.OpenMaintenanceAsync(PostgreSqlConnectionSettings.Resolve(bench.Superuser), null, CancellationToken.None);
        var rename = new DatabaseRename(name, first, second) { KeptMark = entry, NextMark = old };

        await DatabaseSwap.RunAsync(maintenance, [rename], CancellationToken.None);
        Assert.Equal(entry, await KeptMark.OfAsync(maintenance, second, CancellationToken.None));
        Assert.Null(await KeptMark.OfAsync(maintenance, name, CancellationToken.None));

        await DatabaseSwap.RunAsync(maintenance, [rename.Reverse], CancellationToken.None);
        Assert.Equal(before, Comments());
        var alone = new DatabaseRename(name + "z", first, null) { NextMark = old };
        await DatabaseSwap.RunAsync(maintenance, [alone], CancellationToken.None);
        await DatabaseSwap.RunAsync(maintenance, [alone.Reverse], CancellationToken.None);
        Assert.Equal(before, Comments());
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
