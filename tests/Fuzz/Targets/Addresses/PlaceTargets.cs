using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Engines.PostgreSql.Connect;
using DbBackup.Engine.Migrations;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Tunnels;
using DbBackup.Upgrades.Deployments;

namespace DbBackup.Tests.Fuzz.Targets.Addresses;

/// <summary>Where something is: a repository, a container, an engine, a database.</summary>
internal sealed class LocationTarget : FuzzTarget
{
    private static readonly Func<string, object?>[] s_parsers =
    [
        text => RepositoryLocation.Parse(text, path => path).ToString(),
        text => RepositoryLocation.BackupFolder(text),
        TunnelAddresses.Parse,
        text => PostgreSqlConnectionSettings.FromLocation(text),
        Docker,
        Engine,
    ];

    public override InputForm Form => InputForm.Text;

    public override int LongestInput => 1 << 13;

    public override IReadOnlyList<string> Words =>
        ["docker://", "docker+ssh://", "docker+tcp://", "/compose/", "/container/", "/volume/", "/path/", "unix://", "npipe://", "ssh://", "tcp://", "https://", "file://", "s3://", "postgresql://", ":2376", "%2f", "%ff", "@", "[::1]", "xn--", "..", "\u00e4", "\ud83d\udcbe"];

    public override IEnumerable<byte[]> Seeds() =>
    [
        Utf8("docker:///compose/shop/web/path/data/app.db"), Utf8("docker:///container/db/postgresql/app"), Utf8("docker+ssh://me@host:2222/volume/data"), Utf8("docker+tcp://host:2376/compose/a/b"), Utf8("unix:///var/run/docker.sock"),
        Utf8("npipe:////./pipe/docker_engine"), Utf8("ssh://me@host:22"), Utf8("tcp://host:2376"), Utf8("host:2375"), Utf8("file:///mnt/backups"), Utf8("/mnt/backups/app/20260101T000000Z-full/backup.json"), Utf8("postgresql://host:5432/app"), Utf8("C:/backups"),
    ];

    public override object? Run(byte[] input)
    {
        string text = Text(input);
        var results = new List<string>();
        // One that refuses a text is not to hide the others.
        foreach (Func<string, object?> parse in s_parsers)
        {
            try
            {
                results.Add(parse(text) is null ? "none" : "one");
            }
            catch (BackupException failure)
            {
                results.Add(failure.Code);
            }
        }

        return string.Join(' ', results);
    }

    private static DockerLocation? Docker(string text)
    {
        DockerLocation? location = DockerLocation.TryParse(text);
        if (location is not null)
            Require(DockerLocation.TryParse(location.ToString()) is { } again && again.ToString() == location.ToString(), "a location is read as it was written");
        return location;
    }

    private static DockerEndpoint Engine(string text)
    {
        DockerEndpoint endpoint = DockerEndpoint.Parse(text, "the test");
        Require(endpoint.Kind == DockerEndpoint.Parse(endpoint.ToString(), "the test").Kind, "an engine's address is read as it was written");
        return endpoint;
    }
}

/// <summary>Names: what is made of any text is a name.</summary>
internal sealed class BackupNameTarget : FuzzTarget
{
    public override InputForm Form => InputForm.Text;

    public override int LongestInput => 4096;

    public override IReadOnlyList<string> Words => ["CON", "NUL.txt", "COM1", "\u00e4", "\ufffd", "\ud83d\udcbe", "..", "-", " .", "\u0301", "\u200f", "\uac00", "\ufb03"];

    public override IEnumerable<byte[]> Seeds() => [Utf8("app.db"), Utf8("My App (2)"), Utf8("\u30b5\u30fc\u30d3\u30b9"), Utf8(new string('\ud83d', 1) + "\udcbe" + new string('x', 99))];

    public override object? Run(byte[] input)
    {
        string text = Text(input);
        string name = BackupName.From(text);
        Require(BackupName.IsValid(name), "a name that is made is valid");
        Require(BackupName.From(name) == name, "a name that is valid stays as it is");
        BackupName.Require(text, "backup");
        return Path.GetFileName(text) == text;
    }
}

/// <summary>What programs around the application print: Alembic's history, git's references, compose's configuration.</summary>
internal sealed class ToolOutputTarget : FuzzTarget
{
    public override InputForm Form => InputForm.Text;

    public override IReadOnlyList<string> Words => ["<base>", " -> ", ", ", " (head)", " (mergepoint)", "refs/tags/v1\t2026-01-01\t\n", "refs/remotes/origin/HEAD\t\t\n", "services:\n", "    image: a\n", "  web:\n", "db:service_healthy:false,"];

    public override IEnumerable<byte[]> Seeds() =>
    [
        Utf8("27c6a30d7c24 -> ae1027a6acf (head), Add a column\n<base> -> 27c6a30d7c24 (branchpoint), create accounts\nae10, 27c6 (b7c1) -> 53ff (head) (mergepoint), merge\n"),
        Utf8("refs/tags/v1.0\t2026-01-01\t\nrefs/heads/main\t2026-01-02\t\nrefs/remotes/origin/main\t2026-01-02\t\n"),
        Utf8("name: shop\nservices:\n  web:\n    image: shop:1\n  db:\n    image: \"postgres:17\"\n"),
        Utf8("db:service_healthy:false,cache:service_started:true"),
    ];

    public override object? Run(byte[] input)
    {
        string text = Text(input);
        MigrationHistory history = AlembicHistory.Parse(text);
        int pending = history.PendingAfter(history.Heads).Count;
        SchemaRelation relation = history.Compare(["27c6a30d7c24"]);
        return (history.Heads.Count, pending, relation, GitReferences.Parse(text).Count, ComposeConfig.Parse(text).Services.Sum(service => service.Value.Mounts.Count), Engine.Docker.Pausing.StartOrder.Dependencies(text).Count());
    }
}

/// <summary>The docker command's configuration and its contexts.</summary>
internal sealed class DockerContextTarget : FuzzTarget
{
    public override InputForm Form => InputForm.Json;

    public override int LongestInput => 1 << 14;

    public override IReadOnlyList<string> Words => ["ssh://me@host", "tcp://host:2376", "default", "unix:///x", "://", "npipe://"];

    public override IEnumerable<byte[]> Seeds() =>
        [Utf8("""{"currentContext":"remote","auths":{}}""" + "\n" + """{"Name":"remote","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://host:2376","SkipTLSVerify":false}}}""")];

    public override object? Run(byte[] input)
    {
        string[] files = Text(input).Split('\n', 2);
        string config = Folder["config.json"];
        // Below the SHA-256 of its name.
        string context = Folder[Path.Join("contexts", "meta", Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("remote"u8)))];
        Directory.CreateDirectory(context);
        File.WriteAllText(config, files[0]);
        File.WriteAllText(Path.Join(context, "meta.json"), files[^1]);
        var contexts = new DockerContexts(name => name == "DOCKER_CONFIG" ? Folder.Path : null, "/nonexistent", windows: false);
        int names = contexts.Names().Count();
        return (names, contexts.Resolve(null).Kind, contexts.Resolve("remote").Kind);
    }
}
