using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Upgrades.Targets;

namespace DbBackup.Tests.Unit.Upgrades;

/// <summary>The ways in which applications are told of their database, and how one is led to another.</summary>
public sealed class DatabaseUrlsTests
{
    [Theory]
    [InlineData("postgresql://app:pw@db:5432/shop", "postgresql://app:pw@db:5432/copy")]
    [InlineData("postgres://db/shop", "postgres://db/copy")]
    [InlineData("postgresql+asyncpg://app:pw@db/shop", "postgresql+asyncpg://app:pw@db/copy")]
    [InlineData("postgresql+psycopg2://app:pw@db/shop?sslmode=require&options=-c%20a%3Db", "postgresql+psycopg2://app:pw@db/copy?sslmode=require&options=-c%20a%3Db")]
    [InlineData("postgresql:///shop?host=/var/run/postgresql", "postgresql:///copy?host=/var/run/postgresql")]
    [InlineData("postgresql://[::1]:5432/shop", "postgresql://[::1]:5432/copy")]
    [InlineData("postgresql://app:p%2Fw%3F%40%23@db/shop", "postgresql://app:p%2Fw%3F%40%23@db/copy")]
    [InlineData("postgresql://app:p?w#@db/shop", "postgresql://app:p?w#@db/copy")]
    [InlineData("postgresql://db/sh%6Fp", "postgresql://db/copy")]
    [InlineData("shop", "copy")]
    [InlineData("jdbc:postgresql://db:5432/shop?user=app&password=p%26w", "jdbc:postgresql://db:5432/copy?user=app&password=p%26w")]
    [InlineData("jdbc:postgresql:shop?user=app", "jdbc:postgresql:copy?user=app")]
    [InlineData("r2dbc:postgresql://db/shop", "r2dbc:postgresql://db/copy")]
    [InlineData("ecto://app:pw@db/shop", "ecto://app:pw@db/copy")]
    [InlineData("pgsql://app:pw@db/shop?serverVersion=15", "pgsql://app:pw@db/copy?serverVersion=15")]
    [InlineData("postgis://app:pw@db/shop", "postgis://app:pw@db/copy")]
    [InlineData("Host=db;Database=shop;Username=app;Password=p=w", "Host=db;Database=copy;Username=app;Password=\"p=w\"")]
    [InlineData("Server=db; Port=5432; User Id=app; Password=\"p;w\"; Database='shop';", "Server=db;Port=5432;User Id=app;Password=\"p;w\";Database=copy")]
    [InlineData("host=db dbname=shop user=app password='p w\\''", "host=db dbname=copy user=app password='p w\\''")]
    [InlineData("pgsql:host=db;port=5432;dbname=shop", "pgsql:host=db;port=5432;dbname=copy")]
    public void Another_database_is_put_in(string value, string expected) => Assert.Equal(expected, DatabaseUrls.Replace(value, "shop", "copy"));

    [Theory]
    [InlineData("postgresql://db/other")]
    [InlineData("postgresql://db")]
    [InlineData("postgresql://db/")]
    [InlineData("postgresql://db?host=/shop")]
    [InlineData("postgresql://shop:shop@shop:5432")]
    [InlineData("postgresql://app:p/shop@db/other")]
    [InlineData("postgresql://db/shop/x")]
    [InlineData("postgresql://db/SHOP")]
    [InlineData("mysql://db/shop")]
    [InlineData("mysql:host=db;dbname=shop")]
    [InlineData("jdbc:mysql://db/shop")]
    [InlineData("jdbc:postgresql:other")]
    [InlineData("Host=shop;Database=other")]
    [InlineData("Host=db;Database=other;Database=shop")]
    [InlineData("host=shop dbname=other user=shop")]
    [InlineData("Database=shop")]
    [InlineData("shop2")]
    [InlineData("")]
    public void What_names_another_database_is_left_alone(string value) => Assert.Null(DatabaseUrls.Replace(value, "shop", "copy"));

    // Drivers let it overrule the path: a copy's name there would lead to the real database.
    [Theory]
    [InlineData("postgresql://db/shop?dbname=shop")]
    [InlineData("postgresql://db/shop?sslmode=require&database=shop")]
    public void Database_that_is_named_among_the_options_is_not_taken_for_the_one_of_the_path(string value) => Assert.Null(DatabaseUrls.Replace(value, "shop", "copy"));

    [Fact]
    public void Names_with_special_characters_are_encoded_and_decoded()
    {
        Assert.Equal("postgresql://db/a%20b%2Fc%3F%25?x=1", DatabaseUrls.Replace("postgresql://db/my%20sh%C3%B6p%25?x=1", "my shöp%", "a b/c?%"));
        Assert.Equal("postgresql://db/copy", DatabaseUrls.Replace("postgresql://db/", null, "copy"));
    }

