using DbBackup.Engine.Encryption;
using DbBackup.Upgrades;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades.Containers;

/// <summary>A compose project with an application and a PostgreSQL server that has much of what a server can have, for upgrades of the server.</summary>
internal sealed class MajorVersionBench : IDisposable
{
    /// <param name="from">The server's major version.</param>
    /// <param name="to">The one that it gets.</param>
    /// <param name="more">Further lines of the backend service.</param>
    public MajorVersionBench(int from, int to, string more = "")
    {
        (From, To) = (from, to);
        Shop = new ComposeShop(major: from, more: more, space: SpaceFolder);
        Shop.Query(RichServer.Sql);
        // In a volume of their own, and in that of the data.
        Shop.Engine.Exec(Server, "sh", "-c", $"for each in {SpaceFolder}/fast {SpaceFolder}/idle {DataFolder}/inside; do mkdir $each; chown postgres: $each; done");
        foreach (string statement in (string[])[
            $"CREATE TABLESPACE fast OWNER shop LOCATION '{SpaceFolder}/fast'", $"CREATE TABLESPACE idle LOCATION '{SpaceFolder}/idle'", $"CREATE TABLESPACE inside LOCATION '{DataFolder}/inside'",
            "ALTER TABLESPACE fast SET (random_page_cost = 1.1)", "GRANT CREATE ON TABLESPACE fast TO team", "COMMENT ON TABLESPACE fast IS 'it''s of glass'",
            "ALTER TABLE visits_2025 SET TABLESPACE fast", "ALTER INDEX people_name_key SET TABLESPACE inside", "CREATE DATABASE second OWNER reader TABLESPACE inside"])
            Shop.Query(statement);
        Shop.Engine.Exec(Shop.Container, "sh", "-c", "echo 'a photo' > /app/uploads/photo");
        Query("second", "CREATE TABLE books (id int PRIMARY KEY, title text); INSERT INTO books SELECT i, 'book ' || i FROM generate_series(1, 300) i; ALTER TABLE books OWNER TO reader");
        Shop.Query("ALTER SYSTEM SET log_min_duration_statement = 1234");
        Shop.Engine.Exec(Server, "sh", "-c", "echo 'host second reader 10.9.8.0/24 scram-sha-256' >> $PGDATA/pg_hba.conf");
        Shop.Query("SELECT pg_reload_conf()");
        Volume = Shop.Engine.Inspect(Server, "{{range .Mounts}}{{if eq .Destination \"/var/lib/postgresql/data\" \"/var/lib/postgresql\"}}{{.Name}}{{end}}{{end}}");
    }

    private const string SpaceFolder = "/srv/space";
    private const string DataFolder = "/var/lib/postgresql/data";

    public int From { get; }

    public int To { get; }

    public ComposeShop Shop { get; }

    /// <summary>The volume of the old server.</summary>
    public string Volume { get; }

    public string NewVolume => $"{Volume}-{To}";

    /// <summary>The volumes of the old server.</summary>
    public string[] OldVolumes => [Volume, Space];

    /// <summary>The volumes of both servers.</summary>
    public string[] AllVolumes => [Volume, NewVolume, Space, $"{Space}-{To}"];

    private string Space => Volume.Replace("_data", "_space", StringComparison.Ordinal);

    /// <summary>The project's file.</summary>
    public string File => Path.Join(Shop.Folder, "docker-compose.yml");

    /// <summary>What the project's file says.</summary>
    public string Files => System.IO.File.ReadAllText(File);

    public string Server => Shop.Engine.ComposeContainer(Shop.Folder, "db");

    public string Major => Shop.Query("SELECT current_setting('server_version_num')::int / 10000");

