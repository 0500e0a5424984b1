using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Engines;

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
/// <param name="Assertions">Takes the answers of the restored database.</param>
/// <param name="Observer">The progress observer.</param>
/// <param name="Activity">The words under which progress is shown.</param>
internal sealed record DatabaseTestRun(
    BackupContent Content,
    Payload Payload,
    BackupTestOptions Options,
    string Scratch,
    List<BackupCheck> Checks,
    List<string> Missing,
    AssertionAnswers Assertions,
    IOperationObserver Observer,
    string Activity)
{
    /// <summary>Adds the check for the payload, which was read whole.</summary>
    public void AddReadWhole() =>
        Checks.Add(new($"{Payload.FileName} checksum", true, $"{ByteSize.Format(Payload.OriginalSize)} read whole, both SHA-256 are right"));

    /// <summary>Adds the check that compares what was restored with the fingerprint.</summary>
    /// <returns>True if they are equal.</returns>
    public bool AddComparison(string name, Fingerprint expected, Fingerprint actual)
    {
        IReadOnlyList<string> differences = expected.DifferencesFrom(actual);
        Checks.Add(new BackupCheck(
            $"{name} fingerprint",
            differences.Count == 0,
            differences.Count == 0
                ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{expected.Tables.Count} tables, {expected.TotalRows} rows{(expected.Level == FingerprintLevel.Content ? ", all contents" : string.Empty)} equal")
                : string.Join("; ", differences.Take(5))) { IsOfRestore = true });
        return differences.Count == 0;
    }
}
