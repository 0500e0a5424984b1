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
        if (SqliteCheck.FindDamage(File, context.ThoroughCheck, cancellationToken) is { } damage)
            throw SqliteFailures.Damaged(ShownAs, damage);
        Fingerprint fingerprint = SqliteFingerprint.Take(File, context.Fingerprint, cancellationToken);
        if (fingerprint.Tables.Count == 0 && !AllowEmpty)
        {
            throw new BackupFailure(
                ErrorCodes.SourceEmpty,
                FailureCategory.InvalidData,
                $"'{ShownAs}' has no tables, so there is nothing to back up.",
                "Check that this is the application's real database, or allow it with -AllowEmpty.")
            { Target = ShownAs };
        }

        context.Observer.Verbose($"Checked the copy of {FileName}: {fingerprint.Tables.Count} tables, {fingerprint.TotalRows} rows.");
        return new CaptureFacts(context.Fingerprint == FingerprintLevel.None ? null : fingerprint, SqliteFingerprint.SchemaRevision(File, cancellationToken));
    }
}
