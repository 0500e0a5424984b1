using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Restores.PostgreSql;

/// <summary>What a role may say of itself is restored as it was, and is no statement.</summary>
[Trait("Category", "PostgreSql")]
public sealed class HostileRolesTests
{
    private const string Settings = "SELECT rolname, setconfig FROM pg_roles LEFT JOIN pg_db_role_setting ON setrole = pg_roles.oid WHERE rolname IN ('mallory', 'ann', 'evil') ORDER BY 1";
    private const string Comments = "SELECT rolname, shobj_description(oid, 'pg_authid'), rolsuper, rolcanlogin FROM pg_roles WHERE rolname IN ('mallory', 'ann', 'evil') ORDER BY 1";

    [Fact]
    public async Task A_roles_settings_and_comment_with_line_ends_come_back_and_create_no_superuser()
    {
        using PostgreSqlServer server = PostgreSqlServer.Start();
        using var bench = new PostgreSqlBench(server);
        bench.CreateNotes();
        server.Execute(
            "postgres",
            """
            CREATE ROLE mallory LOGIN;
            SET ROLE mallory;
            ALTER ROLE mallory SET search_path = "x
            CREATE ROLE evil;
            ALTER ROLE evil WITH SUPERUSER LOGIN;
            ", public;
            RESET ROLE;
            ALTER ROLE mallory SET app.motto = E'it''s \\! touch x
            CREATE ROLE evil;
            ';
            CREATE ROLE ann LOGIN;
            COMMENT ON ROLE ann IS E'first line\nCREATE ROLE evil;\n\\! touch x\nlast; line';
            GRANT pg_monitor TO ann WITH ADMIN OPTION;
            """);
        string settings = server.Query("postgres", Settings);
        string comments = server.Query("postgres", Comments);
        Backup backup = await bench.Files.BackUpAsync(
            new BackupRequest { Sources = [new PostgreSqlGlobalsSource(PostgreSqlConnectionSettings.Resolve(bench.Superuser)), bench.Source()], Name = "cluster" });
        server.Execute("postgres", "DROP ROLE mallory; DROP ROLE ann;");

        await bench.RestoreAsync(bench.Request(backup) with { Content = ContentKind.Globals, NewName = null });

        Assert.Equal(settings, server.Query("postgres", Settings));
        Assert.Equal(comments, server.Query("postgres", Comments));
        Assert.Equal("t", server.Query("postgres", "SELECT admin_option FROM pg_auth_members WHERE member = 'ann'::regrole").Trim());
    }
}
