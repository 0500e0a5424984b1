using DbBackup.Engine.Engines.PostgreSql.Connect;
using Npgsql;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

/// <summary>What settings are turned into: the driver's string, the tools' environment, a location.</summary>
public sealed class ConnectionFormsTests
{
    private readonly FakeEnvironment _machine = new();

    public static TheoryData<string> HostileNames => new()
    {
        "plain", "with space", "we\"ird = 'na\\me", "a=b", "100%", "%41", "postgresql://x/y", "ümläut 名前 😀", "semi;colon", "back\\slash\\", "'", "a/b?c#d&e@f", "\n\t", "+",
    };

    [Theory]
    [MemberData(nameof(HostileNames))]
    public void Hostile_names_survive_the_way_to_a_location_and_back(string name)
    {
        foreach (string host in (string[])["db1", "2001:db8::1", "/run/my sockets/100%?x&y"])
        {
            var settings = _machine.Resolve(new PostgreSqlConnectionRequest { Server = ServerAddress.Of(null, host), Port = 6000 });
            var request = PostgreSqlConnectionSettings.FromLocation(settings.LocationOf(name));
            Assert.Equal((ServerAddress.Of(null, host), 6000, name, null), (request.Server, request.Port, request.Database, request.Username));
            Assert.Equal(settings.LocationOf(name), _machine.Resolve(request).LocationOf(name));
        }
    }

    [Theory]
    [MemberData(nameof(HostileNames))]
    public void Hostile_names_survive_the_way_to_the_driver_and_the_tools(string name)
    {
        var settings = _machine.Resolve(new PostgreSqlConnectionRequest { Server = ServerAddress.Of(null, "db1"), Username = name, Password = name });
        var driver = new NpgsqlConnectionStringBuilder(settings.ToNpgsql(name));
        Assert.Equal((name, name, name), (driver.Database, driver.Username, driver.Password));
        var tools = settings.ToToolEnvironment();
        Assert.Equal((name, name), (tools["PGUSER"], tools["PGPASSWORD"]));
        // libpq's grammar is read back by the reader of connection strings.
        Assert.Equal(name, _machine.Resolve(PostgreSqlConnectionSettings.ToolDatabase(name)).Database);
        Assert.Equal(name, _machine.Resolve(settings.ToNpgsql(name)).Database);
    }

    [Theory]
    [InlineData("db1", "postgresql://db1:5432/a%20b", "postgresql://db1:5432")]
    [InlineData("::1", "postgresql://[::1]:5432/a%20b", "postgresql://[::1]:5432")]
    [InlineData("/var/run/postgresql", "postgresql:///a%20b?host=/var/run/postgresql&port=5432", "postgresql:///?host=/var/run/postgresql&port=5432")]
    public void A_location_is_a_uri_without_user_and_password(string host, string ofDatabase, string ofServer)
    {
        var settings = _machine.Resolve(new PostgreSqlConnectionRequest { Server = ServerAddress.Of(null, host), Username = "u", Password = "s3cret" });
        Assert.Equal((ofDatabase, ofServer), (settings.LocationOf("a b"), settings.LocationOf(null)));
        Assert.Equal(new ServerAddress.AtHost(host), PostgreSqlConnectionSettings.FromLocation(ofServer).Server);
        Assert.Null(PostgreSqlConnectionSettings.FromLocation(ofServer).Database);
    }

    [Fact]
    public void A_location_of_something_else_is_refused() =>
        Assert.Equal(ErrorCodes.InvalidArgument, Assert.Throws<BackupFailure>(() => PostgreSqlConnectionSettings.FromLocation("/srv/shop.db")).Code);

    [Fact]
    public void The_driver_gets_one_connection_with_all_that_was_resolved()
    {
        var driver = new NpgsqlConnectionStringBuilder(_machine.Resolve("host=db1 port=6000 user=app password=x options='-c a=b'").ToNpgsql("shop"));
        Assert.Equal(("db1", 6000, "app", "x", "-c a=b", "DbBackup"), (driver.Host, driver.Port, driver.Username, driver.Password, driver.Options, driver.ApplicationName));
        Assert.Equal((false, 15, 0, 30, false, false), (driver.Pooling, driver.Timeout, driver.CommandTimeout, driver.KeepAlive, driver.IncludeErrorDetail, driver.PersistSecurityInfo));
        Assert.Equal((SslMode.Prefer, "UTF8"), (driver.SslMode, driver.ClientEncoding));
    }

    [Theory]
    [InlineData("disable", SslMode.Disable)]
    [InlineData("allow", SslMode.Allow)]
    [InlineData("prefer", SslMode.Prefer)]
    [InlineData("require", SslMode.Require)]
    [InlineData("verify-ca", SslMode.VerifyCA)]
    [InlineData("verify-full", SslMode.VerifyFull)]
    public void The_drivers_ssl_mode_is_libpqs(string word, SslMode mode)
    {
        Assert.Equal(mode, new NpgsqlConnectionStringBuilder(_machine.Resolve($"host=db1 sslmode={word}").ToNpgsql("shop")).SslMode);
        // Behind a socket libpq does without.
        Assert.Equal(SslMode.Disable, new NpgsqlConnectionStringBuilder(_machine.Resolve($"host=/run/x sslmode={word}").ToNpgsql("shop")).SslMode);
        Assert.Equal(word, _machine.Resolve($"host=db1 sslmode={word}").ToToolEnvironment()["PGSSLMODE"]);
    }

