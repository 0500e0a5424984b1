using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>A finished copy of a database, from which its payload and its facts are made.</summary>
/// <param name="File">The copy: one file that holds everything.</param>
/// <param name="ShownAs">What it is a copy of, for messages.</param>
/// <param name="FileName">The database's own file name.</param>
internal sealed record SqliteCopy(string File, string ShownAs, string FileName)
{
    /// <summary>Where it was captured, as the manifest has it.</summary>
    public required string OriginalPath { get; init; }

    /// <summary>Where it lies in a folder of the same backup; null where it lies in none, or where the paths say so.</summary>
    public string? Within { get; init; }

    /// <summary>Octal permission bits of the original; null where the system has none.</summary>
    public string? UnixMode { get; set; }

    /// <summary><c>uid:gid</c> of the original; null where the system has none.</summary>
    public string? UnixOwner { get; set; }

    /// <summary>True if a database without any table is accepted.</summary>
    public bool AllowEmpty { get; init; }

    /// <summary>True if a damaged database is stored as it is and marked, for the sake of the files around it.</summary>
    public bool KeepDamaged { get; init; }

    /// <summary>Takes over the owner and the mode of the original.</summary>
    public void TakeOwnerAndMode(string path)
    {
        UnixMode = OperatingSystem.IsWindows() ? null : Convert.ToString((int)System.IO.File.GetUnixFileMode(path), 8);
        UnixOwner = UnixFile.TryStatFollow(path, out UnixFileFacts facts) ? $"{facts.UserId}:{facts.GroupId}" : null;
    }

    /// <summary>What is to be stored of it.</summary>
    public CapturedPayload ToPayload(CaptureContext context) => new()
    {
        FileName = FileName,
        Kind = PayloadKind.Database,
        Format = PayloadFormat.SqliteFile,
        RestoreName = FileName,
        OriginalPath = OriginalPath,
        Within = Within,
        UnixMode = UnixMode,
        UnixOwner = UnixOwner,
        Length = new FileInfo(File).Length,
        OpenRead = () => new FileStream(File, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1, FileOptions.SequentialScan),
        CollectFacts = token => Task.Run(() => CollectFacts(context, token), token),
    };

    /// <summary>Checks the copy and takes its facts.</summary>
    /// <exception cref="BackupException">It is damaged, or holds nothing.</exception>
    public CaptureFacts CollectFacts(CaptureContext context, CancellationToken cancellationToken)
    {
        try
        {
            return CheckedFacts(context, cancellationToken);
        }
        catch (BackupException failure) when (SqliteFailures.IsOfNewerSchema(failure))
        {
            return new CaptureFacts(null, null) { Damage = "not checked: " + failure.Message, Notes = [Marked(context, $"{failure.Message} It is in the backup whole, but could not be checked: update DbBackup.")] };
        }
        catch (BackupException failure) when (KeepDamaged && failure.Code is ErrorCodes.SourceCorrupt or ErrorCodes.SourceNotSqlite or ErrorCodes.SourceUnreadable)
        {
            return new CaptureFacts(null, null) { Damage = failure.Message, Notes = [Marked(context, $"{failure.Message} It is in the backup as it is, because of the files around it.")] };
        }
    }

    private CaptureFacts CheckedFacts(CaptureContext context, CancellationToken cancellationToken)
    {
        SqliteFindings findings = SqliteCheck.Run(File, ShownAs, context.ThoroughCheck, cancellationToken);
        if (findings.Damage is { } damage)
            throw SqliteFailures.Damaged(ShownAs, damage);
        Fingerprint fingerprint = SqliteFingerprint.Take(File, context.Fingerprint, cancellationToken, ShownAs, findings.IndexDamage is not null);
        if (fingerprint.Tables.Count == 0 && !AllowEmpty)
        {
            throw new BackupFailure(
                ErrorCodes.SourceEmpty,
                FailureCategory.InvalidData,
                $"'{ShownAs}' has no tables, so there is nothing to back up.",
                "Check that this is the application's real database, or allow it with -AllowEmpty.")
            { Target = ShownAs };
        }

        var notes = findings.Notes.Select(note => $"{FileName}: {note}").ToList();
        if (findings.IndexDamage is { } indexes)
        {
            notes.Add(Marked(context, $"'{ShownAs}' has damaged indexes; its rows are whole, and it is in the backup as it is: {indexes}. Rebuild them with: sqlite3 '{ShownAs}' REINDEX, or load its .dump into a new file where that finds the index malformed"));
        }

        context.Observer.Verbose($"Checked the copy of {FileName}: {fingerprint.Tables.Count} tables, {fingerprint.TotalRows} rows.");
        return new CaptureFacts(context.Fingerprint == FingerprintLevel.None ? null : fingerprint, SqliteFingerprint.SchemaRevision(File, cancellationToken))
        {
            Damage = findings.IndexDamage,
            Notes = notes,
        };
    }

    private static string Marked(CaptureContext context, string warning)
    {
        context.Observer.Warning(warning);
        return warning;
    }
}
