using System.Diagnostics;
using System.Globalization;

using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Fixtures;

/// <summary>The server of the tests is itself what it says.</summary>
[Trait("Category", "PostgreSql")]
[Trait("Category", "Kill")]
public sealed class PostgreSqlServerTests(ITestOutputHelper output)
{
    [Fact]
    public void Shared_server_runs_scripts_and_drops_odd_databases()
    {
        PostgreSqlServer server = PostgreSqlServer.Shared;
        string name;
        using (TestDatabase database = server.CreateDatabase("Odd \"name\" = 'x'"))
        {
            name = database.Name;
            database.Execute("CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'ä'), (2, NULL)");
            Assert.Equal("1|ä\n2|", database.Query("SELECT * FROM t ORDER BY a"));
            Assert.Equal(database.Dump(), database.Dump());
            Assert.Contains("CREATE TABLE public.t", database.Dump("--schema-only"), StringComparison.Ordinal);
            Assert.Contains("does not exist", Assert.ThrowsAny<Exception>(() => database.Execute("SELECT * FROM missing")).Message, StringComparison.Ordinal);
        }

        Assert.Equal("0", server.Query("postgres", $"SELECT count(*) FROM pg_database WHERE datname = {PostgreSqlServer.SqlText(name)}"));
    }

    [Fact]
    public void Server_of_its_own_survives_stops_and_kills()
    {
        using PostgreSqlServer server = PostgreSqlServer.Start(new PostgreSqlOptions { Settings = new Dictionary<string, string> { ["work_mem"] = "5MB" } });
        Assert.Equal("5MB", server.Query("postgres", "SHOW work_mem"));
        using TestDatabase database = server.CreateDatabase();
        database.Execute("CREATE TABLE t AS SELECT 1 AS a");
        foreach (Action end in new Action[] { () => server.Stop(PostgreSqlStop.Smart), () => server.Stop(), () => server.Stop(PostgreSqlStop.Immediate), server.Kill })
        {
            end();
            Assert.False(server.IsRunning);
            Assert.ThrowsAny<Exception>(() => database.Query("SELECT 1"));
            server.StartAgain();
            Assert.Equal("1", database.Query("SELECT a FROM t"));
        }

        server.Dispose();
        Assert.False(Directory.Exists(server.SocketFolder));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Server_dies_with_its_parent(bool killed)
    {
        _ = PostgreSqlPrograms.Installed();
        using OtherProcess parent = OtherProcess.Start("serve", typeof(PostgreSqlServer).Assembly.Location);
        parent.WaitFor(lines => lines.Any(line => line.StartsWith("ready ", StringComparison.Ordinal)));
        string folder = parent.Lines.Single(line => line.StartsWith("ready ", StringComparison.Ordinal))["ready ".Length..];
        int server = int.Parse(File.ReadLines(Path.Join(folder, "data", "postmaster.pid")).First(), CultureInfo.InvariantCulture);
        Assert.True(IsAlive(server));

        if (killed)
            parent.Kill();
        else
            parent.Process.StandardInput.Close();

        Assert.True(SpinWait.SpinUntil(() => !IsAlive(server) && !Directory.Exists(folder), TimeSpan.FromSeconds(20)), "The server outlives its parent.");
    }

    [Theory]
    [InlineData(17)]
    [InlineData(18)]
    public void Other_majors_start(int major)
    {
        using TestDatabase database = PostgreSqlServer.OtherMajor(major).CreateDatabase();
        output.WriteLine(database.Query("SELECT version()"));
        Assert.StartsWith($"{major}.", database.Query("SHOW server_version"), StringComparison.Ordinal);
    }

    private static bool IsAlive(int process)
    {
        try
        {
            using var found = Process.GetProcessById(process);
            return !found.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
