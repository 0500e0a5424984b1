using System.Text;
using Markdig.Extensions.Tables;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace HelpBuilder;

/// <summary>Markdown as the plain text that a console shows.</summary>
internal static class MarkdownText
{
    /// <summary>The text of a run of inline elements, without its marks.</summary>
    /// <param name="inlines">The elements; null for none.</param>
    public static string Of(ContainerInline? inlines)
    {
        var text = new StringBuilder();
        foreach (Inline inline in inlines ?? Enumerable.Empty<Inline>())
        {
            switch (inline)
            {
                case LiteralInline literal:
                    text.Append(literal.Content.AsSpan());
                    break;
                case CodeInline code:
                    text.Append(code.Content);
                    break;
                case LineBreakInline:
                    text.Append(' ');
                    break;
                case HtmlEntityInline entity:
                    text.Append(entity.Transcoded.AsSpan());
                    break;
                case AutolinkInline link:
                    text.Append(link.Url);
                    break;
                case LinkInline link:
                    string label = Of(link);
                    text.Append(label);
                    if (IsWeb(link.Url) && link.Url != label)
                        text.Append(" (").Append(link.Url).Append(')');
                    break;
                case ContainerInline container:
                    text.Append(Of(container));
                    break;
            }
        }

        return text.ToString();
    }

    /// <summary>The paragraphs of a run of blocks; a list, a table or a code block is one paragraph with its own line ends.</summary>
    /// <param name="blocks">The blocks.</param>
    public static IReadOnlyList<string> Paragraphs(IEnumerable<Block> blocks) =>
        [.. blocks.Select(Paragraph).Where(text => text.Length > 0)];

    /// <summary>The lines of a code block, without trailing blanks.</summary>
    /// <param name="block">The block.</param>
    public static IEnumerable<string> Lines(LeafBlock block)
    {
        for (int i = 0; i < block.Lines.Count; i++)
            yield return block.Lines.Lines[i].Slice.ToString().TrimEnd();
    }

    /// <summary>The items of a list with their marks: <c>-</c>, or <c>1.</c> and so on.</summary>
    /// <param name="list">The list.</param>
    public static IEnumerable<(string Mark, string Text)> Items(ListBlock list)
    {
        int number = int.TryParse(list.OrderedStart, out int start) ? start : 1;
        foreach (ListItemBlock item in list.Cast<ListItemBlock>())
            yield return (list.IsOrdered ? $"{number++}." : "-", string.Join('\n', item.Select(Paragraph)));
    }

    /// <summary>A table's cells, row by row; the first row is its head.</summary>
    /// <param name="table">The table.</param>
    public static IReadOnlyList<string[]> Rows(Table table) =>
        [.. table.Cast<TableRow>().Select(row => row.Cast<TableCell>().Select(cell => string.Join(' ', cell.Select(Paragraph))).ToArray())];

    private static string Paragraph(Block block) => block switch
    {
        ParagraphBlock paragraph => Of(paragraph.Inline),
        CodeBlock code => string.Join('\n', Lines(code).Select(line => "    " + line)),
        ListBlock list => string.Join('\n', Items(list).Select(item => $"{item.Mark} {item.Text}")),
        Table table => string.Join('\n', Rows(table).Skip(1).Select(cells => string.Join(": ", cells))),
        ContainerBlock container => string.Join('\n', container.Select(Paragraph)),
        _ => "",
    };

    private static bool IsWeb(string? url) => url?.StartsWith("http", StringComparison.OrdinalIgnoreCase) == true;
}
