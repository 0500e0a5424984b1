using System.Text;

namespace HelpBuilder;

/// <summary>Breaks text between words, so that no line is longer than a console is wide.</summary>
internal static class TextWrap
{
    /// <summary>Appends the text; a word that is longer than a line stays whole.</summary>
    /// <param name="target">Where it goes.</param>
    /// <param name="text">The text; its line ends are kept.</param>
    /// <param name="width">The longest line, in characters.</param>
    /// <param name="indent">Blanks before each line but the first.</param>
    /// <param name="lead">What stands before the first line.</param>
    public static void Append(StringBuilder target, string text, int width, int indent, string lead)
    {
        string prefix = lead;
        foreach (string paragraph in text.Split('\n'))
        {
            string line = prefix;
            bool empty = true;
            foreach (string word in paragraph.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (!empty && line.Length + 1 + word.Length > width)
                {
                    target.Append(line).Append('\n');
                    line = new string(' ', indent);
                    empty = true;
                }

                line += empty ? word : " " + word;
                empty = false;
            }

            target.Append(line.TrimEnd()).Append('\n');
            prefix = new string(' ', indent);
        }
    }
}
