using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Tests.Fuzz.Targets.Addresses;

/// <summary>Connections to PostgreSQL in an environment that is not this process's.</summary>
internal abstract class ConnectionTarget : FuzzTarget
{
    public override InputForm Form => InputForm.Text;

    public override int LongestInput => 1 << 13;

    public override IReadOnlyList<string> Words =>
    [
        "postgresql://", "postgres+psycopg2://", "host=", "Host=", "hostaddr=", ";Port=", "port=", "user=", "password=", "dbname=", "sslmode=verify-full", "sslrootcert=system", "service=a", "connect_timeout=", "options=", "@", "[::1]:5432",
        "%00", "%zz", "%c3", "channel_binding=require", "'", "\\'", ",", "?host=/run&port=1", "Include Error Detail=true", "passfile=", "target_session_attrs=any",
    ];

    protected static PostgreSqlConnectionSettings Resolve(string? connection, string? services = null, string? passwords = null) => PostgreSqlConnectionSettings.Resolve(
        new PostgreSqlConnectionRequest { Server = ServerAddress.Of(connection) },
        new PostgreSqlEnvironment
        {
            Variable = name => name == "PGSERVICE" && services is not null ? "app" : null,
            HomeFolder = "/home/me",
            SystemUser = "me",
            IsWindows = false,
            ReadLines = path => (path.EndsWith(".pgpass", StringComparison.Ordinal) ? passwords : path.EndsWith("service.conf", StringComparison.Ordinal) ? services : null)?.Split('\n'),
            OthersMayAccess = _ => false,
            FolderExists = _ => true,
        });

    // All forms, for what takes the text apart again: the driver, libpq and a manifest.
    protected static object? Use(PostgreSqlConnectionSettings settings)
    {
        _ = settings.ToKeywords();
        _ = settings.ToToolEnvironment();
        _ = settings.ToNpgsql("app");
        string location = settings.LocationOf("a/b c");
        PostgreSqlConnectionRequest again = PostgreSqlConnectionSettings.FromLocation(location);
        Require(again.Database == "a/b c" && (again.Port ?? settings.Port) == settings.Port, "a location leads back");
        return (settings.IsSocket, settings.SslMode, settings.Warnings.Count);
    }
}

/// <summary>A connection string or URI.</summary>
internal sealed class ConnectionTextTarget : ConnectionTarget
{
    public override IEnumerable<byte[]> Seeds() =>
    [
        Utf8("postgresql://me:se%20cret@db.example:5433/app?sslmode=require&connect_timeout=5"), Utf8("postgresql:///app?host=/run/postgresql&port=5433"), Utf8("postgresql://[::1]:5432/app"),
        Utf8("host=db.example port=5433 dbname='my app' user=me password='it\\'s'"), Utf8("Host=db.example;Port=5433;Database=app;Username=me;Password=\"a;b\""), Utf8("Host=db.example:5433;Database=app"), Utf8("app"),
    ];

    public override object? Run(byte[] input) => Use(Resolve(Text(input)));
}

/// <summary>A service file and a password file.</summary>
internal sealed class ConnectionFilesTarget : ConnectionTarget
{
    public override IReadOnlyList<string> Words => [.. base.Words, "[app]\n", "[other]\n", "#", "*:*:*:*:x", "db.example:5433:app:me:se\\:cret", "ldap://x", "service=other\n"];

    public override IEnumerable<byte[]> Seeds() => [Utf8("[other]\nhost=a\n[app]\n# comment\nhost=db.example\nport=5433\nuser=me\ndbname=app\n\u0001db.example:5433:*:me:se\\:cret\n*:*:*:*:x\n")];

    public override object? Run(byte[] input)
    {
        string[] files = Text(input).Split('\u0001', 2);
        return Use(Resolve(null, files[0], files.Length > 1 ? files[1] : null));
    }
}
