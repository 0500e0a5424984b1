namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>What of the process and its machine decides how a server is reached. Tests give their own.</summary>
public sealed record PostgreSqlEnvironment
{
    /// <summary>The process's own environment. Variables and files are read when they are asked for, not before.</summary>
    public static PostgreSqlEnvironment OfProcess { get; } = new();

    /// <summary>Reads an environment variable; null where it is not set.</summary>
    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>The user's home folder; empty where there is none.</summary>
    public string HomeFolder { get; init; } = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    /// <summary>The name of the system's user, which is the default role.</summary>
    public string SystemUser { get; init; } = Environment.UserName;

    /// <summary>True if Windows' places for files and its default host apply.</summary>
    public bool IsWindows { get; init; } = OperatingSystem.IsWindows();

    /// <summary>Reads a text file; null where it does not exist or is no plain file. Throws what <see cref="File"/> throws.</summary>
    public Func<string, IReadOnlyList<string>?> ReadLines { get; init; } = path => File.Exists(path) ? File.ReadAllLines(path) : null;

    /// <summary>True if a file's mode gives its group or others any right. Always false on Windows, which has no such mode.</summary>
    public Func<string, bool> OthersMayAccess { get; init; } = OthersMayAccessFile;

    /// <summary>True if a folder exists.</summary>
    public Func<string, bool> FolderExists { get; init; } = Directory.Exists;

    /// <summary>A variable's value; null where it is not set or empty, which libpq takes for the same.</summary>
    internal string? Value(string variable) => Variable(variable) is { Length: > 0 } value ? value : null;

    /// <summary>The place of a file of the user's own, as libpq has it for each system; null where the system names no such folder.</summary>
    internal string? UserFile(string onUnix, string onWindows)
    {
        if (!IsWindows)
            return HomeFolder.Length == 0 ? null : HomeFolder.TrimEnd('/') + "/" + onUnix;
        return Value("APPDATA") is { } folder ? folder.TrimEnd('\\') + @"\postgresql\" + onWindows : null;
    }

    private static bool OthersMayAccessFile(string path)
    {
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        return !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & others) != 0;
    }
}
