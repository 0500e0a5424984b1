using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

/// <summary>Which of the installed programs dumps which server.</summary>
public sealed class PostgreSqlClientsTests
{
    [Theory]
    [InlineData(15, new[] { 13, 15 }, 15)]
    // The server's own version knows what is not to be dumped.
    [InlineData(15, new[] { 13, 16, 15 }, 15)]
    [InlineData(17, new[] { 16, 17, 18 }, 17)]
    // pg_dump 17 writes what servers before 17 refuse: the newest whose dump the same server takes back is better.
    [InlineData(15, new[] { 14, 16, 17, 18 }, 16)]
    [InlineData(17, new[] { 16, 18, 19 }, 19)]
    // Better a dump that only a newer server takes than none.
    [InlineData(15, new[] { 14, 17 }, 17)]
    public void The_servers_own_version_is_used_or_the_newest_that_is_not_older_and_whose_dump_it_takes_back(int server, int[] installed, int expected) =>
        Assert.Equal(expected, PostgreSqlClients.Choose(Clients(installed), server, $"{server}.1", "pg_dump").Major);

    [Fact]
    public void Only_older_ones_are_an_error_that_names_both_versions_and_what_to_install()
    {
        BackupException failure = Assert.ThrowsAny<BackupException>(() => PostgreSqlClients.Choose(Clients([14, 15]), 17, "17.2", "pg_dump"));
        Assert.Equal(ErrorCodes.ClientTooOld, failure.Code);
        Assert.Contains("17.2", failure.Message, StringComparison.Ordinal);
        Assert.Contains("15.3", failure.Message, StringComparison.Ordinal);
        Assert.Contains("17", failure.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void None_at_all_is_an_error_that_says_where_it_was_looked_for()
    {
        BackupException failure = Assert.ThrowsAny<BackupException>(() => PostgreSqlClients.Choose([], 15, "15.1", "pg_dump"));
        Assert.Equal(ErrorCodes.ToolMissing, failure.Code);
        Assert.Contains("PATH", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(15, 15, 15)]
    [InlineData(16, 13, 13)]
    [InlineData(17, 15, 17)]
    [InlineData(18, 18, 18)]
    public void A_dump_goes_to_servers_from_its_own_version_on_or_from_17_where_its_client_is_that_new(int client, int server, int oldest) =>
        Assert.Equal(oldest, PostgreSqlClients.OldestServer(client, server));

    [Fact]
    public void Windows_has_them_below_program_files_and_on_path()
    {
        string? Variable(string name) => name switch { "PATH" => @"C:\bin;D:\tools", "ProgramW6432" or "ProgramFiles" => @"C:\Program Files", "ProgramFiles(x86)" => @"C:\Program Files (x86)", _ => null };
        IEnumerable<string> Subfolders(string folder) => folder == @"C:\Program Files\PostgreSQL" ? [folder + @"\15", folder + @"\17"] : [];
        Assert.Equal(
            [@"C:\bin", @"D:\tools", @"C:\Program Files\PostgreSQL\15\bin", @"C:\Program Files\PostgreSQL\17\bin"],
            PostgreSqlClients.CandidateFolders(windows: true, mac: false, Variable, Subfolders));
    }

    [Fact]
    public void Linux_and_mac_have_them_in_the_folders_of_their_distributions()
    {
        string? Variable(string name) => name == "PATH" ? "/usr/bin:/bin" : null;
        IEnumerable<string> Subfolders(string folder) => folder switch
        {
            "/usr/lib/postgresql" => ["/usr/lib/postgresql/15"],
            "/usr" => ["/usr/pgsql-16", "/usr/lib"],
            "/usr/lib" => ["/usr/lib/postgresql14", "/usr/lib/postgresql"],
            "/opt/homebrew/opt" => ["/opt/homebrew/opt/postgresql@17", "/opt/homebrew/opt/wget"],
            _ => [],
        };
        List<string> linux = [.. PostgreSqlClients.CandidateFolders(windows: false, mac: false, Variable, Subfolders)];
        Assert.Equal(["/usr/bin", "/bin", "/usr/lib/postgresql/15/bin", "/usr/pgsql-16/bin", "/usr/lib/postgresql14/bin", "/usr/local/pgsql/bin"], linux);
        Assert.Contains("/opt/homebrew/opt/postgresql@17/bin", PostgreSqlClients.CandidateFolders(windows: false, mac: true, Variable, Subfolders));
    }

    [Theory]
    [InlineData("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "15.18")]
    [InlineData("pg_dump (PostgreSQL) 18beta1", "18")]
    [InlineData("pg_dump (PostgreSQL) 9.6.24", "9.6.24")]
    [InlineData("something else", null)]
    public void Versions_are_read_as_the_programs_print_them(string line, string? expected) => Assert.Equal(expected, PostgreSqlClients.ParseVersion(line));

    private static List<PostgreSqlClient> Clients(int[] majors) => [.. majors.Select(major => new PostgreSqlClient($"/pg/{major}", $"{major}.3", major))];
}
