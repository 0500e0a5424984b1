namespace DbBackup;

/// <summary>A failure that needs no more data than its code, message and hint.</summary>
public sealed class BackupFailure : BackupException
{
    /// <summary>Creates the failure; see <see cref="BackupException"/> for the parameters.</summary>
    public BackupFailure(string code, FailureCategory category, string message, string hint, Exception? innerException = null)
        : base(code, category, message, hint, innerException)
    {
    }
}

/// <summary>A backup was made and kept, but its test failed or could not run.</summary>
public sealed class BackupUnprovedException : BackupException
{
    /// <summary>Creates the failure.</summary>
    /// <param name="backup">The backup, which was kept.</param>
    /// <param name="category">The kind of problem.</param>
    /// <param name="reason">What the test found, or why it could not run.</param>
    /// <param name="hint">The next step.</param>
    /// <param name="innerException">The failure of the test; null if it ran.</param>
    public BackupUnprovedException(Backup backup, FailureCategory category, string reason, string hint, Exception? innerException = null)
        : base(ErrorCodes.BackupUnproved, category, $"The backup '{backup}' was made and kept, but it is not proved: {reason}", hint, innerException)
    {
        Backup = backup;
        Target = backup?.ToString();
    }

    /// <summary>The backup.</summary>
    public Backup Backup { get; }
}

/// <summary>A volume has too little room for what is about to be written.</summary>
public sealed class NotEnoughSpaceException : BackupException
{
    /// <summary>Creates the failure.</summary>
    /// <param name="path">A path on the volume.</param>
    /// <param name="requiredBytes">How many bytes are needed.</param>
    /// <param name="availableBytes">How many bytes are free.</param>
    /// <param name="purpose">What they are needed for, as in "the staged copy of pats.db".</param>
    /// <param name="hint">What to do next; null for the usual advice.</param>
    public NotEnoughSpaceException(string path, long requiredBytes, long availableBytes, string purpose, string? hint = null)
        : base(
            ErrorCodes.NotEnoughSpace,
            FailureCategory.NoSpace,
            $"The volume of '{path}' has {ByteSize.Format(availableBytes)} free, but {purpose} needs {ByteSize.Format(requiredBytes)}. Nothing was changed.",
            hint ?? "Free some room there (Get-DbBackup | Where Age -gt 30d | Remove-DbBackup), or use another volume.")
    {
        Target = path;
        RequiredBytes = requiredBytes;
        AvailableBytes = availableBytes;
    }

    /// <summary>How many bytes are needed.</summary>
    public long RequiredBytes { get; }

    /// <summary>How many bytes are free.</summary>
    public long AvailableBytes { get; }
}

/// <summary>A program that was run (<c>sqlite3</c>, later <c>pg_dump</c>) failed.</summary>
public sealed class ToolFailedException : BackupException
{
    /// <summary>Creates the failure.</summary>
    /// <param name="tool">The program's name.</param>
    /// <param name="exitCode">Its exit code.</param>
    /// <param name="lastLines">The end of its standard error.</param>
    /// <param name="hint">The next step.</param>
    public ToolFailedException(string tool, int exitCode, string lastLines, string hint)
        : base(ErrorCodes.ToolFailed, FailureCategory.ReadError, $"{tool} failed with exit code {exitCode}: {lastLines.Trim()}", hint)
    {
        Target = tool;
        Tool = tool;
        ExitCode = exitCode;
        LastLines = lastLines;
    }

    /// <summary>The program's name.</summary>
    public string Tool { get; }

    /// <summary>Its exit code.</summary>
    public int ExitCode { get; }

    /// <summary>The end of what it wrote to standard error.</summary>
    public string LastLines { get; }

    /// <summary>True if a signal ended it (Linux and macOS): that says nothing of what it was working on.</summary>
    public bool WasKilled => ExitCode > 128;
}
