using System.Text;

namespace DbBackup.Upgrades.Deployments.ComposeFiles;

/// <summary>A part of a file's text that is replaced. The journal has these parts alone: the rest of a file may hold secrets.</summary>
/// <param name="Offset">Where the part begins, in characters of the text before all edits.</param>
/// <param name="Removed">What is removed; empty for an insertion.</param>
/// <param name="Inserted">What is inserted.</param>
internal sealed record TextEdit(int Offset, string Removed, string Inserted)
{
    /// <summary>Makes edits that do not overlap.</summary>
    public static string Apply(string text, IEnumerable<TextEdit> edits)
    {
        var result = new StringBuilder(text);
        foreach (TextEdit edit in edits.OrderByDescending(edit => edit.Offset))
            result.Remove(edit.Offset, edit.Removed.Length).Insert(edit.Offset, edit.Inserted);
        return result.ToString();
    }

    /// <summary>Returns the edits that give back the text before; for a text that <see cref="Apply"/> made.</summary>
    public static IReadOnlyList<TextEdit> Reverse(IEnumerable<TextEdit> edits)
    {
        var reversed = new List<TextEdit>();
        int moved = 0;
        foreach (TextEdit edit in edits.OrderBy(edit => edit.Offset))
        {
            reversed.Add(new TextEdit(edit.Offset + moved, edit.Inserted, edit.Removed));
            moved += edit.Inserted.Length - edit.Removed.Length;
        }

        return reversed;
    }

    /// <summary>Describes edits as the lines that they change. Of a line in flow style, which may hold a password too, only the changed parts are shown.</summary>
    public static IEnumerable<string> Difference(string text, IEnumerable<TextEdit> edits)
    {
        foreach (IGrouping<int, TextEdit> line in edits.OrderBy(edit => edit.Offset).GroupBy(edit => LineStart(text, edit.Offset)))
        {
            int end = text.IndexOf('\n', line.Key);
            string before = text[line.Key..(end < 0 ? text.Length : end)];
            // Whole new lines before this one, or after the last.
            if (line.All(edit => edit.Removed.Length == 0 && edit.Inserted.Contains('\n', StringComparison.Ordinal)))
            {
                foreach (string added in string.Concat(line.Select(edit => edit.Inserted)).Trim('\r', '\n').Split('\n'))
                    yield return $"+{added.TrimEnd('\r')}";
                continue;
            }

            bool isWhole = !before.Contains('{', StringComparison.Ordinal);
            string removed = isWhole ? before.TrimEnd('\r') : string.Join(" … ", line.Select(edit => edit.Removed).Where(part => part.Length > 0));
            if (removed.Length > 0)
                yield return $"-{removed}";
            yield return $"+{(isWhole ? Apply(before, line.Select(edit => edit with { Offset = edit.Offset - line.Key })).TrimEnd('\r') : string.Join(" … ", line.Select(edit => edit.Inserted)))}";
        }
    }

    private static int LineStart(string text, int offset) => offset == 0 ? 0 : text.LastIndexOf('\n', offset - 1) + 1;
}
