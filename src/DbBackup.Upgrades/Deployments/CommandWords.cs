using System.Buffers;
using System.Text;

namespace DbBackup.Upgrades.Deployments;

/// <summary>A command line of a person as the words that a container is started with, where no shell is between.</summary>
internal static class CommandWords
{
    private static readonly SearchValues<char> s_shellSigns = SearchValues.Create("|&;<>()$`\\*?[]#~%!{}\n");

    /// <summary>The words: of a plain command its own, as docker run takes them; of one that needs a shell, the shell's.</summary>
    public static IReadOnlyList<string> Of(string command) => Split(command) ?? ["sh", "-c", command];

    // Null where it means something only to a shell, also within quotes: there a dollar does.
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
