using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

/// <summary>Where a server in a container listens, by its own <c>postmaster.pid</c>.</summary>
public sealed class ListeningAddressTests
{
    [Theory]
    [InlineData("5432", "/var/run/postgresql", "*", "127.0.0.1", 5432)]
    [InlineData("6000", "/var/run/postgresql", "localhost", "127.0.0.1", 6000)]
    [InlineData("5433", "/tmp", "", "/tmp/.s.PGSQL.5433", 5433)]
    [InlineData("5432", "", "10.1.2.3", "10.1.2.3", 5432)]
    [InlineData("5432", "/tmp", "::", "::1", 5432)]
    public void Server_tells_where_it_listens(string port, string socket, string address, string expected, int number)
    {
        ListeningAddress found = ListeningAddress.Parse($"1\n/var/lib/postgresql/data\n1760000000\n{port}\n{socket}\n{address}\n  1234567         0\nready   \n")!;
        Assert.Equal((expected, number), (found.Address, found.Port));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1\n/data\n1760000000\n")]
    [InlineData("1\n/data\n1760000000\nx\n/tmp\n*\n")]
    [InlineData("1\n/data\n1760000000\n99999\n/tmp\n*\n")]
    [InlineData("1\n/data\n1760000000\n5432\n\n\n")]
    public void Half_a_file_tells_nothing(string text) => Assert.Null(ListeningAddress.Parse(text));
}