    [Fact]
    public void The_tools_see_nothing_of_the_environment_that_the_settings_do_not_say()
    {
        var tools = _machine.Resolve("host=db1 user=app").ToToolEnvironment();
        Assert.Equal(("db1", "5432", "app", "prefer", "15"), (tools["PGHOST"], tools["PGPORT"], tools["PGUSER"], tools["PGSSLMODE"], tools["PGCONNECT_TIMEOUT"]));
        foreach (string removed in (string[])["PGHOSTADDR", "PGDATABASE", "PGSERVICE", "PGSERVICEFILE", "PGPASSWORD", "PGOPTIONS", "PGSSLCERT", "PGSSLKEY", "PGSSLROOTCERT"])
            Assert.True(tools.TryGetValue(removed, out string? value) && value is null, removed);
        Assert.False(tools.ContainsKey("PGCLIENTENCODING"));
        // What the password file did not say, the tools must not find in another one.
        Assert.False(File.Exists(tools["PGPASSFILE"]));
        Assert.NotNull(tools["PGPASSFILE"]);
    }

    [Fact]
    public void The_users_file_of_authorities_checks_the_server_for_driver_and_tools_alike()
    {
        _machine.Files["/home/me/.postgresql/root.crt"] = "---";
        PostgreSqlConnectionSettings settings = _machine.Resolve("host=db1 sslmode=require");
        Assert.Equal((SslMode.VerifyCA, "/home/me/.postgresql/root.crt"), (new NpgsqlConnectionStringBuilder(settings.ToNpgsql("shop")).SslMode, settings.ToToolEnvironment()["PGSSLROOTCERT"]));
        Assert.Null(_machine.Resolve("host=db1").SslRootCert);
        var windows = new FakeEnvironment { IsWindows = true };
        windows.Variables["APPDATA"] = @"C:\me";
        windows.Files[@"C:\me\postgresql\root.crt"] = "---";
        Assert.Equal(@"C:\me\postgresql\root.crt", windows.Resolve("host=db1 sslmode=verify-full").SslRootCert);
    }

    [Fact]
    public void The_systems_authorities_are_only_trusted_together_with_the_name()
    {
        PostgreSqlConnectionSettings settings = _machine.Resolve("host=db1 sslrootcert=system");
        Assert.Equal("verify-full", settings.ToToolEnvironment()["PGSSLMODE"]);
        Assert.Equal(SslMode.VerifyFull, new NpgsqlConnectionStringBuilder(settings.ToNpgsql("shop")).SslMode);
        Assert.Contains("verify-full", _machine.Refuse("host=db1 sslrootcert=system sslmode=require").Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, null, null)]
    [InlineData(null, "-c x=1", "-c x=1")]
    [InlineData("-c a=b", null, "-c a=b")]
    [InlineData("-c a=b", "-c x=1", "-c a=b -c x=1")]
    public void Extra_options_come_after_the_users(string? own, string? extra, string? expected) =>
        Assert.Equal(expected, _machine.Resolve($"host=db1 options='{own}'").ToToolEnvironment(extra)["PGOPTIONS"]);

    [Theory]
    [MemberData(nameof(HostileNames))]
    public void What_may_be_written_down_is_read_back_without_the_password(string name)
    {
        foreach (string host in (string[])["db1", "2001:db8::1", "/run/my sockets/100%?x&y'\\"])
        {
            PostgreSqlConnectionSettings settings = _machine.Resolve(new PostgreSqlConnectionRequest { Server = ServerAddress.Of(null, host), Port = 6000, Username = name, Database = name, Password = "s3cret" });
            string written = settings.ToKeywords();
            Assert.DoesNotContain("s3cret", written, StringComparison.Ordinal);
            PostgreSqlConnectionSettings read = _machine.Resolve(written);
            Assert.Equal((host, 6000, name, name, null), (read.Host, read.Port, read.Username, read.Database, read.Password));
            Assert.Equal(written, read.ToKeywords());
        }
    }

    [Theory]
    [InlineData("host=db1 user=app password=s3cret sslmode=verify-ca sslrootcert='/my certs/ca.crt' sslcert=/c/me.crt sslkey=/c/me.key channel_binding=require options='-c a=\\'b c\\'' connect_timeout=0")]
    [InlineData("host=db1 user=app sslrootcert=system")]
    [InlineData("Host=db1;Username=app;Password=s3cret;SSL Mode=Require;Timeout=33")]
    [InlineData("postgresql://app:s3cret@db1:6000/shop?sslmode=disable")]
    public void Encryption_and_options_are_written_down_too(string said)
    {
        PostgreSqlConnectionSettings settings = _machine.Resolve(said);
        string written = settings.ToKeywords();
        Assert.DoesNotContain("s3cret", written, StringComparison.Ordinal);
        PostgreSqlConnectionSettings read = new FakeEnvironment().Resolve(written);
        Assert.Equal((settings.SslMode, settings.SslRootCert, settings.SslCert, settings.SslKey), (read.SslMode, read.SslRootCert, read.SslCert, read.SslKey));
        Assert.Equal((settings.ChannelBinding, settings.Options, settings.ConnectTimeoutSeconds, settings.LocationOf(settings.Database)), (read.ChannelBinding, read.Options, read.ConnectTimeoutSeconds, read.LocationOf(read.Database)));
    }

    [Theory]
    [InlineData("shop", "dbname='shop'")]
    [InlineData(@"we""ird = 'na\me", @"dbname='we""ird = \'na\\me'")]
    public void A_database_is_named_to_the_tools_by_libpqs_rules(string database, string expected) =>
        Assert.Equal(expected, PostgreSqlConnectionSettings.ToolDatabase(database));
}
