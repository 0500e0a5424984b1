using DbBackup.Testing;
using DbBackup.Upgrades;
using Npgsql;

namespace DbBackup.Tests.Integration.Upgrades;

/// <summary>Upgrades from one server to another by their addresses.</summary>
[Trait("Category", "PostgreSql")]
public sealed class ServerMoveTests
{
    [SampledTheory]
    [InlineData(15, 17)]
    [InlineData(17, 18)]
    [CompleteRunData(15, 18)]
    [CompleteRunData(15, 15)]
    public void All_databases_and_roles_are_on_the_new_server_and_the_old_one_is_read_only_until_the_way_back(int from, int to)
    {
        using var bench = new ServerMoveBench(from, to);
        (int exit, string output) = OtherProcess.Run(bench.Environment, UpgradeProcess.Command(bench.Files, bench.Journals, bench.Request("SELECT count(*) = 500 FROM people", "psql -X -d second -c 'SELECT 1 FROM books'"), "0"));
        Assert.True(exit == 0, output);

        UpgradeResult moved = Assert.Single(bench.Service.List());
        bench.AssertMoved(moved);
        Assert.True(moved.Downtime > TimeSpan.Zero);
        Assert.Throws<Xunit.Sdk.TrueException>(() => bench.Old.Execute("shop", "DELETE FROM visits"));

        bench.New.Execute("shop", "INSERT INTO people (name) VALUES ('of the new one')");
        UpgradeResult undone = bench.Continue("undo", moved.Id);
        Assert.Equal(UpgradeState.RolledBack, undone.State);
        bench.AssertAsBefore(isNewEmpty: false);
        bench.Old.Execute("shop", "INSERT INTO people (name) VALUES ('of the old one')");
        // What users have written on the new server is theirs.
        Assert.Equal("501", bench.New.Query("shop", "SELECT count(*) FROM people"));
    }

