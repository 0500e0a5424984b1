using System.Globalization;

namespace DbBackup.Bench;

/// <summary>The seconds of one contender, a value a round.</summary>
/// <param name="name">What was measured.</param>
/// <param name="command">Its command, as a person would write it.</param>
internal sealed class Series(string name, string command)
{
    private readonly List<double> _values = [];

    /// <summary>What was measured.</summary>
    public string Name => name;

    /// <summary>Its command.</summary>
    public string Command => command;

    /// <summary>The bytes of its result; null where it has none.</summary>
    public long? ResultBytes { get; set; }

    /// <summary>The values, in the order of the rounds.</summary>
    public IReadOnlyList<double> Values => _values;

    /// <summary>The middle value.</summary>
    public double Median => MedianOf(_values);

    /// <summary>Adds a round's value.</summary>
    public void Add(double value) => _values.Add(value);

    /// <summary>The median over the rounds of how many times longer this took than another in the same round.</summary>
    public double RatioTo(Series other) => MedianOf([.. _values.Zip(other._values, (mine, its) => mine / its)]);

    /// <summary>The smallest and the largest value.</summary>
    public string Range(string format, double factor = 1) =>
        string.Create(CultureInfo.InvariantCulture, $"{Text(_values.Min() * factor, format)}–{Text(_values.Max() * factor, format)}");

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static double MedianOf(IReadOnlyCollection<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
