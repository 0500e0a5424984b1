using System.Buffers;
using System.Text;

namespace DbBackup.Upgrades.Deployments;

/// <summary>Splits a command line into the arguments of a container, which has no shell in between.</summary>
internal static class CommandWords
{
    private static readonly SearchValues<char> s_shellSigns = SearchValues.Create("|&;<>()$`\\*?[]#~%!{}\n");

    /// <summary>Returns the arguments as docker run takes them; a command that needs a shell runs in <c>sh -c</c>.</summary>
    public static IReadOnlyList<string> Of(string command) => Split(command) ?? ["sh", "-c", command];

    // Null if the command needs a shell; a dollar sign does even within quotes.
    private static List<string>? Split(string command)
    {
        if (command.AsSpan().ContainsAny(s_shellSigns))
            return null;
        var words = new List<string>();
        StringBuilder? word = null;
        char quote = '\0';
        foreach (char sign in command)
        {
            if (quote != '\0' ? sign == quote : sign is '"' or '\'')
            {
                quote = quote == '\0' ? sign : '\0';
                word ??= new StringBuilder();
            }
            else if (quote == '\0' && char.IsWhiteSpace(sign))
            {
                if (word is not null)
                    words.Add(word.ToString());
                word = null;
            }
            else
            {
                (word ??= new StringBuilder()).Append(sign);
            }
        }

        if (word is not null)
            words.Add(word.ToString());
        return quote != '\0' || words.Count == 0 || words[0].Contains('=', StringComparison.Ordinal) ? null : words;
    }
}
