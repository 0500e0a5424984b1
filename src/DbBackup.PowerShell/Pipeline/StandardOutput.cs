using System.Management.Automation.Host;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>The standard output of the shell's process, into which a command writes bytes itself.</summary>
internal static class StandardOutput
{
    /// <summary>Reports warnings on the standard error: PowerShell writes its own to the standard output, and progress with them.</summary>
    public static IOperationObserver Observer { get; } = new ErrorObserver();

    /// <summary>Fails where the bytes would go to a terminal, or into the protocol of a job or remote session.</summary>
    /// <exception cref="BackupException">They would.</exception>
    public static void RequireRedirected(PSHost host)
    {
        if (host.Name == "ConsoleHost" && Console.IsOutputRedirected)
            return;
        throw new BackupFailure(
            ErrorCodes.InvalidArgument,
            FailureCategory.InvalidArgument,
            host.Name == "ConsoleHost"
                ? "The standard output of this shell is a terminal, and PowerShell's own > and | do not redirect it."
                : $"The standard output belongs to the host of this session ({host.Name}).",
            "Redirect that of a shell of its own: bash -c 'pwsh -NoProfile -Command \"Export-DbBackup shop/NAME -Destination -\" | psql'; or name a file: -Destination FILE.");
    }

    private sealed class ErrorObserver : IOperationObserver
    {
        public void Progress(OperationProgress progress)
        {
        }

        public void Verbose(string message)
        {
        }

        public void Warning(string message) => Console.Error.WriteLine($"WARNING: {ForeignText.Shown(message)}");
    }
}
