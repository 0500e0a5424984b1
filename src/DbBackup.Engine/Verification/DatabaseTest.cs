namespace DbBackup.Engine.Verification;

/// <summary>How far a database payload proved itself in a test that found nothing wrong.</summary>
internal enum DatabaseTestOutcome
{
    /// <summary>It was read to its end; it was not restored, or it could not be here for reasons that are not its own.</summary>
    Checked,

    /// <summary>It was restored; there was nothing to compare it with.</summary>
    Restored,

    /// <summary>It was restored, and equal to its fingerprint.</summary>
    Matched,
}

/// <summary>One database payload under test.</summary>
/// <param name="Content">The backup.</param>
/// <param name="Payload">The payload.</param>
/// <param name="Options">How deep, and where.</param>
/// <param name="Scratch">A folder for temporary files.</param>
/// <param name="Checks">Takes what was checked.</param>
/// <param name="Missing">Takes what a restore test would have needed and did not find.</param>
/// <param name="Observer">Hears of the progress.</param>
/// <param name="Activity">The words under which progress is shown.</param>
internal sealed record DatabaseTestRun(
    BackupContent Content,
    Payload Payload,
    BackupTestOptions Options,
    string Scratch,
    List<BackupCheck> Checks,
    List<string> Missing,
    IOperationObserver Observer,
    string Activity);

/// <summary>Tests one kind of database payload. A damaged payload is a failed check, or an exception of the category InvalidData.</summary>
internal abstract class DatabaseTest
{
    /// <summary>The test for a payload's form.</summary>
    public static DatabaseTest For(Payload payload) => payload.Format switch
    {
        PayloadFormat.SqliteFile or PayloadFormat.SqliteSql => new SqliteTest(),
        _ => new PostgreSqlTest(),
    };

    /// <summary>Runs the test.</summary>
    public abstract Task<DatabaseTestOutcome> RunAsync(DatabaseTestRun run, CancellationToken cancellationToken);

    /// <summary>The check for a payload that was read whole.</summary>
    protected static BackupCheck ReadWhole(Payload payload) =>
        new($"{payload.FileName} checksum", true, $"{ByteSize.Format(payload.OriginalSize)} read whole, both SHA-256 are right");

    /// <summary>The check that compares what was restored with the fingerprint.</summary>
    protected static BackupCheck Compare(string name, Fingerprint expected, Fingerprint actual)
    {
        IReadOnlyList<string> differences = expected.DifferencesFrom(actual);
        return new BackupCheck(
            $"{name} fingerprint",
            differences.Count == 0,
            differences.Count == 0
                ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{expected.Tables.Count} tables, {expected.TotalRows} rows{(expected.Level == FingerprintLevel.Content ? ", all contents" : string.Empty)} equal")
                : string.Join("; ", differences.Take(5)));
    }
}
