using System.Management.Automation.Host;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>
/// True if a user can answer. In a scheduled task or with -NonInteractive nothing waits for an answer.
/// </summary>
internal static class SessionInput
{
    public static bool CanAsk(PSHost host)
    {
        // Other hosts (an editor, a remote session) bring their own prompts.
        if (host.Name != "ConsoleHost")
            return host.Name != "Default Host" && host.UI is not null;
        return !Console.IsInputRedirected && Environment.UserInteractive && !AsksForNonInteractive(Environment.GetCommandLineArgs());
    }

    // The shell takes any beginning of the parameter's name that is not ambiguous: -noni is the shortest.
    internal static bool AsksForNonInteractive(IEnumerable<string> arguments)
    {
        foreach (string argument in arguments.Skip(1))
        {
            string name = argument.TrimStart('-', '/');
            if (name.Length == argument.Length)
                continue;
            if (name.Length >= 4 && "noninteractive".StartsWith(name, StringComparison.OrdinalIgnoreCase))
                return true;
            // What follows belongs to the script.
            if (name.Length > 0 && ("command".StartsWith(name, StringComparison.OrdinalIgnoreCase) || "file".StartsWith(name, StringComparison.OrdinalIgnoreCase)))
                return false;
        }

        return false;
    }
}
