using System.Xml.Linq;

namespace DbBackup.Engine.Plans.Schedules.Tasks;

/// <summary>The definition of a task: https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema.</summary>
internal static class TaskXml
{
    public static readonly XNamespace Namespace = "http://schemas.microsoft.com/windows/2004/02/mit/task";

    /// <summary>The definition for a plan.</summary>
    public static string Of(BackupPlan plan, ScheduledCommand command, string user, IEnumerable<XElement> triggers)
    {
        bool isMachine = plan.Scope == PlanScope.Machine;
        // A task has no variables of its own.
        string variables = string.Concat(command.Variables.Select(variable => $"$env:{variable.Key} = {PowerShellText.Quote(variable.Value)}; "));
        IReadOnlyList<string> line = command.Shell.Run(variables + command.Script(plan.Name, plan.Scope, "Schedule"));
        return new XDeclaration("1.0", "UTF-16", null) + "\n" + new XElement(
            Namespace + "Task",
            new XAttribute("version", "1.2"),
            Element("RegistrationInfo", Element("Description", $"DbBackup plan {plan.Name}. Written by Enable-DbBackupPlan, removed by Disable-DbBackupPlan.")),
            Element("Triggers", triggers),
            // The machine's plans run as the system; a user's while the user is logged on, for another way would need the password.
            Element("Principals", new XElement(
                Namespace + "Principal",
                new XAttribute("id", "Author"),
                Element("UserId", isMachine ? "S-1-5-18" : user),
                isMachine ? null : Element("LogonType", "InteractiveToken"),
                Element("RunLevel", isMachine ? "HighestAvailable" : "LeastPrivilege"))),
            Element(
                "Settings",
                Element("MultipleInstancesPolicy", "IgnoreNew"),
                Element("DisallowStartIfOnBatteries", false),
                Element("StopIfGoingOnBatteries", false),
                Element("StartWhenAvailable", true),
                Element("ExecutionTimeLimit", "PT0S"),
                Element("Enabled", true)),
            new XElement(
                Namespace + "Actions",
                new XAttribute("Context", "Author"),
                Element("Exec", Element("Command", line[0]), Element("Arguments", WindowsCommandLine.Join(line.Skip(1)))))) + "\n";
    }

    private static XElement Element(string name, params object?[] content) => new(Namespace + name, content);
}
