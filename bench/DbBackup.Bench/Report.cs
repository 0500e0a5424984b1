using System.Globalization;

namespace DbBackup.Bench;

/// <summary>Prints the results as markdown.</summary>
internal static class Report
{
    /// <summary>A heading.</summary>
    public static void Heading(string text) => Console.WriteLine($"\n### {text}\n");

    /// <summary>A line of text.</summary>
    public static void Line(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    /// <summary>A table of contenders; the first is the one with which the others are compared.</summary>
    public static void Table(IReadOnlyList<Series> contenders)
    {
        bool sizes = contenders.Any(series => series.ResultBytes is not null);
        Line($"| what | median | min–max | compared with the first |{(sizes ? " result |" : string.Empty)} command |");
        Line($"|---|--:|--:|--:|{(sizes ? "--:|" : string.Empty)}---|");
        foreach (Series series in contenders)
        {
            string size = series.ResultBytes is { } bytes ? string.Create(CultureInfo.InvariantCulture, $" {bytes / 1e6:0} MB |") : " |";
            Line($"| {series.Name} | {series.Median:0.00} s | {series.Range("0.00")} | {series.RatioTo(contenders[0]):0.00} |{(sizes ? size : string.Empty)} `{series.Command.Replace("|", "\\|", StringComparison.Ordinal)}` |");
        }
    }

    /// <summary>Says what was left out, and why.</summary>
    public static void LeftOut(string what, string tool) => Line($"\nLeft out: {what}, because `{tool}` is not installed.");
}
