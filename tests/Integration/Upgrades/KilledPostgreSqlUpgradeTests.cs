using DbBackup.Upgrades;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades;

/// <summary>Upgrades of a database of a server that end as kill -9 ends them, and what is made of them.</summary>
[Trait("Category", "PostgreSql")]
[Trait("Category", "Kill")]
public sealed class KilledPostgreSqlUpgradeTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    private const string Psql = PostgreSqlUpgradeBench.Psql;

    // Bounded: what is killed here may leave it behind.
    private const string Wait = "touch begun; for i in $(seq 600); do [ -f go ] && break; sleep 0.1; done";

    private const string First = Psql + " -c 'ALTER TABLE notes ADD COLUMN extra text' -c \"UPDATE notes SET extra = 'new' WHERE id <= 50\"";
    private const string Second = Psql + " -c \"UPDATE notes SET extra = 'new' WHERE id > 50\" -c \"UPDATE alembic_version SET version_num = 'bbbb'\"";

    public static TheoryData<string, bool> Beginnings => Steps(["Preflight", "Backup", "Rehearsal", "Migration", "Check"], ("Backup", true), ("Rehearsal", false), ("Check", true));

    public static TheoryData<string, bool> Middles => Steps(["Rehearsal", "Migration", "Check"], ("Rehearsal", true), ("Migration", true), ("Migration", false), ("Check", false));

    private static TheoryData<string, bool> Steps(string[] all, params (string, bool)[] sample) =>
        [.. Sampling.Complete ? all.SelectMany(step => new[] { (step, true), (step, false) }) : sample];

    [Theory]
    [MemberData(nameof(Beginnings))]
    public async Task Killed_where_a_step_begins_it_is_undone_or_gone_on_with_and_no_row_is_lost(string step, bool undo)
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        (int exit, string output) = OtherProcess.Run(bench.Bench.Environment, UpgradeProcess.Command(bench.Files, bench.Journals, bench.Request(PostgreSqlUpgradeBench.Good), step));
        Assert.True(exit == 137, output);
        UpgradeResult cut = Assert.Single(bench.Service.List());
        Assert.Equal((UpgradeState.Interrupted, UpgradeStepState.Running), (cut.State, UpgradeBench.StateOf(cut, step)));
        await EndAsync(bench, cut.Id, undo);
    }

    [Theory]
    [MemberData(nameof(Middles))]
    public async Task Killed_in_the_middle_of_a_step_it_is_undone_or_gone_on_with_and_no_row_is_lost(string step, bool undo)
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        const string OnCopy = "case $DATABASE_URL in */dbbackup_*) true;; *) false;; esac";
        UpgradeRequest request = step switch
        {
            "Rehearsal" => bench.Request($"{First} && if {OnCopy}; then {Wait}; fi; {Second}"),
            "Migration" => bench.Request($"{First} && if ! {OnCopy}; then {Wait}; fi; {Second}"),
            _ => bench.Request($"{First} && {Second}", $"if ! {OnCopy}; then {Wait}; fi"),
        };
        Kill(bench, request, "begun");
        UpgradeResult cut = Assert.Single(bench.Service.List());
        Assert.Equal((UpgradeState.Interrupted, UpgradeStepState.Running), (cut.State, UpgradeBench.StateOf(cut, step)));
        await EndAsync(bench, cut.Id, undo);
        // What went on without its parent, it has done by now.
        await Task.Delay(1000);
        if (undo)
            bench.AssertAsBefore();
        else
            bench.AssertMigrated();
    }

    // The server goes on with a statement whose program is gone.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Killed_within_a_transaction_of_the_migration_it_is_undone_or_gone_on_with_and_no_row_is_lost(bool undo)
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        string migrate = $"if [ -f go ]; then {First} && {Second}; else {Psql} -c 'DELETE FROM notes WHERE id > 90'; touch begun; {Psql} -c 'BEGIN; DROP TABLE notes; SELECT pg_sleep(600); COMMIT'; fi";
        UpgradeRequest request = bench.Request(migrate) with { NoRehearsal = true };
        Kill(bench, request, "begun", () => bench.Bench.Server.Query("postgres", $"SELECT count(*) FROM pg_stat_activity WHERE datname = '{bench.Database.Name}' AND query LIKE '%pg_sleep(600)%'") == "1");
        await EndAsync(bench, Assert.Single(bench.Service.List()).Id, undo);
    }

    private static void Kill(PostgreSqlUpgradeBench bench, UpgradeRequest request, string file, Func<bool>? condition = null)
    {
        using OtherProcess upgrade = OtherProcess.StartCommand(UpgradeProcess.Command(bench.Files, bench.Journals, request, "0"), bench.Bench.Environment);
        upgrade.WaitFor(_ => File.Exists(bench.CodeFile(file)));
        if (condition is not null)
            upgrade.WaitFor(_ => condition());
        upgrade.Kill();
    }

    private static async Task EndAsync(PostgreSqlUpgradeBench bench, string id, bool undo)
    {
        BackupException second = await Assert.ThrowsAnyAsync<BackupException>(() => bench.RunAsync(bench.Request(PostgreSqlUpgradeBench.Good)));
        Assert.Equal(ErrorCodes.UpgradeUnfinished, second.Code);
        if (undo)
        {
            Assert.Equal(UpgradeState.RolledBack, (await bench.UndoAsync(id)).State);
            File.WriteAllText(bench.CodeFile("go"), string.Empty);
            bench.AssertAsBefore();
        }
        else
        {
            File.WriteAllText(bench.CodeFile("go"), string.Empty);
            UpgradeResult result = await bench.ResumeAsync(id);
            Assert.True(UpgradeState.Succeeded == result.State, result.Failure);
            bench.AssertMigrated();
        }
    }
}
