using System.Globalization;

namespace DbBackup.Engine.Engines.Files;

/// <summary>Collects warnings, no more than a person would read: a folder of a million unreadable files must not fill the memory.</summary>
internal sealed class WarningLog
{
    private const int Kept = 1000;
    private readonly List<string> _warnings = [];

    public long Count { get; private set; }

    public long Unreadable { get; private set; }

    public void Add(string name, string what)
    {
        if (++Count <= Kept)
            _warnings.Add($"{Shown(name)}: {what}");
    }

    public void AddUnreadable(string name, string what)
    {
        Unreadable++;
        Add(name, what);
    }

    public ArchiveSummary Summarize(long entries, long contentBytes)
    {
        IReadOnlyList<string> warnings = Count <= Kept
            ? _warnings
            : [.. _warnings, string.Create(CultureInfo.InvariantCulture, $"and {Count - Kept} more warnings")];
        return new ArchiveSummary(entries, contentBytes, warnings) { WarningCount = Count, UnreadableCount = Unreadable };
    }

    /// <summary>A name for a message: control characters in it could forge lines in a log or steer a terminal, and bytes that are not UTF-8 are no text.</summary>
    public static string Shown(string name) => ForeignText.ShownLine(name);
}
