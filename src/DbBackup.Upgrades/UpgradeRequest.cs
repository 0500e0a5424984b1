using System.Buffers;
using System.Text.Json.Serialization;
using DbBackup.Engine.Encryption;

namespace DbBackup.Upgrades;

/// <summary>What is upgraded, and how. It is written to the journal.</summary>
public sealed record UpgradeRequest
{
    private static readonly SearchValues<char> s_operators = SearchValues.Create("&;|()$<>");

    /// <summary>What is upgraded.</summary>
    public required UpgradeSubject Subject { get; init; }

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

    /// <summary>True if a failure leaves everything as it is then.</summary>
    public bool NoRollback { get; init; }

    /// <summary>True if the rehearsal is left out.</summary>
    public bool NoRehearsal { get; init; }

    /// <summary>True if it is an error where the migration cannot be rehearsed.</summary>
    public bool RequireRehearsal { get; init; }

    /// <summary>True if a schema that the code does not know, and others that hold locks in the database, are no obstacle.</summary>
    public bool Force { get; init; }

    /// <summary>True if the upgrade of a server in a compose project also changes the lines for the image and the volume in the project's files.</summary>
    public bool UpdateComposeFile { get; init; }

    /// <summary>To whom the backup is encrypted, for the journal: public keys, or the word <c>passphrase</c>; empty if it is not.</summary>
    public IReadOnlyList<string> Recipients { get; init; } = [];

    /// <summary>To whom the backup is encrypted; null if it is not. The journal has <see cref="Recipients"/> in its place, and no passphrase.</summary>
    [JsonIgnore]
    public BackupSealing? Sealing
    {
        get;
        init
        {
            field = value;
            Recipients = value?.Names ?? [];
        }
    }

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

    /// <summary>True if the upgrade stops and recreates containers.</summary>
    [JsonIgnore]
    internal bool StopsApplication => Subject is UpgradeSubject.Application;

    /// <summary>True if the upgrade loads the databases into a new server; the old data, which stay where they are, are what a rollback returns to.</summary>
    [JsonIgnore]
    internal bool ReplacesServer => Subject is UpgradeSubject.MajorVersion or UpgradeSubject.ServerMove;
}
