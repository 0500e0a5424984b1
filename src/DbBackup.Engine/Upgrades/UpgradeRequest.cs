using System.Buffers;

namespace DbBackup.Engine.Upgrades;

/// <summary>What is upgraded, and how. It is written to the journal as it is, so nothing secret belongs into it.</summary>
public sealed record UpgradeRequest
{
    private static readonly SearchValues<char> s_operators = SearchValues.Create("&;|()$<>");

    /// <summary>The absolute path of the SQLite database.</summary>
    public required string DatabasePath { get; init; }

    /// <summary>Absolute paths of files and folders that belong to the same state.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>The source's name of the backup; null for the database's own.</summary>
    public string? SourceName { get; init; }

    /// <summary>The command that migrates, as a shell takes it.</summary>
    public required string Migrate { get; init; }

    /// <summary>The absolute path of the folder in which it runs, and in which <c>alembic.ini</c> lies where Alembic is used.</summary>
    public required string CodePath { get; init; }

    /// <summary>How Alembic is started there; null where the code's migrations are not read.</summary>
    public string? MigrationTool { get; init; }

    /// <summary>
    /// The environment variable in which the migration looks for the database's URL, as SQLAlchemy writes it. With it the migration can be
    /// rehearsed on a copy; null where the code names its database itself.
    /// </summary>
    public string? DatabaseVariable { get; init; }

    /// <summary>How Alembic is started in a command line that migrates with it; null where it is another program that does.</summary>
    public static string? ToolOf(string migrate)
    {
        ArgumentNullException.ThrowIfNull(migrate);
        string[] words = migrate.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int tool = Array.IndexOf(words, "alembic");
        bool isPlain = tool >= 0 && !words[..tool].Any(word => word.AsSpan().ContainsAny(s_operators));
        return isPlain && Array.IndexOf(words, "upgrade", tool) > tool ? string.Join(' ', words[..(tool + 1)]) : null;
    }

    /// <summary>What must hold afterwards: addresses (http, https), assertions (SELECT …, whose first value must be neither 0, false nor null), or commands.</summary>
    public IReadOnlyList<string> Checks { get; init; } = [];

    /// <summary>How long the migration, and each check, may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Whether a failure leaves everything as it is then.</summary>
    public bool NoRollback { get; init; }

    /// <summary>Whether the rehearsal is left out.</summary>
    public bool NoRehearsal { get; init; }

    /// <summary>Whether a schema that the code does not know is no obstacle.</summary>
    public bool Force { get; init; }

    /// <summary>How long to wait for a locked database.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The database that it is about.</summary>
    internal IUpgradeSubject ToSubject() => new SqliteSubject(DatabasePath, this);
}
