using DbBackup.Engine.Engines.PostgreSql.Connect;
using Npgsql;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

public sealed class ConnectionSettingsTests
{
    private const string Secret = "s3cret";
    private readonly FakeEnvironment _machine = new();

    [Theory]
    [InlineData("Host=db1;Port=6000;Database=shop;Username=app;Password=s3cret", "db1", 6000, "shop", "app", "s3cret")]
    [InlineData("host=db1;port=6000;database=shop;user id=app;pwd=s3cret;Pooling=true;Maximum Pool Size=9;Multiplexing=false", "db1", 6000, "shop", "app", "s3cret")]
    [InlineData("Server=db1:6000;Database='my; shop';UserName=app;Password=\"a;'b\"", "db1", 6000, "my; shop", "app", "a;'b")]
    [InlineData("Host=db1;Password=a b=c", "db1", 5432, null, "me", "a b=c")]
    [InlineData("Host=db1", "db1", 5432, null, "me", null)]
    [InlineData("Host=/run/x;Database=shop", "/run/x", 5432, "shop", "me", null)]
    [InlineData("host=db1 port=6000 dbname=shop user=app password=s3cret", "db1", 6000, "shop", "app", "s3cret")]
    [InlineData("host = db1  dbname = 'my \\'odd\\' \\\\shop' password=a\\ b;c", "db1", 5432, "my 'odd' \\shop", "me", "a b;c")]
    [InlineData("dbname=shop host=''", "/var/run/postgresql", 5432, "shop", "me", null)]
    [InlineData("host=db1 password='x;port=1'", "db1", 5432, null, "me", "x;port=1")]
    [InlineData("postgresql://app:s3cret@db1:6000/shop", "db1", 6000, "shop", "app", "s3cret")]
    [InlineData("postgres://app@db1/shop", "db1", 5432, "shop", "app", null)]
    [InlineData("postgresql+psycopg2://app:s3cret@db1/shop", "db1", 5432, "shop", "app", "s3cret")]
    [InlineData("postgresql+asyncpg://app:s3cret@db1/shop?ssl=require&prepared_statement_cache_size=0", "db1", 5432, "shop", "app", "s3cret")]
    [InlineData("postgresql://", "/var/run/postgresql", 5432, null, "me", null)]
    [InlineData("postgresql:///shop?host=/run/x&port=6000", "/run/x", 6000, "shop", "me", null)]
    [InlineData("postgresql://%2Frun%2Fx/shop", "/run/x", 5432, "shop", "me", null)]
    [InlineData("postgresql://app:@db1:/", "db1", 5432, null, "app", null)]
    [InlineData("postgresql://[2001:db8::1]:6000/shop", "2001:db8::1", 6000, "shop", "me", null)]
    [InlineData("postgresql://a%40b:p%2F%3A%40%25+@db1/%C3%A4%20%3D%27", "db1", 5432, "ä ='", "a@b", "p/:@%+")]
    [InlineData("postgresql://app:p?x=1@db1/shop", "db1", 5432, "shop", "app", "p?x=1")]
    [InlineData("postgresql://db1/shop?user=me@azure&password=s3cret", "db1", 5432, "shop", "me@azure", "s3cret")]
    [InlineData("postgresql://app@db1/shop?schema=public&connection_limit=5&application_name=x", "db1", 5432, "shop", "app", null)]
    public void A_connection_string_is_read_in_each_of_its_grammars(string text, string host, int port, string? database, string user, string? password)
    {
        var settings = _machine.Resolve(text);
        Assert.Equal((host, port, database, user, password), (settings.Host, settings.Port, settings.Database, settings.Username, settings.Password));
    }

    [Theory]
    [InlineData("Host=db1;SSL Mode=VerifyFull;Root Certificate=/ca;SSL Certificate=/crt;SSL Key=/key;Timeout=7;Options=-c a=b;Channel Binding=Require")]
    [InlineData("host=db1 sslmode=verify-full sslrootcert=/ca sslcert=/crt sslkey=/key connect_timeout=7 options='-c a=b' channel_binding=require")]
    [InlineData("postgresql://db1?sslmode=verify-full&sslrootcert=/ca&sslcert=/crt&sslkey=/key&connect_timeout=7&options=-c%20a%3Db&channel_binding=require")]
    public void Safety_and_session_settings_mean_the_same_in_each_grammar(string text)
    {
        var settings = _machine.Resolve(text);
        Assert.Equal(
            ("verify-full", "/ca", "/crt", "/key", 7, "-c a=b", "require"),
            (settings.SslMode, settings.SslRootCert, settings.SslCert, settings.SslKey, settings.ConnectTimeoutSeconds, settings.Options, settings.ChannelBinding));
        var driver = new NpgsqlConnectionStringBuilder(settings.ToNpgsql("shop"));
        Assert.Equal(
            (SslMode.VerifyFull, "/ca", "/crt", "/key", 7, "-c a=b", ChannelBinding.Require),
            (driver.SslMode, driver.RootCertificate, driver.SslCertificate, driver.SslKey, driver.Timeout, driver.Options, driver.ChannelBinding));
    }

