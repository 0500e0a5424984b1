using System.Globalization;
using System.Management.Automation.Host;

namespace DbBackup.PowerShell.Pipeline;

/// <summary>Lets a person choose a backup at the prompt.</summary>
internal static class CandidatePrompt
{
    private const int Shown = 20;

    /// <summary>Shows the candidates and reads the choice; null where the person chose none.</summary>
    /// <param name="host">The prompt.</param>
    /// <param name="backups">The candidates, newest first.</param>
    /// <param name="compareWithPresent">True if they go back to where they came from, so that the present state is worth showing.</param>
    public static Backup? Choose(PSHost host, IReadOnlyList<Backup> backups, bool compareWithPresent)
    {
        List<Backup> candidates = [.. backups.Where(backup => backup.Manifest is not null).Take(Shown)];
        host.UI.WriteLine();
        host.UI.WriteLine("Which backup shall be restored?");
        host.UI.WriteLine();
        foreach (string line in Table(candidates, compareWithPresent))
            host.UI.WriteLine(line);
        if (backups.Count > candidates.Count)
            host.UI.WriteLine($"     … and {backups.Count - candidates.Count} more: Get-DbBackup | Restore-DbBackup");
        host.UI.WriteLine();
        while (true)
        {
            host.UI.Write("Number (Enter for none): ");
            string? answer = host.UI.ReadLine()?.Trim();
            if (string.IsNullOrEmpty(answer))
                return null;
            if (int.TryParse(answer, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= 1 && number <= candidates.Count)
                return candidates[number - 1];
            host.UI.WriteLine($"Please type a number from 1 to {candidates.Count}.");
        }
    }

    internal static IEnumerable<string> Table(IReadOnlyList<Backup> candidates, bool compareWithPresent)
    {
        List<string[]> rows = [["#", "Name", "Source", "Age", "Size", "Tested", "Revision", compareWithPresent ? "Database now -> then" : string.Empty]];
        for (int index = 0; index < candidates.Count; index++)
        {
            Backup backup = candidates[index];
            rows.Add(
            [
                (index + 1).ToString(CultureInfo.InvariantCulture),
                backup.Name,
                backup.Source,
                backup.GetAge()?.ToString() ?? string.Empty,
                ByteSize.Format(backup.Size),
                backup.Status == BackupStatus.Written ? "never" : backup.Status.ToString(),
                backup.SchemaRevision ?? "-",
                compareWithPresent ? Change(backup) : string.Empty,
            ]);
        }

        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        return rows.Select(row => "  " + string.Join("  ", row.Select((cell, column) => column == 0 ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]))).TrimEnd());
    }

    private static string Change(Backup backup)
    {
        if (backup.KeptOnServer is not null)
            return "(kept on its server)";
        if (backup.Manifest?.Payloads.FirstOrDefault(payload => payload.Database is not null) is { Database: { } onServer })
            return $"(on its server) -> {ByteSize.Format(onServer.Size)}";
        if (backup.Manifest?.Payloads.FirstOrDefault(payload => payload.Kind == PayloadKind.Database) is not { OriginalPath: { } path } database)
            return "(place not known)";
        var present = new FileInfo(path);
        return present.Exists
            ? $"{ByteSize.Format(present.Length)} -> {ByteSize.Format(database.OriginalSize)}"
            : $"missing -> {ByteSize.Format(database.OriginalSize)}";
    }
}
