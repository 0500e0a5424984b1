using System.Text.RegularExpressions;

namespace DbBackup.Tests.Unit;

/// <summary>docs/faults.md has a line for each known fault, and each line names tests that exist.</summary>
public sealed partial class FaultTableTests
{
    // How many faults each part has.
    private static readonly IReadOnlyDictionary<char, int> Parts = new Dictionary<char, int> { ['A'] = 18, ['B'] = 10, ['C'] = 20, ['D'] = 16, ['E'] = 18, ['F'] = 8 };

    [Fact]
    public void Each_fault_has_one_line()
    {
        string[] expected = [.. Parts.SelectMany(part => Enumerable.Range(1, part.Value).Select(number => $"{part.Key}{number}")).Order(StringComparer.Ordinal)];
        Assert.Equal(expected, Rows().Select(row => row.Fault).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Each_line_names_tests_that_exist()
    {
        IReadOnlyList<string> sources = [.. TestFiles("*.cs").Select(File.ReadAllText)];
        ILookup<string, string> pester = TestFiles("*.Tests.ps1").ToLookup(path => Path.GetFileName(path), File.ReadAllText, StringComparer.Ordinal);
        Assert.All(Rows(), row =>
        {
            if (row.Now.StartsWith("Left: ", StringComparison.Ordinal))
                return;
            MatchCollection tests = TestName().Matches(row.Tests);
            Assert.True(tests.Count > 0, $"{row.Fault} names no test.");
            foreach (string test in tests.Select(match => match.Groups[1].Value))
                Assert.True(Exists(test, sources, pester), $"{row.Fault} names '{test}', which is no test.");
        });
    }

    // `Class.Method`, or `File.Tests.ps1: the words of an It block`.
    private static bool Exists(string test, IReadOnlyList<string> sources, ILookup<string, string> pester)
    {
        if (test.Split(": ", 2) is [var file, var words])
            return pester[file].Any(text => text.Contains(words, StringComparison.Ordinal));
        return test.Split('.') is [var type, var method]
            && sources.Any(text => text.Contains($"class {type}", StringComparison.Ordinal) && Regex.IsMatch(text, $@"\b{method}\("));
    }

    private static IEnumerable<(string Fault, string Now, string Tests)> Rows() =>
        File.ReadLines(Path.Join(SourceTree.Root, "docs", "faults.md"))
            .Select(line => line.Replace("\\|", "&#124;", StringComparison.Ordinal).Split('|', StringSplitOptions.TrimEntries))
            .Where(cells => cells.Length >= 5 && Fault().IsMatch(cells[1]))
            .Select(cells => (cells[1], cells[^3], cells[^2]));

    private static IEnumerable<string> TestFiles(string pattern) =>
        Directory.EnumerateFiles(Path.Join(SourceTree.Root, "tests"), pattern, SearchOption.AllDirectories)
            .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

    [GeneratedRegex("^[A-F][0-9]+$")]
    private static partial Regex Fault();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex TestName();
}
