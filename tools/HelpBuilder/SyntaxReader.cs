using System.Text.RegularExpressions;

namespace HelpBuilder;

/// <summary>Reads a line such as <c>Get-X [[-Name] &lt;String[]&gt;] -Path &lt;String&gt; [-Force] [&lt;CommonParameters&gt;]</c>.</summary>
internal static partial class SyntaxReader
{
    /// <summary>The parameters in their order.</summary>
    /// <param name="text">The whole code block, whose line ends do not matter.</param>
    /// <param name="command">The cmdlet's name, with which the text must begin.</param>
    /// <returns>The parameters; null where the text is no syntax of this cmdlet.</returns>
    public static IReadOnlyList<SyntaxParameter>? Read(string text, string command)
    {
        string flat = Blanks().Replace(text, " ").Trim();
        if (!flat.StartsWith(command + " ", StringComparison.Ordinal))
            return null;
        flat = flat[command.Length..].Replace("[<CommonParameters>]", "", StringComparison.Ordinal);

        var parameters = new List<SyntaxParameter>();
        foreach (Match match in Parameter().Matches(flat))
        {
            // [[-Name] <T>]   [-Name] <T>   [-Name <T>]   [-Name]   -Name <T>
            string type = match.Groups["type"].Value;
            bool inner = match.Groups["inner"].Success;
            bool positional = inner && type.Length > 0;
            bool optional = match.Groups["outer"].Success || (inner && type.Length == 0);
            parameters.Add(new SyntaxParameter(match.Groups["name"].Value, !optional, positional, type.Length == 0 ? null : type));
        }

        return Parameter().Replace(flat, "").Trim().Length == 0 ? parameters : null;
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();

    [GeneratedRegex(
        @"(?<outer>\[)(?:\[-(?<name>\w+)\](?<inner>)|-(?<name>\w+)) <(?<type>[^>]+)>\]|(?<inner>\[)-(?<name>\w+)\](?: <(?<type>[^>]+)>)?|-(?<name>\w+)(?: <(?<type>[^>]+)>)?")]
    private static partial Regex Parameter();
}
