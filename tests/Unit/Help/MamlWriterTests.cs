using System.Xml.Linq;
using HelpBuilder;

namespace DbBackup.Tests.Unit.Help;

public class MamlWriterTests
{
    private static readonly XNamespace s_maml = "http://schemas.microsoft.com/maml/2004/10";
    private static readonly XNamespace s_command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace s_dev = "http://schemas.microsoft.com/maml/dev/2004/10";

    private readonly XElement _command = Maml();

    [Fact]
    public void Synopsis_and_description_are_plain_text()
    {
        Assert.Equal("Gets a thing & more.", _command.Element(s_command + "details")!.Element(s_maml + "description")!.Value);
        Assert.Equal(
            ["First paragraph, which goes on.", "1. one\n2. two"],
            _command.Element(s_maml + "description")!.Elements(s_maml + "para").Select(para => para.Value));
    }

    [Fact]
    public void Each_parameter_is_there_with_its_facts()
    {
        Dictionary<string, XElement> parameters = _command.Element(s_command + "parameters")!.Elements()
            .ToDictionary(element => element.Element(s_maml + "name")!.Value);

        Assert.Equal(["Path", "Filter", "LiteralPath", "Level", "Repository", "Force"], parameters.Keys);
        Assert.Equal("true", parameters["Path"].Attribute("required")!.Value);
        Assert.Equal("0", parameters["Path"].Attribute("position")!.Value);
        Assert.Equal("true", parameters["Path"].Attribute("globbing")!.Value);
        Assert.Equal("True (ByValue)", parameters["Path"].Attribute("pipelineInput")!.Value);
        Assert.Equal("PSPath, FullName", parameters["LiteralPath"].Attribute("aliases")!.Value);
        Assert.Equal("./backups", parameters["Repository"].Element(s_dev + "defaultValue")!.Value);
        Assert.Equal("Insists.", parameters["Force"].Element(s_maml + "description")!.Value);
    }

    [Fact]
    public void Each_parameter_set_has_its_own_syntax()
    {
        XElement[] sets = [.. _command.Element(s_command + "syntax")!.Elements()];

        Assert.Equal(2, sets.Length);
        Assert.Equal(
            ["Path true 0", "Filter false 1", "Level true named", "Repository false named", "Force false named"],
            sets[0].Elements(s_command + "parameter").Select(parameter =>
                $"{parameter.Element(s_maml + "name")!.Value} {parameter.Attribute("required")!.Value} {parameter.Attribute("position")!.Value}"));
        XElement level = sets[1].Elements(s_command + "parameter").ElementAt(1);
        Assert.Equal(["Low", "High"], level.Element(s_command + "parameterValueGroup")!.Elements().Select(value => value.Value));
    }

    [Fact]
    public void A_switch_has_no_value_in_the_syntax() =>
        Assert.Null(_command.Descendants(s_command + "syntaxItem").First().Elements().Last().Element(s_command + "parameterValue"));

    [Fact]
    public void Examples_keep_the_lines_of_their_code()
    {
        XElement example = Assert.Single(_command.Element(s_command + "examples")!.Elements());

        Assert.Contains("Example 1: A title", example.Element(s_maml + "title")!.Value, StringComparison.Ordinal);
        Assert.Equal("Get-Thing ./a |\n    Where Age -gt 7d", example.Element(s_dev + "code")!.Value);
        Assert.Equal("What comes out.", example.Element(s_dev + "remarks")!.Value);
    }

    [Fact]
    public void Related_links_name_the_other_cmdlet() =>
        Assert.Equal("New-Thing", Assert.Single(_command.Descendants(s_maml + "linkText")).Value);

    private static XElement Maml()
    {
        var errors = new HelpErrors("Get-Thing.md");
        string xml = MamlWriter.Write([MarkdownHelpReader.Read(HelpText.Command, errors)]);
        Assert.Empty(errors.Messages);
        Assert.StartsWith("<?xml version=\"1.0\" encoding=\"utf-8\"?>", xml, StringComparison.Ordinal);
        return Assert.Single(XDocument.Parse(xml).Root!.Elements());
    }
}
