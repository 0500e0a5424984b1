using HelpBuilder;

namespace DbBackup.Tests.Unit.Help;

public class MarkdownHelpReaderTests
{
    [Theory]
    [InlineData("Gets a `thing` & more.", "", "## SYNOPSIS", "synopsis of Get-Thing is empty")]
    [InlineData("Insists.", "", "### -Force", "-Force has no description")]
    [InlineData("What comes out.", "", "### Example 1", "does not say what comes out")]
    [InlineData("[-Force]\n", "\n", "### -Force", "-Force is not in the syntax of Path")]
    [InlineData("[-Force]\n", "[-Force] [-Other]\n", "### Path (Default)", "-Other is in the syntax, but not under PARAMETERS")]
    [InlineData("-Level <Level> [-Repository", "-Level <Int32> [-Repository", "### -Level", "-Level is a Level here and a Int32 in the syntax")]
    [InlineData("Parameter Sets: LiteralPath", "Parameter Sets: Path", "### -LiteralPath", "-LiteralPath is not in the syntax of Path")]
    [InlineData("Accept wildcard characters: True", "Accept wildcards: True", "Accept wildcards", "'Accept wildcards' is not a key")]
    public void A_fault_is_reported_with_its_line(string old, string replacement, string line, string message)
    {
        string markdown = HelpText.Command.Replace(old, replacement, StringComparison.Ordinal);

        string[] found = Faults(markdown);

        string expected = $"Get-Thing.md({HelpText.LineOf(markdown, line)}): error HELP0001: ";
        Assert.Contains(found, fault => fault.StartsWith(expected, StringComparison.Ordinal) && fault.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_help_without_examples_is_refused()
    {
        int start = HelpText.Command.IndexOf("### Example", StringComparison.Ordinal);
        int end = HelpText.Command.IndexOf("## PARAMETERS", StringComparison.Ordinal);
        string markdown = HelpText.Command.Remove(start, end - start);

        string fault = Assert.Single(Faults(markdown));

        Assert.Equal($"Get-Thing.md({HelpText.LineOf(markdown, "## EXAMPLES")}): error HELP0001: Get-Thing has no example.", fault);
    }

    [Fact]
    public void All_faults_are_reported_in_the_order_of_their_lines()
    {
        string[] found = Faults("# Get-Thing\n\n## SYNOPSIS\n\nx\n");

        Assert.Contains("Get-Thing.md(1): error HELP0001: The front matter has no 'external help file'.", found);
        Assert.Contains("Get-Thing.md(1): error HELP0001: Get-Thing has no '## EXAMPLES'.", found);
    }

    [Fact]
    public void An_empty_file_is_a_fault_and_no_crash() => Assert.NotEmpty(Faults(""));

    private static string[] Faults(string markdown)
    {
        var errors = new HelpErrors("Get-Thing.md");
        MarkdownHelpReader.Read(markdown, errors);
        return [.. errors.Messages];
    }
}
