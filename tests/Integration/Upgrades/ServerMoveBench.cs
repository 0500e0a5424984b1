using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Testing;
using DbBackup.Upgrades;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Upgrades;

/// <summary>A server that has much of what a server can have, and a new one, each with an address and a password of its own.</summary>
internal sealed class ServerMoveBench : IDisposable
{
    // Those of the distribution serve for it.
    private const int Distribution = 15;

    private readonly string[] _newBefore;

    public ServerMoveBench(int from, int to)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The checks of these tests are written for sh.");
        Old = Start(from);
        New = Start(to);
        Files = new Workbench();
        Journals = Files["journals"];
        Service = new UpgradeService(Journals);
        File.WriteAllText(PasswordFile, string.Join('\n', new[] { Old, New }.Select(server => string.Create(
            CultureInfo.InvariantCulture, $"{server.Host}:{server.Port}:*:{server.User}:{server.Password.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal)}"))) + "\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(PasswordFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Old.Execute("postgres", "CREATE ROLE shop LOGIN PASSWORD 'sell'; CREATE DATABASE shop OWNER shop");
        Old.Execute("shop", RichServer.Sql);
        Old.Execute("postgres", "CREATE DATABASE second OWNER reader; CREATE TABLE jobs (id int PRIMARY KEY); INSERT INTO jobs VALUES (1), (2); GRANT SET ON PARAMETER log_duration TO team; ALTER DATABASE second SET work_mem = '6MB'");
        Old.Execute("second", "CREATE TABLE books (id int PRIMARY KEY, title text); INSERT INTO books SELECT i, 'book ' || i FROM generate_series(1, 300) i; ALTER TABLE books OWNER TO reader");
        foreach (PostgreSqlServer server in (PostgreSqlServer[])[Old, New])
        {
            // Each in a folder of its own: both servers are on one machine.
            string folder = Directory.CreateDirectory(Path.Join(Path.GetDirectoryName(server.DataFolder)!, "fast")).FullName;
            UnprivilegedUser.Find().Own(folder);
            server.Execute("postgres", $"CREATE TABLESPACE fast LOCATION '{folder}'");
        }

        Old.Execute("postgres", "GRANT CREATE ON TABLESPACE fast TO reader");
        New.Execute("postgres", "COMMENT ON TABLESPACE fast IS 'its own'");
        Old.Execute("shop", "ALTER TABLE visits_2025 SET TABLESPACE fast");
        Facts = FactsOf(Old);
        _newBefore = ContentsOf(New);
    }

    public PostgreSqlServer Old { get; }

    public PostgreSqlServer New { get; }

    public Workbench Files { get; }

    public string Journals { get; }

    public UpgradeService Service { get; }

    /// <summary>What the old server had at the start, and the new one must have at the end.</summary>
    public string Facts { get; }

