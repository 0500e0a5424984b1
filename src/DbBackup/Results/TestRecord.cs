using System.Globalization;

namespace DbBackup;

/// <summary>The outcome of one test of a backup, kept beside its manifest.</summary>
public sealed record TestRecord
{
    /// <summary>When the test ended (UTC).</summary>
    public required DateTimeOffset Tested { get; init; }

    /// <summary>How deep it went.</summary>
    public required BackupTestLevel Level { get; init; }

    /// <summary>True if everything was right.</summary>
    public required bool Passed { get; init; }

    /// <summary>How far the backup has climbed with it.</summary>
    public required BackupStatus Reached { get; init; }

    /// <summary>What was wrong; null for a test that passed.</summary>
    public string? Failure { get; init; }

    /// <summary>The SHA-256 of the <c>backup.json</c> that it tested.</summary>
    public string? ManifestSha256 { get; init; }

    /// <summary>The computer on which it ran.</summary>
    public string? Host { get; init; }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Tested.ToLocalTime():yyyy-MM-dd HH:mm} {Level}: {(Passed ? Reached.ToString() : "FAILED, " + Failure)}");
}

/// <summary>How deep a test goes; each includes the ones before it.</summary>
public enum BackupTestLevel
{
    /// <summary>Every payload is read whole; sizes and hashes are compared with the manifest.</summary>
    Checksum,

    /// <summary>Every payload is also decompressed to its end, and its structure is read: the database's own check, the archive's entries.</summary>
    Structure,

    /// <summary>The backup is restored into a scratch place and compared with its fingerprint: the restore test.</summary>
    Restore,
}