    [Fact]
    public async Task Sessions_are_ended_and_a_way_back_tells_what_stays_on_the_new_server()
    {
        using var bench = new ServerMoveBench(15, 17);
        await using var user = new NpgsqlConnection(bench.Old.ConnectionString("shop"));
        await user.OpenAsync();
        await ExecuteAsync(user, "BEGIN; UPDATE people SET born = NULL WHERE id = 1");

        UpgradeResult moved = await bench.RunAsync(bench.Request());

        // The open transaction was rolled back and is in no copy.
        bench.AssertMoved(moved);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => ExecuteAsync(user, "COMMIT"));
        bench.New.Execute("second", "DELETE FROM books WHERE id <= 7");
        bench.Continue("undo", moved.Id);
        Assert.Contains("deleted on the new server: 7 in 'second'", bench.Said, StringComparison.Ordinal);
        bench.AssertAsBefore(isNewEmpty: false);
    }

    [Fact]
    public async Task Plan_says_what_will_happen_and_changes_nothing()
    {
        using var bench = new ServerMoveBench(15, 17);

        UpgradePlan plan = await UpgradeService.PlanAsync(bench.Request(), bench.Files.Repository, CancellationToken.None);

        string text = plan.ToString();
        Assert.Contains("PostgreSQL 15 to 17", text, StringComparison.Ordinal);
        Assert.Contains($"load a backup into '{plan.NewServer}', compare it, and remove it there again", text, StringComparison.Ordinal);
        Assert.Contains("make the old server read-only", text, StringComparison.Ordinal);
        Assert.Contains("let the old server accept writes again", text, StringComparison.Ordinal);
        bench.AssertAsBefore();
    }

    [Fact]
    public async Task What_cannot_be_is_refused_before_anything_changes()
    {
        using var bench = new ServerMoveBench(15, 17);
        var move = (UpgradeSubject.ServerMove)bench.Request().Subject;
        string settings = Path.Join(bench.Old.DataFolder, "postgresql.conf"), own = File.ReadAllText(settings);
        string folder = bench.New.Query("postgres", "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = 'fast'");
        Action OnOld(string database, string sql) => () => bench.Old.Execute(database, sql);
        Action OnNew(string sql) => () => bench.New.Execute("postgres", sql);
        Action nothing = () => { };
        foreach ((string expected, UpgradeSubject.ServerMove subject, Action make, Action undo) in new[]
        {
            ("databases of the same name: second", move, OnNew("CREATE DATABASE second"), OnNew("DROP DATABASE second")),
            ("something in its database 'postgres', which would be replaced: public.own", move, OnNew("CREATE TABLE own (id int)"), OnNew("DROP TABLE own")),
            ("is the old server itself", move with { To = move.From }, nothing, nothing),
            ("does not load into an older version", new UpgradeSubject.ServerMove(move.To, move.From), nothing, nothing),
            ("lacks extensions that the databases use: postgis", move, OnOld("second", "CREATE EXTENSION postgis"), OnOld("second", "DROP EXTENSION postgis")),
            ("prepared transactions, which no dump has: 'one' in shop", move, OnOld("shop", "BEGIN; CREATE TABLE later (id int); PREPARE TRANSACTION 'one'"), OnOld("shop", "ROLLBACK PREPARED 'one'")),
            ("default_transaction_read_only is set for role shop", move, OnOld("postgres", "ALTER ROLE shop SET default_transaction_read_only = off"), OnOld("postgres", "ALTER ROLE shop RESET default_transaction_read_only")),
            ("lacks tablespaces of the old one, and has no empty folder of its own where they were: fast (", move, OnNew("DROP TABLESPACE fast"), OnNew($"CREATE TABLESPACE fast LOCATION '{folder}'")),
            ("its settings have an error: no_such_setting: unrecognized", move, () => File.AppendAllText(settings, "no_such_setting = 1\n"), () => File.WriteAllText(settings, own)),
            ("is no superuser", move with { To = move.To with { Username = "plain", Password = "plain" } }, OnNew("CREATE ROLE plain LOGIN CREATEDB CREATEROLE PASSWORD 'plain'"), OnNew("DROP ROLE plain")),
        })
        {
            make();
            string[] before = Names(bench);
            (string words, string? hint) = await FailureAsync(bench, bench.Request() with { Subject = subject });
            Assert.Contains(expected, words, StringComparison.Ordinal);
            Assert.False(string.IsNullOrEmpty(hint), expected);
            Assert.Equal(before, Names(bench));
            Assert.Equal("off", bench.Old.Query("shop", "SHOW default_transaction_read_only"));
            Assert.Equal("500", bench.Old.Query("shop", "SELECT count(*) FROM people"));
            undo();
        }

        // Nothing else of the cases above was in the way.
        _ = await UpgradeService.PlanAsync(bench.Request(), bench.Files.Repository, CancellationToken.None);
    }

    [Theory]
    [InlineData("rehearsal")]
    [InlineData("check")]
    [InlineData("writer")]
    [InlineData("counts")]
    [InlineData("new server gone")]
    [InlineData("repository gone")]
    public async Task Failure_gives_the_old_server_back_and_empties_the_new_one(string what)
    {
        using var bench = new ServerMoveBench(15, 17);
        string passed = bench.Files["passed"];
        (UpgradeRequest request, string step, StepObserver observer) = what switch
        {
            "rehearsal" => (bench.Request("SELECT count(*) = 499 FROM people"), "Rehearsal", new StepObserver()),
            // It passes in the rehearsal.
            "check" => (bench.Request($"if [ -f '{passed}' ]; then exit 3; fi; touch '{passed}'"), "Check", new StepObserver()),
            "writer" => (bench.Request(), "Check", new StepObserver(("Migration", () => bench.Old.Execute("shop", "BEGIN READ WRITE; INSERT INTO people (name) VALUES ('late'); COMMIT")))),
            "counts" => (bench.Request(), "Check", new StepObserver(("Migration", () => bench.Old.Execute("shop", "SELECT pg_stat_reset()")))),
            "new server gone" => (bench.Request(), "Migration", new StepObserver(("Migration", () => bench.New.Stop()))),
            _ => (bench.Request() with { NoRehearsal = true }, "Backup", new StepObserver(("Backup", () => Directory.Move(bench.Files.RepositoryPath, bench.Files["elsewhere"])), ("Backup", () => File.WriteAllText(bench.Files.RepositoryPath, string.Empty)))),
        };
        if (what == "repository gone")
            Directory.CreateDirectory(bench.Files.RepositoryPath);

        UpgradeResult result = await bench.RunAsync(request, observer);

        Assert.Equal(UpgradeState.RolledBack, result.State);
        Assert.Equal(UpgradeStepState.Failed, result.Steps.Single(each => each.Name == step).State);
        Assert.False(string.IsNullOrEmpty(result.Failure));
        if (what == "new server gone")
            bench.New.StartAgain();
        if (what == "writer")
            bench.Old.Execute("shop", "DELETE FROM people WHERE name = 'late'; SELECT setval('people_id_seq', 500)");
        bench.AssertAsBefore();
    }

    [Fact]
    public async Task Cancelled_in_any_step_it_is_rolled_back()
    {
        using var bench = new ServerMoveBench(15, 17);
        foreach (string step in (string[])["Rehearsal", "Maintenance", "Backup", "Migration", "in the middle of the load", "Check"])
        {
            using var cancel = new CancellationTokenSource();
            Task middle = Task.CompletedTask;
            StepObserver observer = step.Contains(' ', StringComparison.Ordinal)
                ? new StepObserver(("Migration", () => middle = Task.Run(async () =>
                {
                    while (bench.New.Query("postgres", "SELECT count(*) FROM pg_roles WHERE rolname = 'team'") == "0")
                        await Task.Delay(10);
                    await cancel.CancelAsync();
                })))
                : new StepObserver((step, cancel.Cancel));

            await Assert.ThrowsAnyAsync<OperationCanceledException>(
                () => bench.Service.RunAsync(bench.Request("SELECT count(*) = 500 FROM people") with { NoRehearsal = step != "Rehearsal" }, bench.Files.Repository, observer, cancel.Token));

            await middle;
            Assert.Equal(UpgradeState.RolledBack, bench.Service.List()[0].State);
            bench.AssertAsBefore();
        }
    }

    [Fact]
    public async Task A_database_created_on_the_new_server_meanwhile_is_left_alone()
    {
        using var bench = new ServerMoveBench(15, 17);
        var observer = new StepObserver(("Maintenance", () =>
        {
            bench.New.Execute("postgres", "CREATE DATABASE second");
            bench.New.Execute("second", "CREATE TABLE theirs (id int)");
        }));

        UpgradeResult result = await bench.RunAsync(bench.Request(), observer);

        Assert.Equal(UpgradeState.RolledBack, result.State);
        Assert.Contains("databases of the same name: second", result.Failure, StringComparison.Ordinal);
        Assert.Equal("0", bench.New.Query("second", "SELECT count(*) FROM theirs"));
        bench.AssertAsBefore(isNewEmpty: false);
    }

    [Theory]
    [InlineData("Rehearsal")]
    [InlineData("Migration")]
    public void A_database_created_there_after_a_kill_is_left_alone(string step)
    {
        using var bench = new ServerMoveBench(15, 17);
        UpgradeResult cut = bench.Cut(step);
        bench.New.Execute("postgres", "CREATE ROLE reader; CREATE DATABASE second OWNER reader");

        Assert.Equal(UpgradeState.RolledBack, bench.Continue("undo", cut.Id).State);

        Assert.Equal("reader", bench.New.Query("postgres", "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'second'"));
        bench.AssertAsBefore(isNewEmpty: false);
    }

    [Fact]
    public async Task A_server_that_was_read_only_by_default_is_so_again()
    {
        using var bench = new ServerMoveBench(15, 17);
        bench.Old.Execute("postgres", "ALTER SYSTEM SET default_transaction_read_only = 'yes'");
        bench.Old.Execute("postgres", "SELECT pg_reload_conf()");

        UpgradeResult result = await bench.RunAsync(bench.Request("SELECT false") with { NoRehearsal = true });

        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Failed), (result.State, result.Steps.Single(step => step.Name == "Check").State));
        Assert.Equal("yes", bench.Old.Query("postgres", "SELECT setting FROM pg_file_settings WHERE name = 'default_transaction_read_only'"));
    }

    // The name is that of the step that has begun.
    [SampledTheory]
    [CompleteRunData("Preflight", true)]
    [CompleteRunData("Rehearsal", true)]
    [CompleteRunData("Maintenance", true)]
    [CompleteRunData("Backup", true)]
    [CompleteRunData("Migration", true)]
    [InlineData("Check", true)]
    [CompleteRunData("Release", true)]
    [CompleteRunData("Rehearsal", false)]
    [InlineData("Maintenance", false)]
    [CompleteRunData("Backup", false)]
    [InlineData("Check", false)]
    [CompleteRunData("Release", false)]
    [Trait("Category", "Kill")]
    public void Killed_where_a_step_begins_it_is_undone_or_resumed_and_no_row_is_lost(string step, bool undo)
    {
        using var bench = new ServerMoveBench(15, 17);
        UpgradeResult cut = bench.Cut(step);
        End(bench, cut.Id, undo, isNewEmpty: step != "Release");
    }

    [SampledTheory]
    [CompleteRunData("Rehearsal", true)]
    [InlineData("Rehearsal", false)]
    [InlineData("Migration", true)]
    [CompleteRunData("Migration", false)]
    [Trait("Category", "Kill")]
    public void Killed_while_the_new_server_is_loaded_it_is_undone_or_resumed_and_no_row_is_lost(string step, bool undo)
    {
        using var bench = new ServerMoveBench(15, 17);
        using (OtherProcess upgrade = OtherProcess.StartCommand(UpgradeProcess.Command(bench.Files, bench.Journals, bench.Request() with { NoRehearsal = step != "Rehearsal" }, "0"), bench.Environment))
        {
            upgrade.WaitFor(_ => bench.New.Query("postgres", "SELECT count(*) FROM pg_roles WHERE rolname = 'team'") == "1");
            upgrade.Kill();
        }

        UpgradeResult cut = bench.Service.List()[0];
        Assert.Equal((UpgradeState.Interrupted, UpgradeStepState.Running), (cut.State, UpgradeBench.StateOf(cut, step)));
        End(bench, cut.Id, undo, isNewEmpty: true);
    }

    private static void End(ServerMoveBench bench, string id, bool undo, bool isNewEmpty)
    {
        if (undo)
        {
            Assert.Equal(UpgradeState.RolledBack, bench.Continue("undo", id).State);
            bench.AssertAsBefore(isNewEmpty);
            bench.Old.Execute("shop", "INSERT INTO people (name) VALUES ('of the old one')");
        }
        else
        {
            bench.AssertMoved(bench.Continue("resume", id));
        }
    }

    private static string[] Names(ServerMoveBench bench) =>
        [bench.New.Query("postgres", "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database"), bench.New.Query("postgres", "SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles")];

    private static async Task<(string Words, string? Hint)> FailureAsync(ServerMoveBench bench, UpgradeRequest request)
    {
        try
        {
            UpgradeResult result = await bench.RunAsync(request);
            Assert.Equal(UpgradeState.RolledBack, result.State);
            return (result.Failure!, result.Recommendation);
        }
        catch (BackupException failure)
        {
            return (failure.Message, failure.Hint);
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