    /// <summary>What must be the same on both servers.</summary>
    public string Facts => string.Join('\n',
        Shop.Data,
        Shop.Query("SELECT count(*), md5(string_agg(p::text, ',' ORDER BY id)) FROM people p"),
        Shop.Query("SELECT count(*), md5(string_agg(v::text, ',' ORDER BY at)) FROM visits v"),
        Shop.Query("SELECT string_agg(mood || ' ' || count, ',' ORDER BY mood) FROM moods"),
        Shop.Query("SELECT convert_from(lo_get(4711), 'UTF8')"),
        Shop.Query("SELECT string_agg(rolname || ':' || coalesce(rolpassword, '') || rolsuper || rolcanlogin, ',' ORDER BY rolname) FROM pg_authid WHERE rolname !~ '^pg_'"),
        Shop.Query("SELECT string_agg(setdatabase::int::bool || setrole::regrole::text || setconfig::text, ',' ORDER BY setrole::regrole::text) FROM pg_db_role_setting"),
        Shop.Query("SELECT string_agg(extname, ',' ORDER BY extname) FROM pg_extension"),
        Shop.Query("SELECT last_value FROM people_id_seq"),
        Shop.Query("SELECT string_agg(concat_ws(' ', spcname, pg_get_userbyid(spcowner), pg_tablespace_location(oid), spcacl, spcoptions, shobj_description(oid, 'pg_tablespace')), ',' ORDER BY spcname) FROM pg_tablespace"),
        Shop.Query("SELECT string_agg(relname || ' ' || spcname, ',' ORDER BY relname) FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE relnamespace = 'public'::regnamespace"),
        Query("second", "SELECT spcname FROM pg_tablespace t JOIN pg_database d ON d.dattablespace = t.oid WHERE datname = current_database()"),
        Shop.Engine.Exec(Shop.Container, "cat", "/app/uploads/photo"),
        Shop.Query("SELECT current_setting('log_min_duration_statement'), (SELECT count(*) FROM pg_hba_file_rules WHERE address = '10.9.8.0')"),
        Query("second", "SELECT count(*), md5(string_agg(b::text, ',' ORDER BY id)) FROM books b"));

    /// <summary>Adds extensions that have types, indexes and rows of their own, of which each version's image has another version.</summary>
    public void AddExtensions()
    {
        Shop.Query("CREATE EXTENSION postgis");
        Shop.Query("INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, srtext) VALUES (990001, 'shop', 1, 'LOCAL_CS[\"yard\"]')");
        Shop.Query("CREATE TABLE places (id int PRIMARY KEY, at geography(Point), area geometry(Polygon, 990001))");
        Shop.Query("INSERT INTO places SELECT i, ST_Point(i % 180, i % 90)::geography, ST_SetSRID(ST_MakeEnvelope(i, i, i + 1.5, i + 2), 990001) FROM generate_series(1, 300) i");
        Shop.Query("CREATE INDEX ON places USING gist (area)");
        // Debian's PostgreSQL 15 has no pgvector.
        if (From < 17)
            return;
        Shop.Query("CREATE EXTENSION vector");
        Shop.Query("CREATE TABLE embeddings AS SELECT i AS id, ARRAY[i, 1.0 / i, sin(i)]::vector(3) AS place FROM generate_series(1, 300) i");
        Shop.Query("CREATE INDEX ON embeddings USING hnsw (place vector_l2_ops)");
    }

    /// <summary>What the tables with those extensions' types have.</summary>
    public string ExtensionFacts => string.Join('\n',
        Shop.Query("SELECT md5(string_agg(p::text, ',' ORDER BY id)) FROM places p"),
        Shop.Query("SELECT srtext, (SELECT count(*) FROM places WHERE area && ST_SetSRID(ST_MakeEnvelope(10, 10, 20, 20), 990001)) FROM spatial_ref_sys WHERE srid = 990001"),
        From < 17 ? string.Empty : Shop.Query("SELECT md5(string_agg(e::text, ',' ORDER BY id)), (SELECT string_agg(id::text, ',') FROM (SELECT id FROM embeddings ORDER BY place <-> '[5, 0.2, 0]' LIMIT 3) near) FROM embeddings e"));

    public UpgradeSubject.ComposeProject Subject => new(Shop.Folder) { Services = ["db"], Image = DockerImages.OfMajor(To) };

