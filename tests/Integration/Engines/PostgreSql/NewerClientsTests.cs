using System.Globalization;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>
/// Which of several real installations of the clients dumps a server, and who takes that dump back. The distribution's own is always
/// there, as on a user's machine; others are added on the path.
/// </summary>
[Trait("Category", "PostgreSql")]
public sealed class NewerClientsTests(ServersOfEachMajor servers) : IClassFixture<ServersOfEachMajor>
{
    [SampledTheory]
    [CompleteRunData(17, new[] { 17 }, 17)]
    [InlineData(17, new[] { 17, 18 }, 17)]
    [InlineData(17, new[] { 18 }, 18)]
    [CompleteRunData(18, new[] { 17, 18 }, 18)]
    public async Task Client_of_the_servers_version_dumps_it_or_a_newer_one_and_the_dump_comes_back_there(int server, int[] clients, int expected)
    {
        using var bench = new PostgreSqlBench(servers.Of(server));
        PostgreSqlSample.Create(bench.Database);
        Backup backup = await bench.BackUpWithAsync(clients);
        Assert.Equal((expected, (int?)server), (ClientOf(backup), backup.Manifest!.Payloads.Single().Database!.OldestServerMajor));
        string found = Run(bench, clients, "pgtest", bench.Files.RepositoryPath, backup.Source, backup.Name, "0");
        Backup tested = (await bench.Files.ListAsync()).Single();
        Assert.True(tested.Status == BackupStatus.Matched, tested.Tests[^1].Failure);
        // The schema was compared, whichever pg_dump wrote it.
        Assert.Contains("objects are as pg_dump wrote them", found, StringComparison.Ordinal);

        string before = bench.Database.Dump();
        bench.Database.Execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
        Run(bench, clients, "pgrestore", bench.Files.RepositoryPath, backup.Source, backup.Name, "0");
        Assert.Equal(before, bench.Database.Dump());
        bench.AssertNothingLeftOnServer();
    }

    [SampledTheory]
    [InlineData("Custom")]
    [CompleteRunData("Directory")]
    [CompleteRunData("Plain")]
    public async Task Client_of_the_servers_own_version_dumps_it_although_newer_ones_are_there(string format)
    {
        PostgreSqlServer server = servers.Installed;
        Assert.SkipUnless(server.Major < PostgreSqlClients.FirstWithTransactionTimeout, "The distribution's server takes what newer clients write.");
        using var bench = new PostgreSqlBench(server);
        bench.CreateNotes();
        int[] clients = [17, 18];
        Backup backup = await bench.BackUpWithAsync(clients, format);
        Assert.Equal((server.Major, (int?)server.Major), (ClientOf(backup), backup.Manifest!.Payloads.Single().Database!.OldestServerMajor));
        // A client that can read the archive, but writes for this server.
        Run(bench, clients, "pgtest", bench.Files.RepositoryPath, backup.Source, backup.Name, "0");
        Assert.Equal(BackupStatus.Matched, (await bench.Files.ListAsync()).Single().Status);
        bench.Database.Execute("UPDATE notes SET body = 'changed'");
        Run(bench, clients, "pgrestore", bench.Files.RepositoryPath, backup.Source, backup.Name, "0");
        Assert.Equal("0", bench.Database.Query("SELECT count(*) FROM notes WHERE body = 'changed'"));
    }

