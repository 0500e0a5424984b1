using System.Management.Automation.Host;
using DbBackup.PowerShell.Completion;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>Asks a person when a foreign backup was made.</summary>
internal static class MomentPrompt
{
    private const int Attempts = 3;

    /// <summary>Asks, and suggests the file's own time; null if no answer is a date.</summary>
    /// <param name="host">The prompt.</param>
    /// <param name="path">The file or folder.</param>
    public static DateTimeOffset? Ask(PSHost host, string path)
    {
        DateTimeOffset own = new DateTimeOffset(File.GetLastWriteTimeUtc(path)).ToLocalTime();
        host.UI.WriteLine();
        host.UI.WriteLine(ForeignText.Shown($"When was '{path}' made? Neither its content nor its name says so, and a copy may have changed the file's own time."));
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            host.UI.Write($"Date and time (Enter for the file's own, {own:yyyy-MM-dd HH:mm:ss}): ");
            if (host.UI.ReadLine()?.Trim() is not { } answer)
                return null;
            if (answer.Length == 0)
                return own;
            try
            {
                return PointInTimeTransformationAttribute.Parse(answer);
            }
            catch (FormatException exception)
            {
                host.UI.WriteLine(exception.Message);
            }
        }

        return null;
    }
}