    public UpgradeRequest Request(params string[] checks) => Shop.Request(checks) with { Subject = Subject, Migrate = null, Timeout = TimeSpan.FromMinutes(2) };

    public string Query(string database, string sql) => Shop.Engine.Query(Server, sql, database, "shop");

    public Task<UpgradeResult> UndoAsync(string id) => Shop.Service.UndoAsync(id, null, new KeyRing(), Shop.Files.Observer, CancellationToken.None);

    /// <summary>Fails where the new server does not have what the old one had, or the application does not work on it.</summary>
    public void AssertUpgraded(UpgradeResult result, string facts)
    {
        Assert.True(result.State == UpgradeState.Succeeded, $"{result.State}: {result.Failure}\n{string.Join('\n', result.Steps)}");
        Assert.Equal(To.ToString(System.Globalization.CultureInfo.InvariantCulture), Major);
        Shop.Answer("/health");
        Assert.Equal(facts, Facts);
        Assert.Subset(Mounted.ToHashSet(), AllVolumes.Except(OldVolumes).ToHashSet());
        Assert.Empty(Mounted.Intersect(OldVolumes));
        // The old data are as they were, readable by the old version alone.
        Assert.Equal(From.ToString(System.Globalization.CultureInfo.InvariantCulture), VersionIn(Volume));
        Assert.DoesNotContain(Shop.Engine.Docker("ps", "-a", "--format", "{{.Names}}").Split('\n'), name => name.StartsWith("before-", StringComparison.Ordinal) && name.Contains(Shop.Engine.Prefix, StringComparison.Ordinal));
    }

    /// <summary>Fails where the old server does not run on its volume with all that it had.</summary>
    public void AssertAsBefore(string facts)
    {
        Assert.Equal(From.ToString(System.Globalization.CultureInfo.InvariantCulture), Major);
        Shop.Answer("/health");
        Assert.Equal(facts, Facts);
        Assert.Subset(Mounted.ToHashSet(), OldVolumes.ToHashSet());
        Assert.Empty(Mounted.Intersect(AllVolumes.Except(OldVolumes)));
        Assert.NotEqual("none", Shop.Engine.Inspect(Server, "{{.HostConfig.NetworkMode}}"));
    }

    /// <summary>When the server's container was started.</summary>
    public string Started => Shop.Engine.Inspect(Server, "{{.State.StartedAt}}");

    /// <summary>When the application's container was started.</summary>
    public string ApplicationStarted => Shop.Engine.Inspect(Shop.Container, "{{.State.StartedAt}}");

    /// <summary>The volumes of the server's container.</summary>
    public string[] Mounted => Shop.Engine.Inspect(Server, "{{range .Mounts}}{{.Name}} {{end}}").Split(' ', StringSplitOptions.TrimEntries);

    /// <summary>An image of the new version that lacks an extension.</summary>
    public string ImageWithout(string extension)
    {
        string image = Shop.Engine.NewName("server") + ":lacking";
        System.IO.File.WriteAllText(Shop.Files["Dockerfile"], $"FROM {DockerImages.OfMajor(To)}\nRUN rm /usr/share/postgresql/{To}/extension/{extension}.control\n");
        Shop.Engine.Docker("build", "-q", "-t", image, "-f", Shop.Files["Dockerfile"], Path.GetDirectoryName(Shop.Files["Dockerfile"])!);
        return image;
    }

    /// <summary>The volumes of this project's servers and those of rehearsals of it.</summary>
    public string[] Volumes => [.. Shop.Engine.Docker("volume", "ls", "-q").Split('\n').Where(name => name.Contains(Shop.Engine.Prefix, StringComparison.Ordinal) && !name.EndsWith("_uploads", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    private string VersionIn(string volume) =>
        Shop.Engine.Docker("run", "--rm", "--network", "none", "--entrypoint", "sh", "-v", volume + ":/old:ro", DockerImages.App, "-c", "find /old -maxdepth 3 -name PG_VERSION | sort | head -n 1 | xargs cat").Trim();

    public void Dispose() => Shop.Dispose();
}
