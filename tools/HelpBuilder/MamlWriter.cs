using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace HelpBuilder;

/// <summary>Writes the XML that <c>Get-Help</c> reads (MAML). Only elements that its views show are written.</summary>
internal static class MamlWriter
{
    private static readonly XNamespace s_msh = "http://msh";
    private static readonly XNamespace s_maml = "http://schemas.microsoft.com/maml/2004/10";
    private static readonly XNamespace s_command = "http://schemas.microsoft.com/maml/dev/command/2004/10";
    private static readonly XNamespace s_dev = "http://schemas.microsoft.com/maml/dev/2004/10";

    /// <summary>The help of several cmdlets in one document.</summary>
    /// <param name="commands">The cmdlets.</param>
    public static string Write(IEnumerable<CommandHelp> commands)
    {
        var root = new XElement(
            s_msh + "helpItems",
            new XAttribute("schema", "maml"),
            new XAttribute(XNamespace.Xmlns + "maml", s_maml),
            new XAttribute(XNamespace.Xmlns + "command", s_command),
            new XAttribute(XNamespace.Xmlns + "dev", s_dev),
            commands.Select(Command));
        using var text = new Utf8Text();
        using (var writer = XmlWriter.Create(text, new XmlWriterSettings { Indent = true, NewLineChars = "\n" }))
            root.Save(writer);
        return text + "\n";
    }

    private static XElement Command(CommandHelp help)
    {
        string[] name = help.Name.Split('-', 2);
        return new XElement(
            s_command + "command",
            new XElement(
                s_command + "details",
                new XElement(s_command + "name", help.Name),
                new XElement(s_command + "verb", name[0]),
                new XElement(s_command + "noun", name[^1]),
                Description([help.Synopsis])),
            Description(help.Description),
            new XElement(s_command + "syntax", help.Syntaxes.Select(syntax => Syntax(help, syntax))),
            new XElement(
                s_command + "parameters",
                help.Parameters.Select(parameter => Parameter(parameter, parameter.Facts.Required, parameter.Facts.Position, inSyntax: false))),
            new XElement(s_command + "inputTypes", help.Inputs.Select(type => Type("inputType", type))),
            new XElement(s_command + "returnValues", help.Outputs.Select(type => Type("returnValue", type))),
            new XElement(s_maml + "alertSet", new XElement(s_maml + "alert", Paragraphs(help.Notes))),
            new XElement(s_command + "examples", help.Examples.Select(Example)),
            new XElement(s_command + "relatedLinks", Links(help)));
    }

    private static XElement Syntax(CommandHelp help, SyntaxHelp syntax) => new(
        s_command + "syntaxItem",
        new XElement(s_maml + "name", help.Name),
        syntax.Parameters.Select(used =>
        {
            ParameterHelp parameter = help.Parameters.First(parameter => parameter.Name == used.Name);
            return Parameter(parameter, used.Required, used.Positional ? parameter.Facts.Position : "named", inSyntax: true);
        }));

    private static XElement Parameter(ParameterHelp parameter, bool required, string position, bool inSyntax)
    {
        ParameterFacts facts = parameter.Facts;
        return new XElement(
            s_command + "parameter",
            new XAttribute("required", required ? "true" : "false"),
            new XAttribute("variableLength", facts.Type.EndsWith("[]", StringComparison.Ordinal) ? "true" : "false"),
            new XAttribute("globbing", facts.Wildcards ? "true" : "false"),
            new XAttribute("pipelineInput", facts.PipelineInput),
            new XAttribute("position", position.ToLowerInvariant()),
            new XAttribute("aliases", facts.Aliases.Count == 0 ? "none" : string.Join(", ", facts.Aliases)),
            new XElement(s_maml + "name", parameter.Name),
            Description(parameter.Description),
            // The syntax view shows the names in braces; a switch is what has no value there.
            inSyntax && facts.AcceptedValues.Count > 0
                ? new XElement(s_command + "parameterValueGroup", facts.AcceptedValues.Select(value => Value(value, required: false)))
                : null,
            inSyntax && facts.IsSwitch ? null : Value(facts.Type, !facts.IsSwitch),
            new XElement(s_dev + "type", new XElement(s_maml + "name", facts.Type), new XElement(s_maml + "uri")),
            new XElement(s_dev + "defaultValue", facts.DefaultValue));
    }

    private static XElement Value(string value, bool required) => new(
        s_command + "parameterValue",
        new XAttribute("required", required ? "true" : "false"),
        new XAttribute("variableLength", "false"),
        value);

    private static XElement Type(string element, TypeHelp type) => new(
        s_command + element,
        new XElement(s_dev + "type", new XElement(s_maml + "name", type.Name)),
        Description(type.Description));

    private static XElement Example(ExampleHelp example) => new(
        s_command + "example",
        new XElement(s_maml + "title", $"-------------- {example.Title} --------------"),
        new XElement(s_maml + "introduction", Paragraphs(example.Introduction)),
        new XElement(s_dev + "code", example.Code),
        new XElement(s_dev + "remarks", Paragraphs(example.Remarks)));

    private static IEnumerable<XElement> Links(CommandHelp help)
    {
        // Get-Help -Online opens the first link's address.
        if (help.OnlineVersion.Length > 0)
            yield return Link(new LinkHelp("Online version:", help.OnlineVersion));
        foreach (LinkHelp link in help.Links)
            yield return Link(link);
    }

    private static XElement Link(LinkHelp link) => new(
        s_maml + "navigationLink",
        new XElement(s_maml + "linkText", link.Text),
        new XElement(s_maml + "uri", link.Uri));

    private static XElement Description(IEnumerable<string> paragraphs) => new(s_maml + "description", Paragraphs(paragraphs));

    private static IEnumerable<XElement> Paragraphs(IEnumerable<string> paragraphs) =>
        paragraphs.Select(text => new XElement(s_maml + "para", text));

    /// <summary>A text that is declared as what it is written to disk as.</summary>
    private sealed class Utf8Text : StringWriter
    {
        public Utf8Text()
            : base(CultureInfo.InvariantCulture)
        {
        }

        public override Encoding Encoding => Encoding.UTF8;
    }
}