    [Theory]
    [InlineData("DATABASE_URL=postgresql+asyncpg://app:pw@db/shop", "DATABASE_URL", "postgresql+asyncpg://app:pw@db/copy")]
    [InlineData("SQLALCHEMY_URI=postgres://app:pw@db/shop?x=1", "SQLALCHEMY_URI", "postgres://app:pw@db/copy?x=1")]
    [InlineData("DB_NAME=shop", "DB_NAME", "copy")]
    [InlineData("POSTGRES_DB=shop", "POSTGRES_DB", "copy")]
    [InlineData("PGDATABASE=shop", "PGDATABASE", "copy")]
    [InlineData("DATABASE_NAME=shop", "DATABASE_NAME", "copy")]
    [InlineData("AUTHENTIK_POSTGRESQL__NAME=shop", "AUTHENTIK_POSTGRESQL__NAME", "copy")]
    [InlineData("ConnectionStrings__Default=Host=db;Database=shop", "ConnectionStrings__Default", "Host=db;Database=copy")]
    [InlineData("SPRING_DATASOURCE_URL=jdbc:postgresql://db/shop", "SPRING_DATASOURCE_URL", "jdbc:postgresql://db/copy")]
    public void Container_is_led_by_the_one_variable_that_names_its_database(string entry, string name, string expected)
    {
        var urls = DatabaseUrls.OfContainer(["PATH=/bin", "NAME=shop", "OTHER_URL=postgresql://db/other", "EMPTY", entry], "shop", null);
        Assert.Null(urls.WhyNone);
        Assert.Equal(new Dictionary<string, string?> { [name] = expected }, urls.For("copy", isCopy: true));
        // To the real one it finds its way by itself.
        Assert.Empty(urls.For("shop", isCopy: false));
    }

    [Fact]
    public void Url_comes_before_a_bare_name()
    {
        var urls = DatabaseUrls.OfContainer(["POSTGRES_DB=shop", "DATABASE_URL=postgresql://db/shop"], "shop", null);
        Assert.Equal("DATABASE_URL", Assert.Single(urls.For("copy", isCopy: true)).Key);
    }

    // Of these, none would lead anywhere else if it were changed: the migration would meet the real database.
    [Fact]
    public void User_host_or_schema_of_the_same_name_is_no_database()
    {
        var urls = DatabaseUrls.OfContainer(["DB_USER=shop", "DB_PASSWORD=shop", "DATABASE_HOST=shop", "DB_SCHEMA=shop"], "shop", null);
        Assert.Contains("no container variable names database 'shop'", urls.WhyNone, StringComparison.Ordinal);
        urls = DatabaseUrls.OfContainer(["DB_USER=shop", "DB_PASSWORD=shop", "DB_HOST=shop", "DB_NAME=shop"], "shop", null);
        Assert.Equal("DB_NAME", Assert.Single(urls.For("copy", isCopy: true)).Key);
    }

    [Fact]
    public void Several_candidates_are_named_and_none_is_taken()
    {
        var urls = DatabaseUrls.OfContainer(["DATABASE_URL=postgresql://db/shop", "SYNC_URL=postgresql+psycopg://db/shop"], "shop", null);
        Assert.Contains("(DATABASE_URL, SYNC_URL)", urls.WhyNone, StringComparison.Ordinal);
        Assert.Empty(urls.For("copy", isCopy: true));
        urls = DatabaseUrls.OfContainer(["DATABASE_URL=postgresql://db/shop", "SYNC_URL=postgresql+psycopg://db/shop"], "shop", "SYNC_URL");
        Assert.Equal("postgresql+psycopg://db/copy", urls.For("copy", isCopy: true)["SYNC_URL"]);
    }

    [Theory]
    [InlineData("NO_SUCH", "variable NO_SUCH is not set")]
    [InlineData("OTHER", "variable OTHER does not name database 'shop'")]
    public void Named_variable_that_does_not_lead_there_is_told_of(string variable, string why)
    {
        var urls = DatabaseUrls.OfContainer(["DATABASE_URL=postgresql://db/shop", "OTHER=postgresql://db/other"], "shop", variable);
        Assert.Contains(why, urls.WhyNone, StringComparison.Ordinal);
        Assert.Empty(urls.For("copy", isCopy: true));
    }

