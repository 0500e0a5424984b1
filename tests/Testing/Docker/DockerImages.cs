namespace DbBackup.Testing;

/// <summary>The images that tests/docker/build-images.sh makes.</summary>
internal static class DockerImages
{
    /// <summary>Behaves as the official postgres image: POSTGRES_PASSWORD and its kin, PGDATA /var/lib/postgresql/data, port 5432.</summary>
    public const string PostgreSql = "dbbackup-test/postgres:15";

    /// <summary>The major versions of <see cref="OfMajor"/>.</summary>
    public static readonly int[] Majors = [15, 17, 18];

    /// <summary>The same without pg_dump, pg_dumpall and pg_restore.</summary>
    public const string WithoutDump = "dbbackup-test/nodump:15";

    /// <summary>Python, SQLite, Alembic and the writer; sleeps where no command is given.</summary>
    public const string App = "dbbackup-test/app:1";

    /// <summary>A server with an append-only file in /data, port 6379.</summary>
    public const string Redis = "dbbackup-test/redis:7";

    /// <summary>A program that sleeps, and no other: no shell, no tar.</summary>
    public const string WithoutShell = "dbbackup-test/noshell:1";

    /// <summary>The application under test, in <see cref="App"/>; its first lines say what it takes.</summary>
    public const string Writer = "/opt/dbbackup-test/writer.py";

    /// <summary>The image of a major version; 15 is <see cref="PostgreSql"/>. Since 18 the volume is /var/lib/postgresql, as in the official image.</summary>
    public static string OfMajor(int major) => $"dbbackup-test/postgres:{major}";
}
