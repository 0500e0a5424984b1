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

    /// <summary>Adds a file that cannot be reached, because its name is not valid UTF-8.</summary>
    /// <param name="name">The name as far as it can be shown.</param>
    /// <param name="bytes">Its last part, as a shell takes it.</param>
    public void AddForeignName(string name, string bytes)
    {
        ForeignNames++;
        AddUnreadable(name, $"its name is not valid UTF-8 (in a shell: $'{bytes}'); it is not in the archive");
    }

    /// <summary>How many files have names that are not valid UTF-8.</summary>
    public long ForeignNames { get; private set; }

    public ArchiveSummary Summarize(long entries, long contentBytes)
    {
        IReadOnlyList<string> warnings = Count <= Kept
            ? _warnings
            : [.. _warnings, string.Create(CultureInfo.InvariantCulture, $"and {Count - Kept} more warnings")];
        return new ArchiveSummary(entries, contentBytes, warnings) { WarningCount = Count, UnreadableCount = Unreadable, ForeignNames = ForeignNames };
    }

    /// <summary>A name for a message: control characters in it could forge lines in a log or steer a terminal.</summary>
    public static string Shown(string name) => ForeignText.ShownLine(name);
}
