using System.Diagnostics;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Engines.Sqlite;

namespace DbBackup.TestHost;

/// <summary>Reads a foreign file and tells how much memory that took at its peak.</summary>
internal static class MemoryRun
{
    public static async Task RunAsync(string what, string file, string destination)
    {
        string outcome = "ok";
        try
        {
            switch (what)
            {
                case "inspect":
                    using (FileStream tar = File.OpenRead(file))
                        await TarInspector.ReadToEndAsync(tar);
                    break;
                case "extract":
                    using (FileStream tar = File.OpenRead(file))
                        await FolderExtractor.ExtractAsync(tar, destination);
                    break;
                case "load":
                    using (FileStream sql = File.OpenRead(file))
                        SqlScript.Load(sql, destination, CancellationToken.None);
                    break;
                default:
                    outcome = SqliteCheck.Run(file, file, thorough: true, CancellationToken.None).Damage ?? "sound";
                    SqliteFingerprint.Take(file, FingerprintLevel.Content, CancellationToken.None);
                    break;
            }
        }
        catch (BackupException failure)
        {
            outcome = $"{failure.Code}: {failure.Message}";
        }

        using var self = Process.GetCurrentProcess();
        Console.WriteLine(FormattableString.Invariant($"{self.PeakWorkingSet64 >> 20} MiB {outcome}"));
    }
}
