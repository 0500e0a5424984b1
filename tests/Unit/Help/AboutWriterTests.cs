using HelpBuilder;

namespace DbBackup.Tests.Unit.Help;

public class AboutWriterTests
{
    [Fact]
    public void The_short_description_is_the_fifth_line_where_GetHelp_looks_for_it()
    {
        string[] lines = Write(HelpText.About).Split('\n');

        Assert.Equal(["TOPIC", "    about_Thing", "", "SHORT DESCRIPTION", "    What a thing is."], lines[..5]);
        Assert.Contains("LONG DESCRIPTION", lines);
    }

    [Fact]
    public void No_line_is_longer_than_a_console_is_wide()
    {
        string text = Write(HelpText.About);

        Assert.All(text.Split('\n'), line => Assert.True(line.Length <= 80, line));
        Assert.Contains("somewhere between", text.Replace("\n    ", " ", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void Tables_lists_and_code_stay_readable()
    {
        string text = Write(HelpText.About);

        Assert.Contains("\n      thing  What a thing is, said", text, StringComparison.Ordinal);
        Assert.Contains("\n      - an item\n", text, StringComparison.Ordinal);
        Assert.Contains("\n        Get-Thing\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_topic_without_short_description_is_refused()
    {
        var errors = new HelpErrors("about_Thing.md");

        AboutWriter.Write("# about_Thing\n\n## Long description\n\nx\n", errors);

        Assert.Equal("about_Thing.md(1): error HELP0001: about_Thing has no '## Short description'.", Assert.Single(errors.Messages));
    }

    private static string Write(string markdown)
    {
        var errors = new HelpErrors("about_Thing.md");
        string text = AboutWriter.Write(markdown, errors);
        Assert.Empty(errors.Messages);
        return text;
    }
}