    [Theory]
    [InlineData("db1", "postgresql://a%40b:p%27w%3B%20%40%3A%2F%5C%25%3F%23@db1:6000/my%20shop")]
    [InlineData("2001:db8::1", "postgresql://a%40b:p%27w%3B%20%40%3A%2F%5C%25%3F%23@[2001:db8::1]:6000/my%20shop")]
    [InlineData("/run/my sockets", "postgresql://a%40b:p%27w%3B%20%40%3A%2F%5C%25%3F%23@/my%20shop?host=%2Frun%2Fmy%20sockets&port=6000")]
    public void Program_is_led_by_an_address_of_what_was_said(string host, string expected)
    {
        var server = new PostgreSqlConnectionSettings { Host = host, Port = 6000, Username = "a@b", Password = "p'w; @:/\\%?#", Database = "my shop" };
        var urls = DatabaseUrls.OfProgram("URL", server, null);
        Assert.Null(urls.WhyNone);
        Assert.Equal(expected, urls.For("my shop", isCopy: false)["URL"]);
        Assert.Equal(expected.Replace("/my%20shop", "/a%2Fb", StringComparison.Ordinal), urls.For("a/b", isCopy: true)["URL"]);
        // What reads connection strings takes it for the same.
        PostgreSqlConnectionSettings read = PostgreSqlConnectionSettings.Resolve(new PostgreSqlConnectionRequest { Server = ServerAddress.Of(expected) });
        Assert.Equal((host, 6000, "a@b", server.Password, "my shop"), (read.Host, read.Port, read.Username, read.Password, read.Database));
    }

    [Theory]
    [InlineData("postgresql+asyncpg://x:y@elsewhere/other", "postgresql+asyncpg://app:pw@db1:5432/shop")]
    [InlineData("postgres://x:y@elsewhere/other?schema=public&pool=5", "postgres://app:pw@db1:5432/shop?schema=public&pool=5")]
    [InlineData("postgresql+psycopg://x:y@/other?sslmode=disable&host=/run/elsewhere&port=7000&dbname=other&user=x", "postgresql+psycopg://app:pw@db1:5432/shop?sslmode=disable")]
    [InlineData("postgresql+psycopg://x:y?z#@elsewhere/other", "postgresql+psycopg://app:pw@db1:5432/shop")]
    [InlineData("sqlite:///app.db", "postgresql://app:pw@db1:5432/shop")]
    [InlineData("", "postgresql://app:pw@db1:5432/shop")]
    [InlineData("ecto://x@elsewhere/other", "ecto://app:pw@db1:5432/shop")]
    [InlineData("jdbc:postgresql://elsewhere/other?user=x&ssl=true", "jdbc:postgresql://db1:5432/shop?user=app&password=pw&ssl=true")]
    [InlineData("Host=elsewhere;Database=other;Username=x;Pooling=false", "Host=db1;Port=5432;Database=shop;Username=app;Password=pw;Pooling=false")]
    [InlineData("host=elsewhere dbname=other sslmode=disable", "host=db1 port=5432 dbname=shop user=app password=pw sslmode=disable")]
    public void Program_keeps_the_form_that_it_is_used_to(string present, string expected)
    {
        var server = new PostgreSqlConnectionSettings { Host = "db1", Username = "app", Password = "pw", Database = "shop" };
        Assert.Equal(expected, DatabaseUrls.OfProgram("URL", server, present).For("shop", isCopy: false)["URL"]);
    }

    [Theory]
    [InlineData("Host=db;Database=shop;Password=s3cret", "s3cret")]
    [InlineData("host=db dbname=shop password='s3 cret'", "s3 cret")]
    [InlineData("jdbc:postgresql://db/shop?user=app&password=s3%20cret", "s3 cret")]
    [InlineData("ecto://app:s3%20cret@db/shop", "s3 cret")]
    public void Password_is_found_to_be_hidden(string value, string password) => Assert.Contains(password, DatabaseUrls.SecretsOf(value));

    [Fact]
    public void Program_behind_a_socket_keeps_its_options()
    {
        var server = new PostgreSqlConnectionSettings { Host = "/run/pg", Username = "app", Database = "shop" };
        Assert.Equal(
            "postgres://app@/shop?schema=public&host=%2Frun%2Fpg&port=5432",
            DatabaseUrls.OfProgram("URL", server, "postgres://x@elsewhere/other?schema=public&host=h").For("shop", isCopy: false)["URL"]);
    }

    [Theory]
    [InlineData(null, "postgresql://app@db1:5432/shop?sslmode=require")]
    [InlineData("postgresql+psycopg2://db/x", "postgresql+psycopg2://app@db1:5432/shop?sslmode=require")]
    [InlineData("postgresql+psycopg2://db/x?sslmode=verify-full", "postgresql+psycopg2://app@db1:5432/shop?sslmode=verify-full")]
    public void Encryption_that_was_asked_for_is_asked_for_by_the_program(string? present, string expected)
    {
        var server = new PostgreSqlConnectionSettings { Host = "db1", Username = "app", Database = "shop", SslMode = "require" };
        Assert.Equal(expected, DatabaseUrls.OfProgram("URL", server, present).For("shop", isCopy: false)["URL"]);
    }

    [Fact]
    public void Program_whose_variable_is_not_known_cannot_be_led()
    {
        var urls = DatabaseUrls.OfProgram(null, new PostgreSqlConnectionSettings { Host = "db1", Username = "app", Database = "shop" }, null);
        Assert.Contains("-DatabaseVariable", urls.WhyNone, StringComparison.Ordinal);
        Assert.Empty(urls.For("shop", isCopy: false));
        Assert.Empty(urls.For("copy", isCopy: true));
    }
}
