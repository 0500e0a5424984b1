using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Engines;

/// <summary>How a backup is tested.</summary>
public sealed record BackupTestOptions
{
    /// <summary>How deep.</summary>
    public BackupTestLevel Level { get; init; } = BackupTestLevel.Structure;

    /// <summary>Where payloads are unpacked for the test; null for the repository's work folder.</summary>
    public string? StagingPath { get; init; }

    /// <summary>The test server and who connects to it; null for the server from which the backup was taken.</summary>
    public PostgreSqlConnectionRequest? TestServer { get; init; }

    /// <summary>Questions to the restored database in SQL; each must return true.</summary>
    public IReadOnlyList<string> Assertions { get; init; } = [];

    /// <summary>How many jobs restore at once; null for as many as help here.</summary>
    public int? Jobs { get; init; }

    /// <summary>True if someone else may have put the backup there: what it says of its origin is not believed.</summary>
    internal bool IsSuspect { get; init; }
}
