namespace DbBackup.Engine.Engines.Files;

/// <summary>The notes of a backup that say what was left out of a folder: who looks at the folder again leaves the same out.</summary>
internal static class ExclusionNotes
{
    private const string Start = "Without '";

    /// <summary>The notes.</summary>
    /// <param name="patterns">What is left out.</param>
    /// <param name="folder">The folder's name.</param>
    public static IEnumerable<string> Of(IEnumerable<string> patterns, string folder) => patterns.Select(pattern => $"{Start}{pattern}{EndOf(folder)}");

    /// <summary>The patterns in a backup's notes.</summary>
    /// <param name="notes">The notes.</param>
    /// <param name="folder">The folder's name.</param>
    public static IReadOnlyList<string> PatternsIn(IEnumerable<string> notes, string folder) =>
    [
        .. notes.Where(note => note.StartsWith(Start, StringComparison.Ordinal) && note.EndsWith(EndOf(folder), StringComparison.Ordinal) && note.Length > Start.Length + EndOf(folder).Length)
            .Select(note => note[Start.Length..^EndOf(folder).Length]),
    ];

    private static string EndOf(string folder) => $"' of {folder}.";
}