    [SampledTheory]
    [CompleteRunData(17)]
    [InlineData(18)]
    public async Task Newer_client_alone_dumps_an_older_server_and_it_is_told_who_takes_that(int client)
    {
        PostgreSqlServer server = servers.Installed;
        Assert.SkipUnless(server.Major < PostgreSqlClients.FirstWithTransactionTimeout, "The distribution's server takes what newer clients write.");
        using var bench = new PostgreSqlBench(server);
        bench.CreateNotes();
        (int exit, string output) = RunWithoutTheDistributions(bench, client, "pgbackup", bench.Database.Name, bench.Files.RepositoryPath, "Custom", "0");
        Assert.True(exit == 0, output);
        Backup backup = Assert.Single(await bench.Files.ListAsync());
        Assert.Equal((client, (int?)17), (ClientOf(backup), backup.Manifest!.Payloads.Single().Database!.OldestServerMajor));

        (exit, output) = RunWithoutTheDistributions(bench, client, "pgrestore", bench.Files.RepositoryPath, backup.Source, backup.Name, "0");
        Assert.True(exit == 1 && output.Contains(ErrorCodes.ServerTooOld, StringComparison.Ordinal), output);
        // The programs of this machine cannot read the archive at all.
        BackupException failure = await bench.RestoreFailsAsync(bench.Request(backup));
        Assert.Contains(failure.Code, new[] { ErrorCodes.ServerTooOld, ErrorCodes.ClientTooOld });
        bench.AssertNothingLeftOnServer();

        using var newer = new PostgreSqlBench(servers.Of(client));
        Run(newer, [client], "pgtest", bench.Files.RepositoryPath, backup.Source, backup.Name, "0", "elsewhere");
        Assert.Equal(BackupStatus.Matched, (await bench.Files.ListAsync()).Single().Status);
        newer.AssertNothingLeftOnServer();
    }

    [Theory]
    [InlineData(18, 17)]
    [InlineData(17, null)]
    public void Older_clients_alone_are_an_error_that_names_both_versions(int server, int? client)
    {
        using var bench = new PostgreSqlBench(servers.Of(server));
        bench.CreateNotes();
        (int exit, string output) = OtherProcess.Run(
            bench.EnvironmentWith(client is null ? [] : [client.Value]), OtherProcess.Command("pgbackup", bench.Database.Name, bench.Files.RepositoryPath, "Custom", "0"));
        Assert.True(exit == 1 && output.Contains(ErrorCodes.ClientTooOld, StringComparison.Ordinal), output);
        Assert.Matches($@"PostgreSQL {server}\..*the newest pg_dump here is {client ?? servers.Installed.Major}\.", output);
        bench.AssertNothingLeftOnServer();
    }

    private static int ClientOf(Backup backup) => int.Parse(backup.Manifest!.Payloads.Single().Database!.ClientVersion!.Split('.')[0], CultureInfo.InvariantCulture);

    // A process of its own: the path of this one is that of all tests.
    private static string Run(PostgreSqlBench bench, int[] clients, params string[] command)
    {
        (int exit, string output) = OtherProcess.Run(bench.EnvironmentWith(clients), OtherProcess.Command(command));
        Assert.True(exit == 0, output);
        return output;
    }

    // Where the distribution keeps its versions there is nothing, for this process alone.
    private static (int ExitCode, string Output) RunWithoutTheDistributions(PostgreSqlBench bench, int client, params string[] command)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.UserName == "root", "Hiding a folder from a process needs root on Linux.");
        string empty = bench.Files["empty"];
        Directory.CreateDirectory(empty);
        return OtherProcess.Run(
            bench.EnvironmentWith(client),
            ["unshare", "--mount", "sh", "-c", "mount --bind \"$1\" /usr/lib/postgresql && shift && exec \"$@\"", "sh", empty, .. OtherProcess.Command(command)]);
    }
}

/// <summary>Servers of 15 (or what the distribution has), 17 and 18 for one class of tests, each started when it is first asked for.</summary>
public sealed class ServersOfEachMajor : IDisposable
{
    private readonly Dictionary<int, PostgreSqlServer> _servers = [];

    /// <summary>The distribution's.</summary>
    internal PostgreSqlServer Installed => Of(0);

    /// <summary>Another major version's.</summary>
    internal PostgreSqlServer Of(int major)
    {
        if (!_servers.TryGetValue(major, out PostgreSqlServer? server))
            _servers[major] = server = PostgreSqlServer.Start(new PostgreSqlOptions { Programs = major == 0 ? null : PostgreSqlPrograms.OfMajor(major) });
        return server;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PostgreSqlServer server in _servers.Values)
            server.Dispose();
    }
}
