using System.Buffers;
using System.Text.Json.Serialization;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Upgrades;

/// <summary>
/// What is upgraded, and how. It names one of three: a SQLite database (<see cref="DatabasePath"/>), a database of a server
/// (<see cref="Server"/>), or an application in containers (<see cref="Application"/>). It is written to the journal, without the password of
/// <see cref="Server"/>.
/// </summary>
public sealed record UpgradeRequest
{
    private static readonly SearchValues<char> s_operators = SearchValues.Create("&;|()$<>");

    /// <summary>The absolute path of a SQLite database.</summary>
    public string? DatabasePath { get; init; }

    /// <summary>A server, who connects, and the database.</summary>
    public PostgreSqlConnectionRequest? Server { get; init; }

    /// <summary>A container, or a compose project.</summary>
    public ContainerAddress? Application { get; init; }

    /// <summary>The services that get the new version; the migration runs in the first. Empty for all but that of the database.</summary>
    public IReadOnlyList<string> Services { get; init; } = [];

    /// <summary>The service with the PostgreSQL server; null where there is one at most, which is then found.</summary>
    public string? DatabaseService { get; init; }

    /// <summary>The database of that server; null for the one that its container was made with.</summary>
    public string? Database { get; init; }

    /// <summary>Absolute paths, in the container or in that of the first service, of what is backed up; empty for its writable volumes.</summary>
    public IReadOnlyList<string> ContainerPaths { get; init; } = [];

    /// <summary>The SQLite databases there; null where they were not looked for yet.</summary>
    public IReadOnlyList<string>? DatabaseFiles { get; init; }

    /// <summary>The image that a container gets; null for its own.</summary>
    public string? Image { get; init; }

    /// <summary>Whether new images are pulled.</summary>
    public bool Pull { get; init; }

    /// <summary>Whether the services' images are built.</summary>
    public bool Build { get; init; }

    /// <summary>The tag, branch or commit of the project's work tree that is checked out; null where it stays as it is.</summary>
    public string? GitRef { get; init; }

    /// <summary>The folder of the project's files; null for what its containers say.</summary>
    public string? ProjectFolder { get; init; }

    /// <summary>Absolute paths of files and folders that belong to the same state.</summary>
    public IReadOnlyList<string> AdditionalPaths { get; init; } = [];

    /// <summary>The source's name of the backup; null for the database's own.</summary>
    public string? SourceName { get; init; }

    /// <summary>The command that migrates; null where the new version does it by itself when it starts.</summary>
    public string? Migrate { get; init; }

    /// <summary>
    /// The folder in which it runs, and in which <c>alembic.ini</c> lies where Alembic is used: of this machine, or of the new version's
    /// image, where null means the image's own.
    /// </summary>
    public string? MigrationPath { get; init; }

    /// <summary>How Alembic is started there; null where the code's migrations are not read.</summary>
    public string? MigrationTool { get; init; }

    /// <summary>
    /// The environment variable in which the migration looks for the database's URL, as SQLAlchemy writes it. With it the migration can be
    /// rehearsed on a copy; null where the code names its database itself, or the variable is found among the container's.
    /// </summary>
    public string? DatabaseVariable { get; init; }

    /// <summary>What must hold afterwards: addresses (http, https), assertions (SELECT …, whose first value must be neither 0, false nor null), or commands.</summary>
    public IReadOnlyList<string> Checks { get; init; } = [];

    /// <summary>How long each step may take: to get the new version, the migration, until it is healthy, and each check.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>How long the containers of the new version must stay up and healthy.</summary>
    public TimeSpan SettleTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether a failure leaves everything as it is then.</summary>
    public bool NoRollback { get; init; }

    /// <summary>Whether the rehearsal is left out.</summary>
    public bool NoRehearsal { get; init; }

    /// <summary>Whether it is an error where the migration cannot be rehearsed.</summary>
    public bool RequireRehearsal { get; init; }

    /// <summary>Whether a schema that the code does not know, and others that hold locks in the database, are no obstacle.</summary>
    public bool Force { get; init; }

    /// <summary>How long to wait for a locked database.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How Alembic is started in a command line that migrates with it; null where it is another program that does.</summary>
    public static string? ToolOf(string migrate)
    {
        ArgumentNullException.ThrowIfNull(migrate);
        string[] words = migrate.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int tool = Array.IndexOf(words, "alembic");
        bool isPlain = tool >= 0 && !words[..tool].Any(word => word.AsSpan().ContainsAny(s_operators));
        return isPlain && Array.IndexOf(words, "upgrade", tool) > tool ? string.Join(' ', words[..(tool + 1)]) : null;
    }

    /// <summary>Whether it is about containers.</summary>
    [JsonIgnore]
    internal bool IsOfContainers => Application is not null;

    /// <summary>The compose project; null if the upgrade is of something else.</summary>
    [JsonIgnore]
    internal ContainerAddress.OfService? Project => Application as ContainerAddress.OfService;

    /// <summary>The single container; null if the upgrade is of something else.</summary>
    [JsonIgnore]
    internal ContainerAddress.OfContainer? Container => Application as ContainerAddress.OfContainer;
}
