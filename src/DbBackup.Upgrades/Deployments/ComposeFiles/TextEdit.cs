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

    /// <summary>Describes edits as the lines that they change, each with its number before.</summary>
    public static IEnumerable<string> Difference(string text, IEnumerable<TextEdit> edits)
    {
        foreach (IGrouping<int, TextEdit> line in edits.OrderBy(edit => edit.Offset).GroupBy(edit => LineStart(text, edit.Offset)))
        {
            int end = text.IndexOf('\n', line.Key);
            end = end < 0 ? text.Length : end;
            // Whole new lines before this one, or after the last.
            bool isNew = line.All(edit => edit.Removed.Length == 0 && edit.Inserted.Contains('\n', StringComparison.Ordinal));
            if (!isNew)
                yield return $"-{text[line.Key..end].TrimEnd('\r')}";
            string after = isNew ? string.Concat(line.Select(edit => edit.Inserted)) : Apply(text[line.Key..end], line.Select(edit => edit with { Offset = edit.Offset - line.Key }));
            foreach (string added in after.Trim('\r', '\n').Split('\n'))
                yield return $"+{added.TrimEnd('\r')}";
        }
    }

    private static int LineStart(string text, int offset) => offset == 0 ? 0 : text.LastIndexOf('\n', offset - 1) + 1;
}
