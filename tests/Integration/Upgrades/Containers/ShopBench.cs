using System.Net;
using System.Net.Sockets;
using DbBackup.Upgrades;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades.Containers;

/// <summary>The application of tests/docker/shop.py at version 1 with 200 orders, a repository, and a folder for journals.</summary>
internal abstract class ShopBench : IDisposable
{
    protected const string Orders = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO orders (note) SELECT 'order ' || i FROM n";
    /// <summary>How long a version that goes wrong a few seconds after its start is watched: until it does, however slow the machine.</summary>
    public static readonly TimeSpan UntilItFails = TimeSpan.FromMinutes(1);

    private static readonly HttpClient s_http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    protected ShopBench()
    {
        Engine = DockerEngine.Require();
        Image = Engine.NewName("shop") + ":latest";
        Use("1");
        Journals = Files["journals"];
        Service = new UpgradeService(Journals);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Port = ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public DockerEngine Engine { get; }

    public Workbench Files { get; } = new();

    public string Journals { get; }

    public UpgradeService Service { get; }

    /// <summary>The name under which the application asks for its image.</summary>
    public string Image { get; }

    public string Url => $"http://127.0.0.1:{Port}";

    protected int Port { get; }

    /// <summary>The container of the application now.</summary>
    public abstract string Container { get; }

    /// <summary>Schema and rows, as lines.</summary>
    public abstract string Data { get; }

    /// <summary>The upgrade to what <see cref="Use"/> has made the new version.</summary>
    public abstract UpgradeRequest Request(params string[] checks);

    /// <summary>What is on the engine of this test, as lines: an upgrade that is taken back leaves nothing.</summary>
    public string Leftovers => string.Join('\n',
        Lines(Engine.Docker("ps", "-a", "--no-trunc", "--format", "{{.Names}} {{.Mounts}} {{.Networks}}")).Where(line => line.Contains(Engine.Prefix, StringComparison.Ordinal)).Select(line => line.Split(' ')[0])
            .Concat(Lines(Engine.Docker("volume", "ls", "-q")).Where(line => line.Contains(Engine.Prefix, StringComparison.Ordinal)))
            .Concat(Lines(Engine.Docker("images", "--format", "{{.Repository}}:{{.Tag}}")).Where(line => line.Contains(Engine.Prefix, StringComparison.Ordinal)))
            .Order(StringComparer.Ordinal));

    /// <summary>Gives the image's name to a version.</summary>
    public void Use(string version) => Engine.Docker("tag", $"dbbackup-test/shop:{version}", Image);

    public Task<UpgradeResult> RunAsync(UpgradeRequest request, IOperationObserver? observer = null) =>
        Service.RunAsync(request, Files.Repository, observer ?? Files.Observer, CancellationToken.None);

    /// <summary>What an address of the application answers, once it answers well.</summary>
    public string Answer(string path)
    {
        for (DateTime limit = DateTime.UtcNow + s_patience; ; Thread.Sleep(100))
        {
            try
            {
                return s_http.GetStringAsync(new Uri(Url + path)).GetAwaiter().GetResult().Trim();
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && DateTime.UtcNow < limit)
            {
                // It starts.
            }
        }
    }

    /// <summary>Fails where the old version does not serve the old data, or anything is left of the new one.</summary>
    public void AssertAsBefore(string data, string leftovers)
    {
        Assert.Equal("1", Answer("/version"));
        Answer("/health");
        Assert.Equal(data, Data);
        Assert.Equal(leftovers, Leftovers);
    }

    /// <summary>Fails where the new version does not serve all that there was.</summary>
    public void AssertUpgraded(UpgradeResult result, string data)
    {
        Assert.True(result.State == UpgradeState.Succeeded, $"{result.State}: {result.Failure}\n{string.Join('\n', result.Steps)}");
        Assert.Equal("2", Answer("/version"));
        Answer("/health");
        Assert.Equal(data.Replace("r1", "r2", StringComparison.Ordinal), Data);
    }

    public virtual void Dispose()
    {
        Engine.Dispose();
        Files.Dispose();
    }

    protected static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>The shop as a single container with its SQLite database in a volume.</summary>
internal sealed class ContainerShop : ShopBench
{
    public const string Migrate = "alembic upgrade head";
    private readonly string _volume;

    /// <param name="options">Further options of "docker run".</param>
    public ContainerShop(params string[] options)
    {
        _volume = Engine.CreateVolume("data");
        Name = Engine.NewName("web");
        Engine.Docker(
        [
            "run", "-d", "--name", Name, "-v", _volume + ":/app/data", "-e", "DATABASE_URL=sqlite:////app/data/shop.db", "-p", $"127.0.0.1:{Port}:8000", "--stop-timeout", "3", .. options, Image,
        ]);
        // Two migrations at once would be in each other's way.
        if (options.Contains("AUTO_MIGRATE=1"))
            Answer("/health");
        else
            Engine.Exec(Name, "alembic", "upgrade", "head");
        Engine.Exec(Name, "sqlite3", "/app/data/shop.db", Orders);
        Answer("/health");
    }

    public string Name { get; }

    public override string Container => Name;

    public override string Data => Engine.Exec(
        Name, "sqlite3", "/app/data/shop.db",
        "SELECT version_num FROM alembic_version; SELECT count(*), sum(id), max(note) FROM orders; SELECT group_concat(id || note) FROM (SELECT * FROM orders ORDER BY id); PRAGMA integrity_check;");

    public UpgradeSubject.Container Subject => new(Name) { Image = Image };

    public override UpgradeRequest Request(params string[] checks) => new()
    {
        Subject = Subject,
        Migrate = Migrate,
        Checks = checks,
        SettleTime = TimeSpan.FromSeconds(1),
        Timeout = TimeSpan.FromSeconds(60),
    };
}

/// <summary>The shop as a service of a compose project, with its database in a PostgreSQL server.</summary>
internal sealed class ComposeShop : ShopBench
{
    /// <param name="backend">Where the service's image comes from; null for <see cref="ShopBench.Image"/>.</param>
    /// <param name="more">Further lines of the service.</param>
    /// <param name="others">Further services.</param>
    /// <param name="profile">The profile under which the project is started; null for none.</param>
    /// <param name="major">The major version of the server.</param>
    /// <param name="space">Where the server mounts a volume beside that of its data; null for none.</param>
    public ComposeShop(string? backend = null, string more = "", string others = "", string? profile = null, int major = 15, string? space = null)
    {
        Folder = Engine.CreateProject(
            $"""
            version: '2.4'
            services:
              db:
                image: {DockerImages.OfMajor(major)}
                environment: [POSTGRES_USER=shop, POSTGRES_PASSWORD=secret, POSTGRES_DB=shop, POSTGRES_INITDB_ARGS=--no-sync]
                command: ['-c', 'fsync=off']
                volumes: ['data:/var/lib/postgresql/data'{(space is null ? string.Empty : $", 'space:{space}'")}]
              backend:
                {backend ?? $"image: {Image}"}
                volumes: ['uploads:/app/uploads']
                environment: [DATABASE_URL=postgresql://shop:secret@db/shop]
                stop_grace_period: 3s
                ports: ['127.0.0.1:{Port}:8000']
                {more}
              {others}
            volumes:
              data:
              uploads:
              {(space is null ? string.Empty : "space:")}
            """);
        if (backend is not null)
            WriteDockerfile("1");
        string[] profiles = profile is null ? [] : ["--profile", profile];
        Engine.Compose(Folder, [.. profiles, "up", "-d", "db"]);
        Engine.WaitUntilPostgreSqlAnswers(Engine.ComposeContainer(Folder, "db"));
        Engine.Compose(Folder, [.. profiles, "run", "--rm", "--no-deps", "backend", "alembic", "upgrade", "head"]);
        Engine.Compose(Folder, [.. profiles, "up", "-d"]);
        Query(Orders);
        Answer("/health");
    }

    public string Folder { get; }

    public override string Container => Engine.ComposeContainer(Folder, "backend");

    public override string Data =>
        Query("SELECT version_num FROM alembic_version") + "\n" + Query("SELECT count(*), sum(id), string_agg(id || note, ',' ORDER BY id) FROM orders") + "\n"
        + Query("SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE datname !~ '_before_'");

    public string Query(string sql) => Engine.Query(Engine.ComposeContainer(Folder, "db"), sql, "shop", "shop");

    /// <summary>Names another image for the service of the database in the project's file.</summary>
    public void UseServer(string image)
    {
        string file = Path.Join(Folder, "docker-compose.yml");
        File.WriteAllText(file, File.ReadAllText(file).Replace(DockerImages.PostgreSql, image, StringComparison.Ordinal));
    }

    public void WriteDockerfile(string version, string more = "") => File.WriteAllText(Path.Join(Folder, "Dockerfile"), $"FROM dbbackup-test/shop:{version}\n{more}\n");

    public UpgradeSubject.ComposeProject Subject => new(Folder);

    public override UpgradeRequest Request(params string[] checks) => new()
    {
        Subject = Subject,
        Migrate = ContainerShop.Migrate,
        Checks = checks,
        SettleTime = TimeSpan.FromSeconds(1),
        Timeout = TimeSpan.FromSeconds(60),
    };
}

/// <summary>The shop as a service of a compose project, with its SQLite database in a folder that a variable names.</summary>
internal sealed class ComposeFolderShop : ShopBench
{
    public const string Variable = "SHOP_FOLDER";

    public ComposeFolderShop()
    {
        Project = Engine.CreateProject(
            $"""
            version: '2.4'
            services:
              backend:
                image: {Image}
                environment: ['DATABASE_URL=sqlite:////app/data/shop.db', AUTO_MIGRATE=1]
                volumes: ['${"{"}{Variable}:-./data{"}"}:/app/data']
                stop_grace_period: 3s
                ports: ['127.0.0.1:{Port}:8000']
            """);
        Directory.CreateDirectory(Path.Join(Project, "live"));
        File.WriteAllText(VariablesFile, $"{Variable}=./live\n");
        Engine.Compose(Project, "--env-file", VariablesFile, "up", "-d");
        Answer("/health");
        Engine.Exec(Container, "sqlite3", "/app/data/shop.db", Orders);
    }

    /// <summary>The folder of the project's file.</summary>
    public string Project { get; }

    /// <summary>The file with the variables that the project was started with.</summary>
    public string VariablesFile => Path.Join(Project, "prod.env");

    public override string Container => Engine.ComposeContainer(Project, "backend");

    public override string Data => Engine.Exec(
        Container, "sqlite3", "/app/data/shop.db", "SELECT version_num FROM alembic_version; SELECT count(*), sum(id), max(note) FROM orders; PRAGMA integrity_check;");

    public override UpgradeRequest Request(params string[] checks) => new()
    {
        Subject = new UpgradeSubject.ComposeProject(Path.GetFileName(Project)) { Services = ["backend"], ContainerPaths = ["/app/data"] },
        Migrate = ContainerShop.Migrate,
        Checks = checks,
        SettleTime = TimeSpan.FromSeconds(1),
        Timeout = TimeSpan.FromSeconds(60),
    };
}
