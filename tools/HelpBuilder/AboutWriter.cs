using System.Text;
using Markdig.Extensions.Tables;
using Markdig.Syntax;

namespace HelpBuilder;

/// <summary>
/// Writes an about topic as wrapped plain text. The layout is PowerShell's own: Get-Help takes the fifth line as the synopsis,
/// so the short description's first line must stand there.
/// </summary>
internal static class AboutWriter
{
    private const int Width = 80;

    /// <summary>The text of a topic.</summary>
    /// <param name="markdown">The markdown: <c># about_X</c>, then <c>## Short description</c>, <c>## Long description</c> and more.</param>
    /// <param name="errors">Where faults go.</param>
    public static string Write(string markdown, HelpErrors errors)
    {
        MarkdownOutline document = MarkdownOutline.Read(markdown);
        MarkdownOutline topic = document.Children.FirstOrDefault() ?? document;
        if (!topic.Title.StartsWith("about_", StringComparison.Ordinal))
            errors.Add(topic.Line, "The first heading must be '# about_' and the topic's name.");
        foreach (string title in (string[])["Short description", "Long description"])
        {
            if (topic.Find(title) is not { } section)
                errors.Add(topic.Line, $"{topic.Title} has no '## {title}'.");
            else if (section.Body.Count + section.Children.Count == 0)
                errors.Add(section.Line, $"'{section.Title}' is empty.");
        }

        if (topic.Find("Short description") is { } brief && MarkdownText.Paragraphs(brief.Body).Any(text => text.Length > Width - 4))
            errors.Add(brief.Line, $"The short description is longer than the {Width - 4} characters that Get-Help lists.");

        var text = new StringBuilder();
        text.Append("TOPIC\n    ").Append(topic.Title).Append('\n');
        foreach (MarkdownOutline section in topic.Children)
        {
            text.Append('\n');
            Section(text, section, section.Title.ToUpperInvariant(), indent: 4);
        }

        return text.ToString();
    }

    private static void Section(StringBuilder text, MarkdownOutline section, string title, int indent)
    {
        text.Append(' ', indent - 4).Append(title).Append('\n');
        bool first = true;
        foreach (Block block in section.Body)
        {
            if (!first)
                text.Append('\n');
            first = false;
            WriteBlock(text, block, indent);
        }

        foreach (MarkdownOutline child in section.Children)
        {
            text.Append('\n');
            Section(text, child, child.Title, indent + 2);
        }
    }

    private static void WriteBlock(StringBuilder text, Block block, int indent)
    {
        switch (block)
        {
            case CodeBlock code:
                foreach (string line in MarkdownText.Lines(code))
                    text.Append(line.Length == 0 ? "" : new string(' ', indent + 2) + line).Append('\n');
                break;
            case ListBlock list:
                foreach ((string mark, string item) in MarkdownText.Items(list))
                    TextWrap.Append(text, item, Width, indent + mark.Length + 1, new string(' ', indent) + mark + " ");
                break;
            case Table table:
                WriteTable(text, MarkdownText.Rows(table), indent);
                break;
            default:
                foreach (string paragraph in MarkdownText.Paragraphs([block]))
                    TextWrap.Append(text, paragraph, Width, indent, new string(' ', indent));
                break;
        }
    }

    /// <summary>The first column stands at the left, the others are wrapped beside it.</summary>
    private static void WriteTable(StringBuilder text, IReadOnlyList<string[]> rows, int indent)
    {
        int column = Math.Min(rows.Max(row => row[0].Length), 30) + 2;
        foreach (string[] row in rows.Skip(1))
        {
            string key = new string(' ', indent) + row[0].PadRight(column);
            if (row[0].Length > column - 2)
            {
                text.Append(key.TrimEnd()).Append('\n');
                key = new string(' ', indent + column);
            }

            TextWrap.Append(text, string.Join("; ", row.Skip(1)), Width, indent + column, key);
        }
    }
}