    [Theory]
    [InlineData("Host=a,b;Password=s3cret", "several servers")]
    [InlineData("host=a,b password=s3cret", "several servers")]
    [InlineData("postgresql://app:s3cret@a:1,b:2/shop", "several servers")]
    [InlineData("postgresql://app:s3cret@a/shop?host=b,c", "several servers")]
    [InlineData("host=a port=1,2 password=s3cret", "several servers")]
    [InlineData("Host=a;Port=0;Password=s3cret", "1 to 65535")]
    [InlineData("host=a port=65536 password=s3cret", "1 to 65535")]
    [InlineData("postgresql://app:s3cret/x@db1/shop", "cannot be read")]
    [InlineData("postgresql://app:12s3cret@db1:x/shop", "1 to 65535")]
    [InlineData("postgresql://app:1/s3cret@db1/shop", "cannot be read")]
    [InlineData("postgresql://app:a@s3cret@db1/shop", "cannot be read")]
    [InlineData("postgresql://app:a/b?s3cret=c@db1/shop", "cannot be read")]
    [InlineData("postgresql://app:s3cret%@db1/shop", "hexadecimal")]
    [InlineData("postgresql://app:s3cret%00@db1/shop", "hexadecimal")]
    [InlineData("postgresql://app:s3cret%ff@db1/shop", "not UTF-8")]
    [InlineData("postgresql://app:s3cret@2001:db8::1/shop", "host and port")]
    [InlineData("postgresql://app:s3cret@db1/shop?colour=blue", "'colour'")]
    [InlineData("Host=a;Colour=s3cret", "'colour'")]
    [InlineData("host=a colour=s3cret", "'colour'")]
    [InlineData("mysql://app:s3cret@db1/shop", "'mysql'")]
    [InlineData("s3cret", "cannot be read")]
    [InlineData("Host=a;s3cret", "cannot be read")]
    [InlineData("host=a password='s3cret", "names a host")]
    [InlineData("Host=a;SSL Mode=s3cret", "SSL mode")]
    [InlineData("Host=a;Timeout=s3cret", "seconds")]
    [InlineData("Host='a s3cret'", "host")]
    public void What_cannot_be_used_is_refused_without_showing_a_value(string text, string message)
    {
        var failure = _machine.Refuse(text);
        Assert.Contains(message, failure.Message, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Secret, failure.ToString() + failure.Hint + failure.Target, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65536)]
    [InlineData(-1)]
    public void A_port_that_cannot_be_is_refused(int port) =>
        Assert.Contains($"{port}", _machine.Refuse(new PostgreSqlConnectionRequest { Port = port }).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("PGHOST", "a,b")]
    [InlineData("PGHOSTADDR", "10.0.0.1,10.0.0.2")]
    [InlineData("PGPORT", "1,2")]
    public void A_list_of_servers_in_the_environment_is_refused(string variable, string value)
    {
        _machine.Variables[variable] = value;
        Assert.Contains("several servers", _machine.Refuse(new PostgreSqlConnectionRequest()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_said_comes_before_the_string_the_service_the_environment_and_the_password_file()
    {
        _machine.Files["/home/me/.pgpass"] = "*:*:*:*:of-file";
        Assert.Equal("of-file", _machine.Resolve().Password);

        foreach (var (variable, value) in new[] { ("PGHOST", "env"), ("PGPORT", "1"), ("PGDATABASE", "env"), ("PGUSER", "env"), ("PGPASSWORD", "env") })
            _machine.Variables[variable] = value;
        AssertAll("env", 1, _machine.Resolve());

        _machine.Variables["PGSERVICE"] = "shop";
        _machine.Files["/home/me/.pg_service.conf"] = "[other]\nhost=x\n# shop\n[shop]\nhost=service\nport=2\n\ndbname=service\nuser=service\npassword=service\n[last]\nhost=y";
        AssertAll("service", 2, _machine.Resolve());

        const string text = "host=text port=3 dbname=text user=text password=text";
        AssertAll("text", 3, _machine.Resolve(text));
        AssertAll("said", 4, _machine.Resolve(new PostgreSqlConnectionRequest
        {
            Server = ServerAddress.Of(text, "said"), Port = 4, Database = "said", Username = "said", Password = "said",
        }));

        static void AssertAll(string expected, int port, PostgreSqlConnectionSettings settings)
        {
            Assert.Equal((expected, expected, expected, expected), (settings.Host, settings.Database, settings.Username, settings.Password));
            Assert.Equal(port, settings.Port);
        }
    }

    [Fact]
    public void The_environment_gives_the_rest_of_libpqs_variables()
    {
        foreach (var (variable, value) in new[]
        {
            ("PGSSLMODE", "require"), ("PGSSLROOTCERT", "/ca"), ("PGSSLCERT", "/crt"), ("PGSSLKEY", "/key"), ("PGOPTIONS", "-c a=b"),
            ("PGCONNECT_TIMEOUT", "-1"), ("PGAPPNAME", "other"),
        })
            _machine.Variables[variable] = value;
        var settings = _machine.Resolve("host=db1");
        Assert.Equal(("require", "/ca", "/crt", "/key", "-c a=b", 0), (settings.SslMode, settings.SslRootCert, settings.SslCert, settings.SslKey, settings.Options, settings.ConnectTimeoutSeconds));
        Assert.Equal("DbBackup", settings.ToToolEnvironment()["PGAPPNAME"]);
        // libpq checks the certificate where there is a file of authorities, and so must the driver.
        Assert.Equal(SslMode.VerifyCA, new NpgsqlConnectionStringBuilder(settings.ToNpgsql("shop")).SslMode);
    }

    [Theory]
    [InlineData(false, true, "/var/run/postgresql")]
    [InlineData(false, false, "/tmp")]
    [InlineData(true, false, "localhost")]
    public void Without_a_word_the_server_of_this_machine_is_meant(bool isWindows, bool hasSocketFolder, string host)
    {
        var settings = new FakeEnvironment { IsWindows = isWindows, HasSocketFolder = hasSocketFolder }.Resolve();
        Assert.Equal((host, 5432, "me", null, 15), (settings.Host, settings.Port, settings.Username, settings.Database, settings.ConnectTimeoutSeconds));
        Assert.True(settings.IsLocal);
    }

    [Theory]
    [InlineData("/run/x", true)]
    [InlineData(@"C:\sockets", true)]
    [InlineData("LOCALHOST", true)]
    [InlineData("127.0.0.9", true)]
    [InlineData("[::1]", true)]
    [InlineData("db1", false)]
    [InlineData("10.0.0.1", false)]
    public void A_server_behind_a_socket_or_loopback_is_local(string host, bool isLocal) =>
        Assert.Equal(isLocal, _machine.Resolve(new PostgreSqlConnectionRequest { Server = ServerAddress.Of(null, host) }).IsLocal);

    [Fact]
    public void An_address_in_the_environment_does_not_overrule_a_host_that_was_said()
    {
        _machine.Variables["PGHOSTADDR"] = "10.0.0.1";
        Assert.Equal("10.0.0.1", _machine.Resolve().Host);
        Assert.Equal("db1", _machine.Resolve("host=db1").Host);
        Assert.Equal("10.0.0.2", _machine.Resolve("host=db1 hostaddr=10.0.0.2").Host);
        Assert.Equal("db1", _machine.Resolve("host=db1 hostaddr=10.0.0.2 sslmode=verify-full").Host);
    }

    [Fact]
    public void A_demand_that_cannot_be_kept_is_told() =>
        Assert.Contains("'sslcrl'", Assert.Single(_machine.Resolve("host=db1 sslcrl=/crl").Warnings), StringComparison.Ordinal);

    [Fact]
    public void No_text_of_settings_or_request_holds_the_password()
    {
        var request = new PostgreSqlConnectionRequest { Server = ServerAddress.Of("host=db1 password=s3cret"), Password = Secret, Database = "shop" };
        var settings = _machine.Resolve(request);
        Assert.Equal("postgresql://db1:5432/shop as me", settings.ToString());
        Assert.DoesNotContain(Secret, $"{request}{settings}{new { request, settings }}", StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, settings.LocationOf("shop") + PostgreSqlConnectionSettings.ToolDatabase("shop"), StringComparison.Ordinal);
    }
}
