using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Repository;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>Databases of one server of which one cannot be read: the others are backed up, and what is missing is told.</summary>
[Trait("Category", "PostgreSql")]
public sealed class OneBadDatabaseTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Theory]
    [InlineData("DELETE FROM pg_attribute WHERE attrelid = 'notes'::regclass")]
    [InlineData("CREATE TABLE latin (id integer); UPDATE pg_class SET relname = E'\\351t\\351' WHERE relname = 'latin'")]
    [InlineData("UPDATE pg_database SET datallowconn = false WHERE datname = current_database()")]
    public async Task One_bad_database_costs_no_other(string damage)
    {
        using var good = new PostgreSqlBench(own.Server, "good");
        good.CreateNotes();
        bool isAscii = damage.Contains("351", StringComparison.Ordinal);
        string bad = $"bad_{Guid.NewGuid():N}";
        own.Server.Execute("postgres", $"CREATE DATABASE {bad} TEMPLATE template0 {(isAscii ? "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'" : string.Empty)}");
        try
        {
            own.Server.Execute(bad, "CREATE TABLE notes (id integer); INSERT INTO notes VALUES (1)");
            own.Server.Execute(bad, $"SET allow_system_table_mods = on; {(isAscii ? "SET client_encoding = 'SQL_ASCII';" : string.Empty)} {damage}");
            var leftOut = new List<BackupException>();
            BackupRequest request = new()
            {
                Sources = [new PostgreSqlGlobalsSource(PostgreSqlBench.Resolve(good.Superuser)), good.Source(database: bad), good.Source()],
                Fingerprint = FingerprintLevel.Rows,
                LeaveOut = leftOut.Add,
            };
            Backup backup = await good.Files.BackUpAsync(request);

            Assert.Equal([PayloadKind.Globals, PayloadKind.Database], backup.Manifest!.Payloads.Select(payload => payload.Kind));
            Assert.Equal(good.Database.Name, backup.Manifest.Payloads[1].Database!.Name);
            good.AssertSound(Assert.Single(leftOut));
            Assert.Contains(backup.Manifest.Notes, note => note.Contains($"'{bad}' is not in this backup", StringComparison.Ordinal));
            Assert.Equal(BackupStatus.Matched, (await good.TestAsync(backup)).Status);
            // It lacks a database: the last one that has all stays the last good one.
            Assert.Empty(BackupSelection.LatestGood(await good.Files.ListAsync(), null));

            // Where none is left there is no backup, and without -AllDatabases the failure is the backup's own.
            await Assert.ThrowsAnyAsync<BackupException>(() => good.Files.BackUpAsync(request with { Sources = [request.Sources[0], request.Sources[1]] }));
            await Assert.ThrowsAnyAsync<BackupException>(() => good.Files.BackUpAsync(request with { LeaveOut = null }));
            Assert.Single(await good.Files.ListAsync());
            good.AssertNothingLeftOnServer();
        }
        finally
        {
            own.Server.Execute("postgres", $"UPDATE pg_database SET datallowconn = true WHERE datname = '{bad}'; DROP DATABASE {bad} WITH (FORCE)");
        }
    }

    [Fact]
    public async Task A_role_that_may_not_read_large_objects_is_told_what_lets_it()
    {
        using var bench = new PostgreSqlBench(own.Server);
        bench.CreateNotes();
        bench.Database.Execute("SELECT lo_from_bytea(0, 'abc'); SELECT lo_from_bytea(0, 'def')");
        PostgreSqlConnectionRequest role = bench.CreateRole("reader", grants: "GRANT pg_read_all_data TO ROLE");
        BackupException failure = await bench.BackupFailsAsync(connection: role);
        Assert.Equal(ErrorCodes.PermissionDenied, failure.Code);
        Assert.Contains("2 large objects", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("pg_read_all_data", failure.Hint, StringComparison.Ordinal);

        // The hint is right.
        bench.Database.Execute($"SELECT format('GRANT SELECT ON LARGE OBJECT %s TO \"{role.Username}\"', oid) FROM pg_largeobject_metadata \\gexec");
        Assert.Equal(BackupStatus.Matched, (await bench.TestAsync(await bench.Files.BackUpAsync(bench.Source(connection: role)))).Status);
    }
}
