using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace HelpBuilder;

/// <summary>Reads one cmdlet's markdown in the layout of platyPS 0.14, and reports what a reader of the help would miss.</summary>
internal sealed class MarkdownHelpReader
{
    private readonly HelpErrors _errors;
    private readonly MarkdownOutline _document;
    private readonly MarkdownOutline _command;

    private MarkdownHelpReader(string markdown, HelpErrors errors)
    {
        _errors = errors;
        _document = MarkdownOutline.Read(markdown);
        _command = _document.Children.FirstOrDefault() ?? _document;
    }

    /// <summary>Reads the help; it is usable where no error was added.</summary>
    /// <param name="markdown">The file's text.</param>
    /// <param name="errors">Where faults go.</param>
    public static CommandHelp Read(string markdown, HelpErrors errors) => new MarkdownHelpReader(markdown, errors).Read();

    private CommandHelp Read()
    {
        if (_command.Level != 1 || !_command.Title.Contains('-', StringComparison.Ordinal))
            _errors.Add(_command.Line, "The first heading must be '# ' and the cmdlet's name.");

        var help = new CommandHelp
        {
            Name = _command.Title,
            HelpFile = FrontMatter("external help file"),
            OnlineVersion = _document.FrontMatter.GetValueOrDefault("online version", ""),
            Synopsis = string.Join(' ', RequiredText("SYNOPSIS")),
            Description = RequiredText("DESCRIPTION"),
            Syntaxes = ReadSyntaxes(),
            Examples = ReadExamples(),
            Parameters = ReadParameters(),
            Inputs = ReadTypes("INPUTS"),
            Outputs = ReadTypes("OUTPUTS"),
            Notes = _command.Find("NOTES") is { } notes ? MarkdownText.Paragraphs(notes.Body) : [],
            Links = ReadLinks(),
        };
        CompareSyntaxWithParameters(help);
        return help;
    }

    private string FrontMatter(string key)
    {
        if (_document.FrontMatter.TryGetValue(key, out string? value) && value.Length > 0)
            return value;
        _errors.Add(1, $"The front matter has no '{key}'.");
        return "";
    }

    private MarkdownOutline? Section(string title)
    {
        MarkdownOutline? section = _command.Find(title);
        if (section is null)
            _errors.Add(_command.Line, $"{_command.Title} has no '## {title}'.");
        return section;
    }

    private IReadOnlyList<string> RequiredText(string title)
    {
        if (Section(title) is not { } section)
            return [];
        IReadOnlyList<string> text = MarkdownText.Paragraphs(section.Body);
        if (text.Count == 0)
            _errors.Add(section.Line, $"The {title.ToLowerInvariant()} of {_command.Title} is empty.");
        return text;
    }

    private List<SyntaxHelp> ReadSyntaxes()
    {
        var syntaxes = new List<SyntaxHelp>();
        if (Section("SYNTAX") is not { } section)
            return syntaxes;
        // A cmdlet with one parameter set has its code block directly under the heading.
        IEnumerable<MarkdownOutline> sets = section.Children.Count == 0 ? [section] : section.Children;
        foreach (MarkdownOutline set in sets)
        {
            CodeBlock? code = set.Body.OfType<CodeBlock>().FirstOrDefault();
            IReadOnlyList<SyntaxParameter>? parameters =
                code is null ? null : SyntaxReader.Read(string.Join('\n', MarkdownText.Lines(code)), _command.Title);
            if (parameters is null)
                _errors.Add(code?.Line + 1 ?? set.Line, $"This is not a syntax of {_command.Title}.");
            else
                syntaxes.Add(new SyntaxHelp(set == section ? null : set.Title.Replace(" (Default)", "", StringComparison.Ordinal), set.Line, parameters));
        }

        return syntaxes;
    }

