using System.Text.Json;
using DbBackup.Upgrades;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades;

/// <summary>An upgrade in another process, which can be killed.</summary>
internal static class UpgradeProcess
{
    /// <summary>What the other process is told.</summary>
    /// <param name="files">Where the repository is, and the request is written.</param>
    /// <param name="journals">The folder of the journals.</param>
    /// <param name="request">The upgrade.</param>
    /// <param name="killAt">The number of the report, or the name of the step, at which it is killed; 0 for never.</param>
    public static string[] Command(Workbench files, string journals, UpgradeRequest request, string killAt)
    {
        string path = files["request.json"];
        File.WriteAllText(path, JsonSerializer.Serialize(request));
        return OtherProcess.Command("upgrade", journals, files.RepositoryPath, path, killAt);
    }
}
