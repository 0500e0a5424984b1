using System.Net;
using System.Text;

namespace DbBackup.Engine.Plans.Reports;

/// <summary>Builds HTML of which every text is escaped: names and messages are of foreign origin.</summary>
internal sealed class HtmlWriter
{
    private readonly StringBuilder _html = new();

    /// <summary>Adds markup of this program's own.</summary>
    public HtmlWriter Raw(string markup)
    {
        _html.Append(markup);
        return this;
    }

    /// <summary>Adds a text.</summary>
    public HtmlWriter Text(string? text)
    {
        _html.Append(Escaped(text));
        return this;
    }

    /// <summary>Adds an element with a text.</summary>
    public HtmlWriter Element(string name, string? text, string? style = null) =>
        Raw(style is null ? $"<{name}>" : $"<{name} class=\"{style}\">").Text(text).Raw($"</{name}>");

    /// <summary>Adds a table; the first cell of each row is its heading.</summary>
    /// <param name="caption">Its caption.</param>
    /// <param name="headings">The columns.</param>
    /// <param name="rows">The rows, with the class of each.</param>
    public HtmlWriter Table(string caption, string[] headings, IEnumerable<(string? Style, string?[] Cells)> rows)
    {
        Raw("<div class=\"scroll\"><table>").Element("caption", caption).Raw("<thead><tr>");
        foreach (string heading in headings)
            Raw("<th scope=\"col\">").Text(heading).Raw("</th>");
        Raw("</tr></thead><tbody>");
        foreach ((string? style, string?[] cells) in rows)
        {
            Raw(style is null ? "<tr>" : $"<tr class=\"{style}\">");
            for (int index = 0; index < cells.Length; index++)
                Raw(index == 0 ? "<th scope=\"row\">" : "<td>").Text(cells[index]).Raw(index == 0 ? "</th>" : "</td>");
            Raw("</tr>");
        }

        return Raw("</tbody></table></div>\n");
    }

    /// <summary>A text as it may stand in HTML and its attributes, without passwords and control characters.</summary>
    public static string Escaped(string? text) => WebUtility.HtmlEncode(ForeignText.ShownLine(SecretText.Masked(text ?? string.Empty)));

    /// <inheritdoc/>
    public override string ToString() => _html.ToString();
}
