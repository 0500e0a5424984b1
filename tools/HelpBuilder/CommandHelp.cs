namespace HelpBuilder;

/// <summary>The help of one cmdlet.</summary>
internal sealed record CommandHelp
{
    /// <summary>The cmdlet's name.</summary>
    public required string Name { get; init; }

    /// <summary>The file that PowerShell looks for: the cmdlet assembly's name and <c>-Help.xml</c>.</summary>
    public required string HelpFile { get; init; }

    /// <summary>Where the help is online; empty where it is not.</summary>
    public string OnlineVersion { get; init; } = "";

    /// <summary>One line on what it does.</summary>
    public required string Synopsis { get; init; }

    /// <summary>The description's paragraphs.</summary>
    public IReadOnlyList<string> Description { get; init; } = [];

    /// <summary>One entry for each parameter set.</summary>
    public IReadOnlyList<SyntaxHelp> Syntaxes { get; init; } = [];

    /// <summary>The examples in their order.</summary>
    public IReadOnlyList<ExampleHelp> Examples { get; init; } = [];

    /// <summary>The parameters in their order.</summary>
    public IReadOnlyList<ParameterHelp> Parameters { get; init; } = [];

    /// <summary>What it takes from the pipeline.</summary>
    public IReadOnlyList<TypeHelp> Inputs { get; init; } = [];

    /// <summary>What it emits.</summary>
    public IReadOnlyList<TypeHelp> Outputs { get; init; } = [];

    /// <summary>The paragraphs of the notes.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>See also.</summary>
    public IReadOnlyList<LinkHelp> Links { get; init; } = [];
}

/// <summary>One parameter set as it is called.</summary>
/// <param name="SetName">The set's name; null where the cmdlet has only one.</param>
/// <param name="Line">Where it stands in the markdown.</param>
/// <param name="Parameters">Its parameters in the order in which they are shown.</param>
internal sealed record SyntaxHelp(string? SetName, int Line, IReadOnlyList<SyntaxParameter> Parameters);

/// <summary>One parameter in a parameter set.</summary>
/// <param name="Name">Its name, without the dash.</param>
/// <param name="Required">Whether it must be given in this set.</param>
/// <param name="Positional">Whether its name can be left out.</param>
/// <param name="Type">The type of its value; null for a switch.</param>
internal sealed record SyntaxParameter(string Name, bool Required, bool Positional, string? Type);

/// <summary>One example.</summary>
/// <param name="Title">Its title.</param>
/// <param name="Introduction">The paragraphs before the code.</param>
/// <param name="Code">The code.</param>
/// <param name="Remarks">The paragraphs after the code.</param>
internal sealed record ExampleHelp(string Title, IReadOnlyList<string> Introduction, string Code, IReadOnlyList<string> Remarks);

/// <summary>One parameter.</summary>
/// <param name="Name">Its name, without the dash.</param>
/// <param name="Line">Where it stands in the markdown.</param>
/// <param name="Description">The paragraphs on it.</param>
/// <param name="Facts">What the YAML block under it says.</param>
internal sealed record ParameterHelp(string Name, int Line, IReadOnlyList<string> Description, ParameterFacts Facts);

/// <summary>A .NET type that goes in or comes out.</summary>
/// <param name="Name">The type's name.</param>
/// <param name="Description">What it is used for.</param>
internal sealed record TypeHelp(string Name, IReadOnlyList<string> Description);

/// <summary>A pointer to more.</summary>
/// <param name="Text">What is read.</param>
/// <param name="Uri">Where it leads; empty for another cmdlet's help.</param>
internal sealed record LinkHelp(string Text, string Uri);
