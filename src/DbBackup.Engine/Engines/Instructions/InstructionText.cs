using System.Globalization;
using System.Text;

namespace DbBackup.Engine.Engines.Instructions;

/// <summary>The text of the instructions as it grows.</summary>
internal sealed class InstructionText
{
    private readonly StringBuilder _text = new();
    private int _steps;

    /// <summary>A line of prose, or an empty one. A line end in a foreign text begins no line: that could look like a command.</summary>
    public void Line(string line = "") => _text.Append(ForeignText.ShownLine(line)).Append('\n');

    /// <summary>A remark to the command above.</summary>
    public void Remark(string line) => Line("   " + line);

    /// <summary>The heading of the next step.</summary>
    public void Step(string heading) => Line(string.Create(CultureInfo.InvariantCulture, $"{++_steps}. {heading}"));

    /// <summary>A command.</summary>
    public void Command(string command) => Line("  " + command);

    /// <summary>How this module restores it.</summary>
    public void WithModule(Manifest manifest)
    {
        Line("With DbBackup (PowerShell), from the repository's folder:");
        Command($"Restore-DbBackup -Source {ShellText.QuoteForPowerShell(manifest.Source.Name)} -Name {ShellText.QuoteForPowerShell(manifest.Name)} -Repository .");
        Line();
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();
}
