using System.Text.Json.Serialization;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Upgrades;

/// <summary>What is upgraded: exactly one of the kinds. It is written to the journal, without a password.</summary>
[JsonDerivedType(typeof(SqliteFile), "sqlite")]
[JsonDerivedType(typeof(ServerDatabase), "server")]
[JsonDerivedType(typeof(ServerMove), "serverMove")]
[JsonDerivedType(typeof(Container), "container")]
[JsonDerivedType(typeof(ComposeProject), "compose")]
[JsonDerivedType(typeof(MajorVersion), "majorVersion")]
public abstract record UpgradeSubject
{
    private UpgradeSubject()
    {
    }

    /// <summary>A SQLite database.</summary>
    /// <param name="Path">The absolute path.</param>
    public sealed record SqliteFile(string Path) : UpgradeSubject
    {
        /// <summary>Absolute paths of files and folders that belong to the same state.</summary>
        public IReadOnlyList<string> AdditionalPaths { get; init; } = [];
    }

    /// <summary>A database of a server.</summary>
    /// <param name="Connection">The server, who connects, and the database.</param>
    public sealed record ServerDatabase(PostgreSqlConnectionRequest Connection) : UpgradeSubject
    {
        /// <summary>Absolute paths of files and folders that belong to the same state.</summary>
        public IReadOnlyList<string> AdditionalPaths { get; init; } = [];
    }

    /// <summary>A whole server, whose databases and roles are loaded into another server, of the same or a newer major version.</summary>
    /// <param name="From">The old server and its superuser; its database is the one in which checks run.</param>
    /// <param name="To">The new server and its superuser.</param>
    public sealed record ServerMove(PostgreSqlConnectionRequest From, PostgreSqlConnectionRequest To) : UpgradeSubject
    {
        /// <summary>The major version of the old server; 0 until the servers were asked.</summary>
        public int FromMajor { get; init; }

        /// <summary>The major version of the new server; 0 until the servers were asked.</summary>
        public int ToMajor { get; init; }
    }

    /// <summary>An application in containers.</summary>
    public abstract record Application : UpgradeSubject
    {
        private protected Application()
        {
        }

        /// <summary>The Docker Engine: an address or the name of a docker context; null for the environment's default.</summary>
        public string? DockerHost { get; init; }

        /// <summary>Absolute paths, in the container or in that of the first service, of what is backed up; empty for its writable volumes.</summary>
        public IReadOnlyList<string> ContainerPaths { get; init; } = [];

        /// <summary>The SQLite databases there; null if they were not searched for yet.</summary>
        public IReadOnlyList<string>? DatabaseFiles { get; init; }

        /// <summary>Pulls new images.</summary>
        public bool Pull { get; init; }

        /// <summary>The container whose files are backed up, and in whose image the migration runs.</summary>
        internal abstract ContainerAddress Main { get; }
    }

    /// <summary>A container that belongs to no compose project.</summary>
    /// <param name="Name">Its name or ID.</param>
    public sealed record Container(string Name) : Application
    {
        /// <summary>The image that the container gets; null for its own.</summary>
        public string? Image { get; init; }

        internal override ContainerAddress Main => new ContainerAddress.OfContainer(Name) { DockerHost = DockerHost };
    }

    /// <summary>Services of a compose project.</summary>
    /// <param name="Name">The project's name, or the folder of its files.</param>
    public sealed record ComposeProject(string Name) : Application
    {
        /// <summary>The folder of the project's files; null for the one that its containers name.</summary>
        public string? Folder { get; init; }

        /// <summary>The files that define the project, in their order; empty for those that it was started with.</summary>
        public IReadOnlyList<string> Files { get; init; } = [];

        /// <summary>The services that get the new version; the migration runs in the first. Empty for all but that of the database.</summary>
        public IReadOnlyList<string> Services { get; init; } = [];

        /// <summary>The service with the PostgreSQL server; null to search for it.</summary>
        public string? DatabaseService { get; init; }

        /// <summary>The database of that server; null for the one that its container was made with.</summary>
        public string? Database { get; init; }

        /// <summary>The tag, branch or commit of the project's work tree that is checked out; null to leave it as it is.</summary>
        public string? GitRef { get; init; }

        /// <summary>Builds the services' images.</summary>
        public bool Build { get; init; }

        /// <summary>The image of another major version that the database service gets; null for the one that the project's files name.</summary>
        public string? Image { get; init; }

        internal override ContainerAddress Main => AddressOf(Services[0]);

        /// <summary>The server of the database service.</summary>
        internal ServerAddress Server => new ServerAddress.Through(new ContainerServerAddress(AddressOf(DatabaseService)));

        private ContainerAddress.OfService AddressOf(string? service) => new(Name, service) { DockerHost = DockerHost };
    }

    /// <summary>A PostgreSQL server in a container that gets another major version: its databases are loaded into a new server, in a new volume.</summary>
    /// <param name="Name">The container's name.</param>
    /// <param name="Image">The new image.</param>
    internal sealed record MajorVersion(string Name, string Image) : Application
    {
        /// <summary>The compose project of the container; null if it belongs to none.</summary>
        public string? Project { get; init; }

        /// <summary>The compose service of the container; null if it belongs to none.</summary>
        public string? Service { get; init; }

        /// <summary>The folder of the project's files; null if they are not on this machine.</summary>
        public string? Folder { get; init; }

        /// <summary>The files that define the project, in their order; empty for those that it was started with.</summary>
        public IReadOnlyList<string> Files { get; init => field = value ?? []; } = [];

        /// <summary>The major version of the present image.</summary>
        public required int From { get; init; }

        /// <summary>The major version of the new image.</summary>
        public required int To { get; init; }

        /// <summary>The volume with the data, and where the container mounts it.</summary>
        public required ServerVolume Old { get; init; }

        /// <summary>The volume that is created, and where the new container mounts it.</summary>
        public required ServerVolume New { get; init; }

        /// <summary>The volumes that have tablespaces alone, each with the one that is created for it and mounted at the same path.</summary>
        public IReadOnlyList<MovedVolume> Tablespaces { get; init => field = value ?? []; } = [];

        /// <summary>The database in which checks run; null for the one that the container was created with.</summary>
        public string? Database { get; init; }

        /// <summary>All volumes of the server, that with the data first.</summary>
        internal IReadOnlyList<MovedVolume> Volumes => [new MovedVolume(Old, New), .. Tablespaces];

        internal override ContainerAddress Main => Project is null
            ? new ContainerAddress.OfContainer(Name) { DockerHost = DockerHost }
            : new ContainerAddress.OfService(Project, Service) { DockerHost = DockerHost };

        /// <summary>The server: the old one before the upgrade, and the new one after it.</summary>
        internal ServerAddress Server => new ServerAddress.Through(new ContainerServerAddress(Main));
    }

    /// <summary>A volume of a server, and the one that the new server has in its place.</summary>
    /// <param name="Old">The old server's.</param>
    /// <param name="New">The new server's.</param>
    internal sealed record MovedVolume(ServerVolume Old, ServerVolume New);

    /// <summary>A volume with a server's data.</summary>
    /// <param name="Name">The volume's name.</param>
    /// <param name="Path">The mount path in the container.</param>
    /// <param name="Key">The name in the compose project's files; null if they do not declare it.</param>
    internal sealed record ServerVolume(string Name, string Path, string? Key = null);
}