    private List<ExampleHelp> ReadExamples()
    {
        var examples = new List<ExampleHelp>();
        if (Section("EXAMPLES") is not { } section)
            return examples;
        if (section.Children.Count == 0)
            _errors.Add(section.Line, $"{_command.Title} has no example.");
        foreach (MarkdownOutline example in section.Children)
        {
            int at = example.Body.FindIndex(block => block is CodeBlock);
            if (at < 0)
            {
                _errors.Add(example.Line, $"'{example.Title}' has no code.");
                continue;
            }

            IReadOnlyList<string> before = MarkdownText.Paragraphs(example.Body.Take(at));
            IReadOnlyList<string> after = MarkdownText.Paragraphs(example.Body.Skip(at + 1));
            if (before.Count + after.Count == 0)
                _errors.Add(example.Line, $"'{example.Title}' does not say what comes out.");
            examples.Add(new ExampleHelp(example.Title, before, string.Join('\n', MarkdownText.Lines((CodeBlock)example.Body[at])), after));
        }

        return examples;
    }

    private List<ParameterHelp> ReadParameters()
    {
        var parameters = new List<ParameterHelp>();
        foreach (MarkdownOutline section in Section("PARAMETERS")?.Children ?? [])
        {
            if (section.Title == "CommonParameters")
                continue;
            if (!section.Title.StartsWith('-'))
                _errors.Add(section.Line, $"'{section.Title}' is not a parameter: its heading starts with a dash.");

            string name = section.Title.TrimStart('-');
            FencedCodeBlock? yaml = section.Body.OfType<FencedCodeBlock>().LastOrDefault(code => code.Info == "yaml");
            if (yaml is null)
            {
                _errors.Add(section.Line, $"-{name} has no yaml block.");
                continue;
            }

            IReadOnlyList<string> description = MarkdownText.Paragraphs(section.Body.Where(block => block != yaml));
            if (description.Count == 0)
                _errors.Add(section.Line, $"-{name} has no description.");
            // A fence is on the line before its content.
            var facts = ParameterFacts.Read(MarkdownText.Lines(yaml), yaml.Line + 2, _errors);
            parameters.Add(new ParameterHelp(name, section.Line, description, facts));
        }

        return parameters;
    }

    private List<TypeHelp> ReadTypes(string title) =>
        [.. (Section(title)?.Children ?? []).Select(type => new TypeHelp(type.Title, MarkdownText.Paragraphs(type.Body)))];

    private List<LinkHelp> ReadLinks() =>
    [
        .. (_command.Find("RELATED LINKS")?.Body ?? [])
            .OfType<LeafBlock>()
            .SelectMany(block => block.Inline?.Descendants<LinkInline>() ?? [])
            .Select(link => new LinkHelp(
                MarkdownText.Of(link).Split(" (http")[0],
                link.Url?.StartsWith("http", StringComparison.Ordinal) == true ? link.Url : "")),
    ];

    /// <summary>The syntax and the parameters say the same in two places; where they differ, one of them is wrong.</summary>
    private void CompareSyntaxWithParameters(CommandHelp help)
    {
        foreach (SyntaxHelp syntax in help.Syntaxes)
        {
            foreach (SyntaxParameter used in syntax.Parameters)
            {
                ParameterHelp? described = help.Parameters.FirstOrDefault(parameter => parameter.Name == used.Name);
                if (described is null)
                    _errors.Add(syntax.Line, $"-{used.Name} is in the syntax, but not under PARAMETERS.");
                else if (!IsIn(described, syntax))
                    _errors.Add(described.Line, $"-{used.Name} is in the syntax of {syntax.SetName}, but its 'Parameter Sets' do not name it.");
                else if ((used.Type ?? "SwitchParameter") != described.Facts.Type)
                    _errors.Add(described.Line, $"-{used.Name} is a {described.Facts.Type} here and a {used.Type ?? "SwitchParameter"} in the syntax.");
                else if (used.Positional != int.TryParse(described.Facts.Position, out _))
                    _errors.Add(described.Line, $"-{used.Name} has the position '{described.Facts.Position}', and the syntax says otherwise.");
            }

            foreach (ParameterHelp parameter in help.Parameters)
            {
                if (IsIn(parameter, syntax) && syntax.Parameters.All(used => used.Name != parameter.Name))
                    _errors.Add(parameter.Line, $"-{parameter.Name} is not in the syntax{(syntax.SetName is null ? "" : " of " + syntax.SetName)}.");
            }
        }
    }

    private static bool IsIn(ParameterHelp parameter, SyntaxHelp syntax) =>
        parameter.Facts.Sets.Count == 0 || syntax.SetName is null || parameter.Facts.Sets.Contains(syntax.SetName);
}
