using System.Globalization;

namespace DbBackup.Engine.Plans.Status;

/// <summary>Names and times as the reasons have them.</summary>
internal static class StatusText
{
    /// <summary>A moment, in local time.</summary>
    public static string Time(DateTimeOffset moment) => moment.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    /// <summary>A name as PowerShell takes it.</summary>
    public static string Quoted(string name) => name.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_' or '/')
        ? name
        : $"'{name.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>The parameters that name a backup.</summary>
    public static string Selected(Backup backup) => $"Get-DbBackup {Quoted(backup.ToString())} -Repository {Quoted(backup.Repository)}";

    /// <summary>Some names, and how many more.</summary>
    public static string Names(IReadOnlyCollection<Backup> backups) =>
        string.Join(", ", backups.Take(3).Select(backup => $"'{backup.Name}'")) + (backups.Count > 3 ? string.Create(CultureInfo.InvariantCulture, $" and {backups.Count - 3} more") : string.Empty);
}
