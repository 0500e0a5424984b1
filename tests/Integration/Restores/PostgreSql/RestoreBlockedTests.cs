using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Restores;
using DbBackup.Testing;
using Npgsql;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>A restore that others stand in the way of, or that its role may not make.</summary>
[Trait("Category", "PostgreSql")]
public sealed class RestoreBlockedTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Fact]
    public async Task Restore_ends_the_sessions_of_the_application()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        bench.Migrate();
        using WriterPair application = WriterPair.Start(bench.Database, comesBack: true);
        RestoreResult result = await bench.RestoreAsync(backup);
        Assert.Equal("aaaa", bench.Database.Query("SELECT * FROM alembic_version"));
        Assert.True(result.Interruption < TimeSpan.FromSeconds(20), result.Interruption.ToString());
    }

    [Fact]
    public async Task A_plan_does_not_name_its_own_sessions()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        // The server lists a session for a moment after it was closed.
        for (int round = 0; round < 20; round++)
        {
            PreparedRestore prepared = await PreparedRestore.PrepareAsync(bench.Files.Repository, bench.Request(backup), changeNothing: true, bench.Observer, CancellationToken.None);
            Assert.DoesNotContain(prepared.Plan.Warnings, warning => warning.Contains("sessions in the present database", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Session_that_the_role_may_not_end_is_named_and_stays()
    {
        using var bench = new PostgreSqlBench(own.Server);
        PostgreSqlConnectionRequest role = Owner(bench, "CREATEDB");
        Backup backup = await bench.Files.BackUpAsync(bench.Source(connection: role));
        bench.Migrate(role.Username);
        using var superuser = new NpgsqlConnection(bench.Database.ConnectionString + ";Application Name=the administrator");
        await superuser.OpenAsync();

        BackupException failure = await bench.RestoreFailsAsync(bench.Request(backup) with { Connection = role });
        Assert.Equal(ErrorCodes.TargetInUse, failure.Code);
        Assert.True(failure.CanRetry);
        Assert.Contains("the administrator", failure.Message, StringComparison.Ordinal);
        await using (var alive = new NpgsqlCommand("SELECT 1", superuser))
            Assert.Equal(1, await alive.ExecuteScalarAsync());

        await superuser.CloseAsync();
        await bench.RestoreAsync(bench.Request(backup) with { Connection = role });
        Assert.Equal("aaaa", bench.Database.Query("SELECT * FROM alembic_version"));
    }

    [Fact]
    public async Task Present_database_that_is_locked_or_closed_to_connections_is_replaced()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        string wanted = bench.Database.Dump();
        Backup backup = await bench.BackUpAsync();
        bench.Migrate();
        using var holder = new NpgsqlConnection(bench.Database.ConnectionString);
        await holder.OpenAsync();
        await using (var lockIt = new NpgsqlCommand("BEGIN; LOCK TABLE alembic_version", holder))
            await lockIt.ExecuteNonQueryAsync();
        RestoreResult result = await bench.RestoreAsync(backup);
        Assert.Equal(wanted, bench.Database.Dump());
        Assert.Null(result.PreviousSchemaRevision);

        bench.Server.Execute("postgres", $"ALTER DATABASE {bench.Database.Name} ALLOW_CONNECTIONS false");
        await bench.RestoreAsync(backup);
        Assert.Equal(wanted, bench.Database.Dump());
    }

    [Fact]
    public async Task Prepared_transaction_is_named()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        bench.Migrate();
        bench.Database.Execute("BEGIN; INSERT INTO authors (name) VALUES ('prepared'); PREPARE TRANSACTION 'waiting'");
        BackupException failure = await bench.RestoreFailsAsync(bench.Request(backup));
        bench.Database.Execute("ROLLBACK PREPARED 'waiting'");
        Assert.Equal(ErrorCodes.TargetInUse, failure.Code);
        Assert.Contains("prepared transaction", failure.Message, StringComparison.Ordinal);
        await bench.RestoreAsync(backup);
    }

    [Fact]
    public async Task Second_restore_of_the_same_database_is_refused_while_the_first_works()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        bench.Migrate();
        using var inTheMiddle = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        var slow = new RecordingObserver
        {
            At = step =>
            {
                if (!step.Contains("beside", StringComparison.Ordinal) || inTheMiddle.IsSet)
                    return;
                inTheMiddle.Set();
                goOn.Wait(TimeSpan.FromMinutes(1));
            },
        };
        PreparedRestore first = await PreparedRestore.PrepareAsync(bench.Files.Repository, bench.Request(backup), false, slow, CancellationToken.None);
        Task<RestoreResult> running = Task.Run(() => first.RunAsync(slow, CancellationToken.None));
        Assert.True(inTheMiddle.Wait(TimeSpan.FromMinutes(1)));

        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => bench.RestoreAsync(backup));
        Assert.Equal(ErrorCodes.TargetInUse, refused.Code);
        Assert.Contains("Another restore", refused.Message, StringComparison.Ordinal);
        // The second run has not taken the first one's database for a dead one's.
        Assert.Contains("dbbackup_new_", bench.WorkDatabases(), StringComparison.Ordinal);

        goOn.Set();
        await running;
        Assert.Equal("aaaa", bench.Database.Query("SELECT * FROM alembic_version"));
        Assert.Single(bench.KeptDatabases());
        bench.AssertNothingLeftOnServer();
    }

    [Fact]
    public async Task Role_that_may_not_create_databases_restores_in_place_exactly()
    {
        using var bench = new PostgreSqlBench(own.Server);
        PostgreSqlConnectionRequest role = Owner(bench, string.Empty);
        string wanted = bench.Database.Dump();
        Backup backup = await bench.Files.BackUpAsync(bench.Source(connection: role));
        bench.Migrate(role.Username);

        BackupException failure = await bench.RestoreFailsAsync(bench.Request(backup) with { Connection = role });
        Assert.Equal(ErrorCodes.PermissionDenied, failure.Code);
        Assert.Contains("-InPlace", failure.Hint, StringComparison.Ordinal);

        RestoreResult result = await bench.RestoreAsync(bench.Request(backup) with { Connection = role, InPlace = true });
        Assert.Equal(wanted, bench.Database.Dump());
        Assert.Equal(BackupStatus.Matched, result.Status);
        Assert.Equal("bbbb", result.SafetyBackup!.SchemaRevision);

        // The safety backup holds the state before.
        await bench.RestoreAsync(bench.Request(result.SafetyBackup) with { Connection = role, InPlace = true, NoSafetyBackup = true });
        Assert.Equal("100", bench.Database.Query("SELECT count(*) FROM comments"));
        bench.AssertNothingLeftOnServer();
    }

    [Fact]
    public async Task Restore_in_place_that_would_give_other_rows_is_undone()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        Backup backup = await bench.BackUpAsync();
        bench.Migrate();
        Fingerprint facts = backup.Manifest!.Payloads[0].Fingerprint!;
        Fingerprint other = facts with { Tables = [.. facts.Tables.Select(table => table.Name == "public.notes" ? table with { Rows = 101 } : table)] };
        Backup lies = PostgreSqlBench.Claiming(backup, manifest => manifest with { Payloads = [manifest.Payloads[0] with { Fingerprint = other }] });
        BackupException failure = await bench.RestoreFailsAsync(bench.Request(lies) with { InPlace = true, NoSafetyBackup = true });
        Assert.Contains("public.notes has 100 rows instead of 101", failure.Message, StringComparison.Ordinal);

        BackupException beside = await bench.RestoreFailsAsync(bench.Request(lies));
        Assert.Equal(ErrorCodes.RestoreMismatch, beside.Code);
    }

    [Theory]
    [InlineData(PostgreSqlFormat.Custom)]
    [InlineData(PostgreSqlFormat.Plain)]
    public async Task Large_objects_are_no_part_that_stays_when_a_restore_in_place_is_undone(PostgreSqlFormat format)
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.Database.Execute("SELECT lo_from_bytea(777001, 'wanted')");
        string wanted = bench.Database.Dump();
        Backup backup = await bench.BackUpAsync(new PostgreSqlDumpOptions { Format = format });
        bench.Migrate();
        Fingerprint facts = backup.Manifest!.Payloads[0].Fingerprint!;
        Fingerprint other = facts with { Tables = [.. facts.Tables.Select(table => table.Name == "public.notes" ? table with { Rows = 101 } : table)] };
        Backup lies = PostgreSqlBench.Claiming(backup, manifest => manifest with { Payloads = [manifest.Payloads[0] with { Fingerprint = other }] });
        await bench.RestoreFailsAsync(bench.Request(lies) with { InPlace = true, NoSafetyBackup = true });
        if (format == PostgreSqlFormat.Plain)
        {
            Assert.Equal(ErrorCodes.FormatNotSupported, (await bench.RestoreFailsAsync(bench.Request(backup) with { InPlace = true, NoSafetyBackup = true })).Code);
            return;
        }

        await bench.RestoreAsync(bench.Request(backup) with { InPlace = true });
        Assert.Equal(wanted, bench.Database.Dump());
    }

    private static PostgreSqlConnectionRequest Owner(PostgreSqlBench bench, string attributes)
    {
        PostgreSqlConnectionRequest role = bench.CreateRole("owner", attributes);
        bench.CreateNotes(owner: role.Username);
        return role;
    }
}
