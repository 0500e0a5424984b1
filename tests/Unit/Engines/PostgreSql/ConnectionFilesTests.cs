using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

/// <summary>The password file and the service file, as libpq reads them.</summary>
public sealed class ConnectionFilesTests
{
    private readonly FakeEnvironment _machine = new();

    [Theory]
    [InlineData("db1:5432:shop:app:yes", "yes")]
    [InlineData("*:*:*:*:yes", "yes")]
    [InlineData("*:*:*:*:a\\:b\\\\c:comment", "a:b\\c")]
    [InlineData("#db1:5432:shop:app:no\ndb1:5432:shop:app:yes\ndb1:5432:shop:app:no", "yes")]
    [InlineData("db1:5432:shop:app:yes\r", "yes")]
    [InlineData("db:5432:shop:app:no", null)]
    [InlineData("db11:5432:shop:app:no", null)]
    [InlineData("db1:5433:shop:app:no", null)]
    [InlineData("db1:5432:other:app:no", null)]
    [InlineData("db1:5432:shop:other:no", null)]
    [InlineData("db1:5432:shop:app", null)]
    [InlineData("db1:5432:shop:app:", null)]
    [InlineData("", null)]
    public void The_first_line_of_the_password_file_that_fits_counts(string file, string? password)
    {
        _machine.Files["/home/me/.pgpass"] = file;
        Assert.Equal(password, _machine.Resolve("host=db1 dbname=shop user=app").Password);
    }

    [Theory]
    [InlineData("a:b", @"*:*:a\:b:*:yes")]
    [InlineData(@"a\b", @"*:*:a\\b:*:yes")]
    [InlineData("*", @"*:*:\*:*:yes")]
    public void Fields_of_the_password_file_are_unescaped(string database, string file)
    {
        _machine.Files["/home/me/.pgpass"] = file;
        Assert.Equal("yes", _machine.Resolve(new PostgreSqlConnectionRequest { Database = database }).Password);
    }

    [Theory]
    [InlineData("/var/run/postgresql", "yes")]
    [InlineData("/tmp", "yes")]
    [InlineData("/run/other", null)]
    public void Localhost_in_the_password_file_means_the_default_sockets(string host, string? password)
    {
        _machine.Files["/home/me/.pgpass"] = "localhost:*:*:*:yes";
        Assert.Equal(password, _machine.Resolve(new PostgreSqlConnectionRequest { Server = ServerAddress.Of(null, host) }).Password);
    }

    [Fact]
    public void A_password_file_that_others_may_read_is_ignored_and_told()
    {
        _machine.Files["/home/me/.pgpass"] = "*:*:*:*:no";
        _machine.FilesOthersMayAccess.Add("/home/me/.pgpass");
        var settings = _machine.Resolve();
        Assert.Null(settings.Password);
        Assert.Equal("The password file '/home/me/.pgpass' is ignored, because others may read it (chmod 600).", Assert.Single(settings.Warnings));
        // A password from elsewhere makes the file's fault nobody's business.
        Assert.Empty(_machine.Resolve("host=db1 password=x").Warnings);
    }

    [Fact]
    public void The_rights_of_a_real_password_file_are_looked_at()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such rights.");
        if (OperatingSystem.IsWindows())
            return;
        using var temp = new TempFolder();
        File.WriteAllText(temp["pass"], "*:*:*:*:yes\n");
        File.SetUnixFileMode(temp["pass"], UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var environment = new PostgreSqlEnvironment { Variable = name => name == "PGPASSFILE" ? temp["pass"] : null };
        Assert.Equal("yes", PostgreSqlConnectionSettings.Resolve(new PostgreSqlConnectionRequest(), environment).Password);
        File.SetUnixFileMode(temp["pass"], UnixFileMode.UserRead | UnixFileMode.GroupRead);
        var settings = PostgreSqlConnectionSettings.Resolve(new PostgreSqlConnectionRequest(), environment);
        Assert.Null(settings.Password);
        Assert.Single(settings.Warnings);
    }

    [Fact]
    public void Each_database_has_its_own_line_in_the_password_file()
    {
        _machine.Files["/home/me/.pgpass"] = "*:*:shop:*:of-shop\n*:*:app:*:of-app\n*:*:*:*:rest";
        var settings = _machine.Resolve("host=db1 user=app");
        Assert.Equal(("of-app", "of-shop", "rest"), (settings.Password, settings.ForDatabase("shop").Password, settings.ForDatabase("shop").ForDatabase("x").Password));
        Assert.Contains("of-shop", settings.ToNpgsql("shop"), StringComparison.Ordinal);
        Assert.Equal("said", _machine.Resolve("host=db1 password=said").ForDatabase("shop").Password);
        Assert.Equal("asked", (settings with { Password = "asked" }).ForDatabase("shop").Password);
    }

    [Fact]
    public void The_password_file_can_be_named()
    {
        _machine.Files["/a"] = "*:*:*:*:a";
        _machine.Files["/b"] = "*:*:*:*:b";
        _machine.Variables["PGPASSFILE"] = "/a";
        Assert.Equal("a", _machine.Resolve().Password);
        Assert.Equal("b", _machine.Resolve("host=db1 passfile=/b").Password);
    }

    [Fact]
    public void Windows_has_its_files_in_the_roaming_folder()
    {
        var machine = new FakeEnvironment { IsWindows = true };
        machine.Variables["APPDATA"] = @"C:\Users\me\AppData\Roaming";
        machine.Files[@"C:\Users\me\AppData\Roaming\postgresql\pgpass.conf"] = "localhost:*:*:*:yes";
        machine.Files[@"C:\Users\me\AppData\Roaming\postgresql\.pg_service.conf"] = "[shop]\ndbname=of-service";
        // No mode of Unix says anything about a file of Windows.
        machine.FilesOthersMayAccess.Add(@"C:\Users\me\AppData\Roaming\postgresql\pgpass.conf");
        var settings = machine.Resolve("service=shop");
        Assert.Equal(("localhost", "of-service", "yes"), (settings.Host, settings.Database, settings.Password));
    }

    [Theory]
    [InlineData("PGSERVICEFILE", "/named", "/named")]
    [InlineData("PGSYSCONFDIR", "/sys/", "/sys/pg_service.conf")]
    [InlineData("NONE", "", "/home/me/.pg_service.conf")]
    [InlineData("NONE", "", "/etc/postgresql-common/pg_service.conf")]
    public void A_service_is_found_in_each_place_of_its_file(string variable, string value, string file)
    {
        _machine.Variables[variable] = value;
        _machine.Files[file] = "[shop]\nhost=db1\nsslmode=require";
        Assert.Equal(("db1", "require"), (_machine.Resolve("service=shop").Host, _machine.Resolve("postgresql://?service=shop").SslMode));
    }

    [Theory]
    [InlineData("[other]\nhost=x", "'shop'")]
    [InlineData("[shop]\nservice=other", "another service")]
    [InlineData("[shop]\npassword", "Line 2")]
    [InlineData("[shop]\nldap://server/x?y", "Line 2")]
    [InlineData("[shop]\ncolour=s3cret", "'colour'")]
    [InlineData("[shop]\nhost=a,b", "several servers")]
    public void A_service_that_cannot_be_used_is_refused(string file, string message)
    {
        _machine.Files["/home/me/.pg_service.conf"] = file;
        var failure = _machine.Refuse("service=shop");
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", failure.Message, StringComparison.Ordinal);
    }
}
