using System.Globalization;

namespace DbBackup.Bench;

/// <summary>What was promised, beside what this run gave.</summary>
internal sealed class Targets
{
    private readonly List<string> _lines = [];

    /// <summary>A figure that may be no larger than its limit.</summary>
    public void AtMost(double limit, string target, double figure, string unit = "times") => Add(target, figure, unit, figure <= limit);

    /// <summary>A figure that may be no smaller than its limit.</summary>
    public void AtLeast(double limit, string target, double figure, string unit = "times") => Add(target, figure, unit, figure >= limit);

    /// <summary>Prints them all.</summary>
    public void Print()
    {
        Report.Line($"| target | figure of this run | |");
        Report.Line($"|---|--:|---|");
        foreach (string line in _lines)
            Console.WriteLine(line);
    }

    private void Add(string target, double figure, string unit, bool met) =>
        _lines.Add(string.Create(CultureInfo.InvariantCulture, $"| {target} | {figure:0.00} {unit} | {(met ? "met" : "**not met**")} |"));
}
