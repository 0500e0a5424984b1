using System.Management.Automation;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Plans.Schedules;
using DbBackup.Engine.Platform;

namespace DbBackup.PowerShell.Plans;

/// <summary>What this shell and this module mean to the machine's schedulers.</summary>
internal static class PlanSchedulers
{
    /// <summary>This shell's program.</summary>
    public static ShellProgram Shell => ShellProgram.Find(Home);

    private static string Home => Path.GetDirectoryName(typeof(PSObject).Assembly.Location)!;

    /// <summary>Plans what enables a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="manifest">The module's manifest.</param>
    /// <param name="scheduler">The scheduler; null for the one that the machine has.</param>
    public static IReadOnlyList<SchedulerChange> Enable(BackupPlan plan, string manifest, string? scheduler)
    {
        PlanFolders folders = PlanFolders.Of(plan.Scope);
        return SystemSchedulers.Enable(plan, folders, ScheduledCommand.Of(Shell, manifest, ModuleFolders(plan.Scope), folders), scheduler);
    }

    /// <summary>The folders in which each shell looks for modules, whatever this session has added: about_PSModulePath.</summary>
    public static IEnumerable<string> ModuleFolders(PlanScope scope)
    {
        yield return Path.Combine(Home, "Modules");
        if (OperatingSystem.IsWindows())
            yield return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "PowerShell", "Modules");
        else
            yield return "/usr/local/share/powershell/Modules";
        // The machine's plans run as another user.
        if (scope == PlanScope.Machine)
            yield break;
        yield return OperatingSystem.IsWindows()
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.MyDocuments), "PowerShell", "Modules")
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "powershell", "Modules");
    }
}
