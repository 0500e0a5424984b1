namespace HelpBuilder;

/// <summary>
/// What is wrong in one markdown file. All faults are collected, so that one build shows them all, in the form that MSBuild
/// and editors turn into a link to the line.
/// </summary>
/// <param name="file">The file, as it is shown.</param>
internal sealed class HelpErrors(string file)
{
    private readonly List<(int Line, string Message)> _found = [];

    /// <summary>How many faults there are.</summary>
    public int Count => _found.Count;

    /// <summary>The faults in the order of their lines, as in <c>New-DbBackup.md(12): error HELP0001: …</c>.</summary>
    public IEnumerable<string> Messages =>
        _found.OrderBy(error => error.Line).Select(error => $"{file}({error.Line}): error HELP0001: {error.Message}");

    /// <summary>Adds a fault.</summary>
    /// <param name="line">The line, counted from 1.</param>
    /// <param name="message">What is wrong, as a sentence.</param>
    public void Add(int line, string message) => _found.Add((line, message));
}
