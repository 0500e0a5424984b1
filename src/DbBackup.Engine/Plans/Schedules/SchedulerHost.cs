using System.Text;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Plans.Schedules;

/// <summary>Where a machine keeps what its schedulers read, and the programs that tell them of it.</summary>
internal record SchedulerHost
{
    /// <summary>This machine.</summary>
    public static SchedulerHost ThisMachine { get; } = new();

    /// <summary>The folder of the machine's own units.</summary>
    public string SystemUnits { get; init; } = "/etc/systemd/system";

    /// <summary>The folder of the user's units.</summary>
    public string UserUnits { get; init; } = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") is { Length: > 0 } configuration ? configuration : Path.Combine(Home, ".config"), "systemd", "user");

    /// <summary>Where systemd notes when the machine's timers with a memory elapsed.</summary>
    public string SystemStamps { get; init; } = "/var/lib/systemd/timers";

    /// <summary>Where it does for the user's.</summary>
    public string UserStamps { get; init; } = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_DATA_HOME") is { Length: > 0 } data ? data : Path.Combine(Home, ".local", "share"), "systemd", "timers");

    /// <summary>The folder that is there while systemd is the machine's first process: sd_booted(3).</summary>
    public string SystemdRuntime { get; init; } = "/run/systemd/system";

    /// <summary>A file for each user whose services run without a session.</summary>
    public string Linger { get; init; } = "/var/lib/systemd/linger";

    /// <summary>The folder of the machine's own cron tables.</summary>
    public string CronTables { get; init; } = "/etc/cron.d";

    /// <summary>True if the user is an administrator.</summary>
    public bool IsAdministrator { get; init; } = Environment.IsPrivilegedProcess;

    /// <summary>The user.</summary>
    public string User { get; init; } = Environment.UserName;

    /// <summary>The machine's time zone.</summary>
    public TimeZoneInfo Zone { get; init; } = TimeZoneInfo.Local;

    private static string Home => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    /// <summary>True if a program is installed.</summary>
    public virtual bool Has(string program) => ExternalTool.Find(program) is not null;

    /// <summary>True if a process of one of these names runs.</summary>
    public virtual bool IsRunning(params string[] names) => names.Any(name => System.Diagnostics.Process.GetProcessesByName(name) is { Length: > 0 } found && Released(found));

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its exit code, its output, and its errors.</returns>
    public virtual (int ExitCode, string Output, string Errors) Run(string program, IReadOnlyList<string> arguments, string? input = null)
    {
        string path = ExternalTool.Find(program) ?? throw new BackupFailure(
            ErrorCodes.SchedulerFailed, FailureCategory.MissingTool, $"The program '{program}' is not installed.", "Install it, or choose another scheduler with -Scheduler.")
        { Target = program };
        var environment = new Dictionary<string, string?>();
        // A shell of su or sudo has no address of the user's own systemd.
        if (!OperatingSystem.IsWindows() && Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is null)
            environment["XDG_RUNTIME_DIR"] = $"/run/user/{UnixFile.EffectiveUserId}";
        using ToolProcess process = ToolProcess.Start(path, arguments, environment, input is null ? ToolUse.Ask : ToolUse.Feed);
        if (input is not null)
        {
            process.Input.Write(Encoding.UTF8.GetBytes(input));
            process.Input.Close();
        }

        using var reader = new StreamReader(process.Output, new UTF8Encoding(false));
        string output = reader.ReadToEnd();
        int exitCode = process.WaitAsync(CancellationToken.None).GetAwaiter().GetResult();
        return (exitCode, output, process.Errors);
    }

    private static bool Released(System.Diagnostics.Process[] processes)
    {
        foreach (System.Diagnostics.Process process in processes)
            process.Dispose();
        return true;
    }
}
