namespace DbBackup.Testing;

/// <summary>What a test wants of a server of its own.</summary>
internal sealed record PostgreSqlOptions
{
    /// <summary>Where the programs are; null for the newest that is installed.</summary>
    public PostgreSqlPrograms? Programs { get; init; }

    /// <summary>Lines of postgresql.conf, after the ones that all servers of the tests have.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>The folder in which the server's own folder is made, for example a small disk; null for the temporary folder.</summary>
    public string? Parent { get; init; }
}

/// <summary>How a server ends.</summary>
internal enum PostgreSqlStop
{
    /// <summary>It waits for its clients.</summary>
    Smart,

    /// <summary>It disconnects its clients and writes a checkpoint.</summary>
    Fast,

    /// <summary>It drops everything, and recovers at the next start.</summary>
    Immediate,
}
