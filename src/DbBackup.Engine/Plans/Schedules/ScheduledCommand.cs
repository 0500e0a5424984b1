using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Plans.Schedules;

/// <summary>What a scheduler runs for a plan.</summary>
/// <param name="Shell">The PowerShell program.</param>
/// <param name="Module">The module's name if every shell finds it, else the path of its manifest.</param>
/// <param name="Variables">The variables of this session that a run needs, and a scheduler does not have.</param>
public sealed record ScheduledCommand(ShellProgram Shell, string Module, IReadOnlyDictionary<string, string> Variables)
{
    // What decides where plans, backups and engines are. Nothing secret is among them.
    private static readonly string[] s_carried = ["PATH", PlanFolders.EnvironmentVariable, "DBBACKUP_REPOSITORY", "XDG_DATA_HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"];

    /// <summary>The command in this session's place.</summary>
    /// <param name="shell">The PowerShell program.</param>
    /// <param name="manifest">The path of the module's manifest.</param>
    /// <param name="modules">The folders in which each shell looks for modules.</param>
    /// <param name="folders">Where the plans are.</param>
    /// <exception cref="BackupException">A variable holds a password.</exception>
    public static ScheduledCommand Of(ShellProgram shell, string manifest, IEnumerable<string> modules, PlanFolders folders)
    {
        ArgumentNullException.ThrowIfNull(folders);
        var variables = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string name in s_carried)
        {
            if (Environment.GetEnvironmentVariable(name) is not { Length: > 0 } value)
                continue;
            // Windows keeps a user's variables, PATH among them, for scheduled tasks too.
            bool isNeeded = name == PlanFolders.EnvironmentVariable ? folders.Scope == PlanScope.User : name != "PATH" || !OperatingSystem.IsWindows();
            if (!isNeeded)
                continue;
            if (SecretText.Masked(value) != value)
            {
                throw new BackupFailure(
                    ErrorCodes.SecretInPlan, FailureCategory.Refused, $"The variable {name} holds a password, which would be readable in the scheduler's files.", $"Clear the variable (Remove-Item Env:{name}), and name the place in the plan without its password.")
                { Target = name };
            }

            if (value.Any(char.IsControl))
                throw new BackupFailure(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"The variable {name} has a line break or another control character.", $"Correct it, or clear it: Remove-Item Env:{name}.") { Target = name };
            variables[name] = name == "PATH" ? string.Join(Path.PathSeparator, value.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Distinct()) : Absolute(name, value);
        }

        return new ScheduledCommand(shell, ModuleName(manifest, modules), variables);
    }

    /// <summary>The PowerShell that runs a plan; if it fails, the shell's exit code says so.</summary>
    public string Script(string plan, PlanScope scope, string trigger) =>
        $"Import-Module {PowerShellText.Quote(Module)} -ErrorAction Stop; Invoke-DbBackupPlan -Name {PowerShellText.Quote(plan)} -Scope {scope} -Trigger {trigger} -IfDue";

    /// <summary>The module's name if it lies in one of the folders, so that an update of the module is what runs next; else the manifest.</summary>
    internal static string ModuleName(string manifest, IEnumerable<string> modules) =>
        modules.Any(folder => Path.GetFullPath(manifest).StartsWith(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            ? Path.GetFileNameWithoutExtension(manifest)
            : manifest;

    private static string Absolute(string name, string value) => name == PlanFolders.EnvironmentVariable ? Path.GetFullPath(value) : value;
}
