using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>Tests a SQLite payload: loads it into a scratch file, runs SQLite's own check on it, compares it.</summary>
internal static class SqliteTest
{
    public static async Task<DatabaseTestOutcome> RunAsync(DatabaseTestRun run, CancellationToken cancellationToken)
    {
        Payload payload = run.Payload;
        string database = Path.Combine(run.Scratch, $"{Guid.NewGuid():N}.db");
        var progress = new PayloadProgress(run.Observer, run.Activity, $"reading {payload.FileName}", payload.OriginalSize);
        await SqliteRestore.RestoreAsync(run.Content, payload, database, progress, cancellationToken).ConfigureAwait(false);
        run.AddReadWhole();

        bool thorough = run.Options.Level == BackupTestLevel.Restore;
        run.Observer.Progress(new OperationProgress(run.Activity, $"checking {payload.RestoreName}"));
        string check = $"{payload.RestoreName} {(thorough ? "integrity_check" : "quick_check")}";
        if (payload is { Damage: { } known, Fingerprint: null })
        {
            // Its bytes are what was captured: more cannot be asked of it.
            run.Checks.Add(new BackupCheck(check, true, $"as it was captured: {known}"));
            File.Delete(database);
            return DatabaseTestOutcome.Checked;
        }

        SqliteFindings findings = await Task.Run(() => SqliteCheck.Run(database, payload.RestoreName, thorough, cancellationToken), cancellationToken).ConfigureAwait(false);
        string? damage = findings.Damage;
        // A damaged index is the source's own: the bytes are those that were captured.
        run.Checks.Add(new BackupCheck(check, damage is null, damage ?? (findings.IndexDamage is { } indexes ? $"as it was captured, damaged in indexes alone (REINDEX rebuilds them): {indexes}" : "ok")));
        DatabaseTestOutcome outcome = thorough ? DatabaseTestOutcome.Restored : DatabaseTestOutcome.Checked;
        if (thorough && damage is null && payload.Fingerprint is { } expected)
        {
            run.Observer.Progress(new OperationProgress(run.Activity, $"comparing {payload.RestoreName} with its fingerprint"));
            Fingerprint actual = await Task.Run(() => SqliteFingerprint.Take(database, expected.Level, cancellationToken, null, payload.Damage is not null), cancellationToken).ConfigureAwait(false);
            if (run.AddComparison(payload.RestoreName, expected, actual))
                outcome = DatabaseTestOutcome.Matched;
        }

        if (thorough && damage is null)
        {
            using SqliteDatabase restored = SqliteDatabase.OpenImmutable(database, cancellationToken);
            await run.Assertions.AskAsync(assertion => Task.Run(() => restored.Scalar(assertion), cancellationToken), value => value is not (0L or 0.0 or string or byte[])).ConfigureAwait(false);
        }

        File.Delete(database);
        return outcome;
    }
}