    /// <summary>Where the passwords of both are, for a process whose request has none.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["PGPASSFILE"] = PasswordFile,
        ["PATH"] = string.Join(Path.PathSeparator, Old.BinFolder, New.BinFolder, System.Environment.GetEnvironmentVariable("PATH")),
    };

    /// <summary>What the other process said.</summary>
    public string Said { get; private set; } = string.Empty;

    private string PasswordFile => Files["passwords"];

    public static string FactsOf(PostgreSqlServer server) => string.Join('\n',
        server.Query("shop", "SELECT count(*), md5(string_agg(p::text, ',' ORDER BY id)) FROM people p"),
        server.Query("shop", "SELECT count(*), md5(string_agg(v::text, ',' ORDER BY at)) FROM visits v"),
        server.Query("shop", "SELECT string_agg(mood || ' ' || count, ',' ORDER BY mood) FROM moods"),
        server.Query("shop", "SELECT convert_from(lo_get(4711), 'UTF8'), (SELECT last_value FROM people_id_seq), (SELECT string_agg(extname, ',' ORDER BY extname) FROM pg_extension)"),
        server.Query("shop", "SELECT string_agg(relname || ' ' || spcname, ',' ORDER BY relname) FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE relnamespace = 'public'::regnamespace"),
        server.Query("second", "SELECT count(*), md5(string_agg(b::text, ',' ORDER BY id)) FROM books b"),
        server.Query("postgres", "SELECT count(*) FROM jobs"),
        server.Query("postgres", "SELECT string_agg(rolname || ':' || coalesce(rolpassword, '') || rolsuper || rolcanlogin, ',' ORDER BY rolname) FROM pg_authid WHERE rolname !~ '^pg_' AND rolname <> 'postgres'"),
        server.Query("postgres", "SELECT string_agg(coalesce(datname, '') || (CASE WHEN setrole = 0 THEN '' ELSE setrole::regrole::text END) || setconfig::text, ',' ORDER BY datname, setrole::regrole::text) FROM pg_db_role_setting LEFT JOIN pg_database d ON d.oid = setdatabase"),
        server.Query("postgres", "SELECT string_agg(datname || ' ' || pg_get_userbyid(datdba), ',' ORDER BY datname) FROM pg_database"),
        server.Query("postgres", "SELECT string_agg(parname || paracl::text, ',') FROM pg_parameter_acl"));

    public UpgradeRequest Request(params string[] checks) => new()
    {
        Subject = new UpgradeSubject.ServerMove(Of(Old) with { Database = "shop" }, Of(New) with { Database = "postgres" }),
        Checks = checks,
        MigrationPath = Directory.CreateDirectory(Files["code"]).FullName,
        Timeout = TimeSpan.FromMinutes(1),
    };

    public Task<UpgradeResult> RunAsync(UpgradeRequest request, IOperationObserver? observer = null) => Service.RunAsync(request, Files.Repository, observer ?? Files.Observer, CancellationToken.None);

    /// <summary>Runs it in another process, which has the programs of both versions and is killed where a step begins.</summary>
    public UpgradeResult Cut(string step)
    {
        (int exit, string output) = OtherProcess.Run(Environment, UpgradeProcess.Command(Files, Journals, Request(), step));
        Assert.True(exit == 137, output);
        UpgradeResult cut = Service.List()[0];
        Assert.Equal(UpgradeState.Interrupted, cut.State);
        return cut;
    }

    /// <summary>Resumes an upgrade (or undoes it) in another process, which finds the passwords in their file.</summary>
    public UpgradeResult Continue(string command, string id)
    {
        (int exit, string output) = OtherProcess.Run(Environment, OtherProcess.Command(command, Journals, id));
        Assert.True(exit == 0, output);
        Said = output;
        return Service.List().Single(upgrade => upgrade.Id == id);
    }

    /// <summary>Fails where the new server does not have all that the old one had, or the old one accepts writes.</summary>
    public void AssertMoved(UpgradeResult result)
    {
        Assert.True(result.State == UpgradeState.Succeeded, $"{result.State}: {result.Failure}\n{string.Join('\n', result.Steps)}\n{string.Join('\n', Files.Observer.Warnings)}");
        Assert.Equal(Facts, FactsOf(New));
        Assert.Equal(Facts, FactsOf(Old));
        Assert.Equal("on", Old.Query("shop", "SHOW default_transaction_read_only"));
        Assert.Equal("off", New.Query("shop", "SHOW default_transaction_read_only"));
        // The settings of roles hold, and their passwords do.
        Assert.Equal("read", New.Query("shop", "SET ROLE reader; SELECT 'read' FROM people LIMIT 1"));
    }

    /// <summary>Fails where the old server does not accept writes, or the new one has something that it had not.</summary>
    public void AssertAsBefore(bool isNewEmpty = true)
    {
        Assert.Equal("off", Old.Query("shop", "SHOW default_transaction_read_only"));
        Assert.Equal(string.Empty, Old.Query("shop", "SELECT setting FROM pg_file_settings WHERE name = 'default_transaction_read_only'"));
        Assert.Equal(Facts, FactsOf(Old));
        if (isNewEmpty)
            Assert.Equal(_newBefore, ContentsOf(New));
    }

    public void Dispose()
    {
        Files.Dispose();
        New.Dispose();
        Old.Dispose();
    }

    private static PostgreSqlServer Start(int major) => PostgreSqlServer.Start(new PostgreSqlOptions { Programs = major == Distribution ? null : PostgreSqlPrograms.OfMajor(major), Settings = new Dictionary<string, string> { ["max_prepared_transactions"] = "2" } });

    private static PostgreSqlConnectionRequest Of(PostgreSqlServer server) => new() { Server = ServerAddress.Of(null, server.Host), Port = server.Port, Username = server.User, Password = server.Password };

    private static string[] ContentsOf(PostgreSqlServer server) =>
    [
        server.Query("postgres", "SELECT string_agg(datname || ' ' || pg_get_userbyid(datdba), ',' ORDER BY datname) FROM pg_database"),
        server.Query("postgres", "SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles"),
        server.Query("postgres", "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"),
        server.Query("postgres", "SELECT count(*) FROM pg_parameter_acl"),
        server.Query("postgres", "SELECT string_agg(spcname || coalesce(shobj_description(oid, 'pg_tablespace'), ''), ',' ORDER BY spcname) FROM pg_tablespace"),
    ];
}
