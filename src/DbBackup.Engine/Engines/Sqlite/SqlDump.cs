using System.Globalization;
using System.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>SQL text of a database: written by the stock <c>sqlite3</c> program, proved by loading it again.</summary>
internal static class SqlDump
{
    private const string Tool = "sqlite3";

    /// <summary>Fails with the reason where the <c>sqlite3</c> program is not installed.</summary>
    public static string RequireTool() => ExternalTool.Find(Tool) ?? throw new BackupFailure(
        ErrorCodes.ToolMissing,
        FailureCategory.MissingTool,
        "A SQL dump is written by the sqlite3 program, which is not on PATH.",
        "Install it (Debian: apt install sqlite3; Windows: winget install SQLite.SQLite; macOS has it), or use -Format Native, which needs nothing.")
    { Target = Tool };

    /// <summary>Writes the dump of a checked file that nobody writes.</summary>
    /// <returns>The version of the program.</returns>
    public static string Write(string database, string dump, Fingerprint facts, CancellationToken cancellationToken)
    {
        string tool = RequireTool();
        using (FileStream target = PrivateFiles.CreateNew(dump))
        {
            target.Write(Encoding.UTF8.GetBytes(Settings(facts, beforeTables: true)));
            ExternalTool.Run(
                tool,
                ["-batch", "-bail", "-init", OperatingSystem.IsWindows() ? "NUL" : "/dev/null", "-readonly", database, ".dump"],
                target,
                "Check the copy with: sqlite3 DATABASE 'PRAGMA integrity_check'; a database with virtual tables of an extension cannot be dumped as SQL, use -Format Native.",
                cancellationToken);
            target.Write(Encoding.UTF8.GetBytes(Settings(facts, beforeTables: false)));
        }

        RequireTrailer(dump);
        return ExternalTool.FirstLine(tool, ["--version"]).Split(' ')[0];
    }

    /// <summary>Loads the dump into a new database and compares it with the facts of the original.</summary>
    /// <exception cref="BackupException">The dump does not give the original back.</exception>
    public static void Prove(string dump, string shownAs, string scratch, Fingerprint facts, CancellationToken cancellationToken)
    {
        try
        {
            using var text = new FileStream(dump, FileMode.Open, FileAccess.Read, FileShare.Read);
            SqlScript.Load(text, scratch, cancellationToken);
        }
        catch (BackupException failure) when (SqliteFailures.NeedsApplication(failure.Message))
        {
            throw SqliteFailures.OfApplication(shownAs, failure.Message, failure);
        }

        IReadOnlyList<string> differences = facts.DifferencesFrom(SqliteFingerprint.Take(scratch, facts.Level, cancellationToken));
        File.Delete(scratch);
        if (differences.Count > 0)
        {
            throw new BackupFailure(
                ErrorCodes.DumpIncomplete,
                FailureCategory.InvalidData,
                $"The SQL dump differs from the database when it is reloaded: {string.Join("; ", differences.Take(5))}.",
                "No backup was made. Use -Format Native, which stores the database file itself.")
            { Target = dump };
        }
    }

    // What .dump leaves out: without these lines user_version, application_id, auto_vacuum and WAL mode would be lost.
    private static string Settings(Fingerprint facts, bool beforeTables)
    {
        string Value(string name) => facts.Settings.TryGetValue(name, out string? value) ? value : "0";
        return beforeTables
            ? string.Create(CultureInfo.InvariantCulture, $"PRAGMA encoding='{Value("encoding")}';\nPRAGMA page_size={Value("page_size")};\nPRAGMA auto_vacuum={Value("auto_vacuum")};\n")
            : $"PRAGMA user_version={Value("user_version")};\nPRAGMA application_id={Value("application_id")};\n"
                + (Value("journal_mode") == "wal" ? "PRAGMA journal_mode=WAL;\n" : string.Empty);
    }

    // .dump ends in ROLLBACK, with exit code 0, when it met damage.
    private static void RequireTrailer(string dump)
    {
        using var file = new FileStream(dump, FileMode.Open, FileAccess.Read, FileShare.Read);
        file.Seek(-Math.Min(file.Length, 512), SeekOrigin.End);
        using var reader = new StreamReader(file);
        string end = reader.ReadToEnd();
        if (!end.Contains("COMMIT;", StringComparison.Ordinal) || end.Contains("\nROLLBACK; -- due to errors", StringComparison.Ordinal))
        {
            throw new BackupFailure(
                ErrorCodes.DumpIncomplete,
                FailureCategory.InvalidData,
                "The SQL dump does not end in COMMIT: sqlite3 met an error in the middle.",
                "No backup was made. Use -Format Native, which stores the database file itself.")
            { Target = dump };
        }
    }
}
