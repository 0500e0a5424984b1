using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Backups;

/// <summary>Which databases and files make one restore point.</summary>
public sealed class BackupPlannerTests
{
    private static readonly string[] s_all = ["app", "audit", "shop", "shop_test"];
    private static readonly PostgreSqlConnectionSettings s_server = new() { Host = "db1", Username = "u", Database = "shop" };
    private static readonly IBackupSource s_uploads = new FolderSource("/srv/uploads");

    [Fact]
    public async Task Sqlite_database_comes_before_the_files_that_its_rows_name()
    {
        using var folder = new TempFolder();
        PlannedBackups plan = await BackupPlanner.PlanAsync(
            new BackupIntent.OfSqlite(folder["app.db"]) { AdditionalPaths = [folder["uploads"], folder["media"]] }, new RecordingObserver(), CancellationToken.None);
        await using (plan)
        {
            PlannedBackup only = Assert.Single(plan.Backups);
            Assert.Equal([folder["app.db"], folder["uploads"], folder["media"]], only.Sources.Select(source => source.Location));
            Assert.Equal($"'{folder["app.db"]}' with '{folder["uploads"]}', '{folder["media"]}'", only.ToString());
            Assert.Null(only.Pause);
            Assert.Null(only.TestServer);
        }
    }

    [Fact]
    public void Files_of_containers_alone_are_one_restore_point_under_the_first_name()
    {
        PlannedBackup planned = BackupPlanner.Arrange(new BackupIntent.OfContainerFiles { AdditionalPaths = ["/srv/config"] }, [s_uploads]);
        Assert.Equal(("/srv/uploads", "/srv/uploads"), (planned.Name, planned.Location));
        Assert.Equal(["/srv/uploads", "/srv/config"], planned.Sources.Select(source => source.Location));
        Assert.Equal(ErrorCodes.InvalidArgument, Assert.Throws<BackupFailure>(() => BackupPlanner.Arrange(new BackupIntent.OfContainerFiles(), [])).Code);
    }

    [Fact]
    public void Each_named_database_is_a_backup_of_its_own_with_the_folders_of_this_machine()
    {
        BackupIntent.OfServer intent = Intent(new DatabaseChoice.Named([NameFilter.Exact("app"), NameFilter.Exact("shop")])) with { AdditionalPaths = ["/srv/uploads"] };
        IReadOnlyList<PlannedBackup> planned = BackupPlanner.Arrange(intent, s_server, ["app", "shop"], []);
        Assert.Equal(["app", "shop"], planned.Select(backup => backup.Name));
        Assert.Equal(["postgresql://db1:5432/app", "postgresql://db1:5432/shop"], planned.Select(backup => backup.Location));
        Assert.All(planned, backup => Assert.Equal([backup.Location, "/srv/uploads"], backup.Sources.Select(source => source.Location)));
        Assert.All(planned, backup => Assert.Same(intent.Connection, backup.TestServer));
    }

    [Fact]
    public void Database_and_files_of_containers_are_one_restore_point()
    {
        PlannedBackup planned = Assert.Single(BackupPlanner.Arrange(Intent(new DatabaseChoice.OfConnection()), s_server, ["shop"], [s_uploads]));
        Assert.Equal(["postgresql://db1:5432/shop", "/srv/uploads"], planned.Sources.Select(source => source.Location));
    }

    [Fact]
    public void Whole_server_is_one_restore_point_with_its_roles_first()
    {
        PlannedBackup planned = Assert.Single(BackupPlanner.Arrange(Intent(new DatabaseChoice.WholeServer([])), s_server, ["app", "shop"], [s_uploads]));
        Assert.Equal("postgresql://db1:5432", planned.Location);
        Assert.IsType<PostgreSqlGlobalsSource>(planned.Sources[0]);
        Assert.Equal(["postgresql://db1:5432/app", "postgresql://db1:5432/shop", "/srv/uploads"], planned.Sources.Skip(1).Select(source => source.Location));
    }

    [Fact]
    public void Several_databases_do_not_share_files_of_containers_nor_one_name()
    {
        BackupIntent.OfServer intent = Intent(new DatabaseChoice.Named([NameFilter.Exact("app"), NameFilter.Exact("shop")]));
        BackupFailure files = Assert.Throws<BackupFailure>(() => BackupPlanner.Arrange(intent, s_server, ["app", "shop"], [s_uploads]));
        Assert.Contains("-AllDatabases", files.Hint, StringComparison.Ordinal);
        BackupFailure name = Assert.Throws<BackupFailure>(() => BackupPlanner.Arrange(intent with { SourceName = "one" }, s_server, ["app", "shop"], []));
        Assert.Contains("'one'", name.Message, StringComparison.Ordinal);
        // One database may have both.
        Assert.Single(BackupPlanner.Arrange(intent with { SourceName = "one" }, s_server, ["app"], [s_uploads]));
    }

    [Fact]
    public void Databases_are_those_of_the_connection_the_names_or_the_wildcards()
    {
        Assert.Equal(["shop"], Choose(new DatabaseChoice.OfConnection()));
        Assert.Equal(["shop", "shop_test", "app"], Choose(new DatabaseChoice.Named([Starting("shop"), NameFilter.Exact("app"), NameFilter.Exact("shop")])));
        Assert.Equal(s_all, Choose(new DatabaseChoice.WholeServer([])));
        Assert.Equal(["audit", "app"], new DatabaseChoice.WholeServer([Starting("a")]).Choose(["audit", "shop", "app"], null, "server"));
        // A name without wildcards is not looked up: the dump says what is wrong with it.
        Assert.False(new DatabaseChoice.Named([NameFilter.Exact("gone")]).NeedsList);
        Assert.Equal(["gone"], new DatabaseChoice.Named([NameFilter.Exact("gone")]).Choose([], null, "server"));
        // A database may be called as a wildcard reads.
        Assert.Equal(["a*"], new DatabaseChoice.Named([Starting("a")]).Choose(["a*", "ab"], null, "server"));
    }

    [Fact]
    public void Missing_databases_are_errors()
    {
        Assert.Equal(ErrorCodes.InvalidArgument, Assert.Throws<BackupFailure>(() => new DatabaseChoice.OfConnection().Choose(s_all, null, "server")).Code);
        BackupFailure none = Assert.Throws<BackupFailure>(() => Choose(new DatabaseChoice.Named([NameFilter.Exact("app"), Starting("x")])));
        Assert.Equal((ErrorCodes.SourceNotFound, "x*"), (none.Code, none.Target));
    }

    [Fact]
    public void What_is_shown_names_what_is_paused_and_ends()
    {
        PlannedBackup planned = BackupPlanner.Arrange(Intent(new DatabaseChoice.WholeServer([])), s_server, [.. Enumerable.Range(0, 30).Select(number => $"db{number}")], [])[0];
        Assert.EndsWith("'postgresql://db1:5432/db9' and 20 more", planned.ToString(), StringComparison.Ordinal);
        Assert.Equal("'/srv/uploads', pausing 'web', 'worker',", new PlannedBackup("x", "/srv/uploads", [s_uploads]) { Paused = ["web", "worker"] }.ToString());
    }

    private static IReadOnlyList<string> Choose(DatabaseChoice choice) => choice.Choose(s_all, "shop", "server");

    private static NameFilter Starting(string start) => new(start + "*", false, name => name.StartsWith(start, StringComparison.Ordinal));

    private static BackupIntent.OfServer Intent(DatabaseChoice databases) => new(new PostgreSqlConnectionRequest { Server = ServerAddress.Of(null, "db1") }, databases, new PostgreSqlDumpOptions());
}
