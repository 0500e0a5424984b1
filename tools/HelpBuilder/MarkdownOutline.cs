using Markdig;
using Markdig.Extensions.Yaml;
using Markdig.Syntax;

namespace HelpBuilder;

/// <summary>A heading with what stands under it: the text up to the next heading, and the headings one level down.</summary>
internal sealed class MarkdownOutline
{
    private static readonly MarkdownPipeline s_pipeline = new MarkdownPipelineBuilder().UseYamlFrontMatter().UsePipeTables().Build();

    private MarkdownOutline(string title, int level, int line)
    {
        Title = title;
        Level = level;
        Line = line;
    }

    /// <summary>The heading's text; empty for the document itself.</summary>
    public string Title { get; }

    /// <summary>1 for <c>#</c>; 0 for the document itself.</summary>
    public int Level { get; }

    /// <summary>The heading's line, counted from 1.</summary>
    public int Line { get; }

    /// <summary>The text directly under the heading.</summary>
    public List<Block> Body { get; } = [];

    /// <summary>The headings below it.</summary>
    public List<MarkdownOutline> Children { get; } = [];

    /// <summary>The keys of the YAML front matter; only the document itself has them.</summary>
    public Dictionary<string, string> FrontMatter { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads a document.</summary>
    /// <param name="markdown">Its text.</param>
    public static MarkdownOutline Read(string markdown)
    {
        var document = new MarkdownOutline("", 0, 1);
        var open = new Stack<MarkdownOutline>([document]);
        foreach (Block block in Markdown.Parse(markdown, s_pipeline))
        {
            switch (block)
            {
                case YamlFrontMatterBlock front:
                    document.ReadFrontMatter(front);
                    break;
                case HeadingBlock heading:
                    while (open.Peek().Level >= heading.Level)
                        open.Pop();
                    var section = new MarkdownOutline(MarkdownText.Of(heading.Inline), heading.Level, heading.Line + 1);
                    open.Peek().Children.Add(section);
                    open.Push(section);
                    break;
                default:
                    open.Peek().Body.Add(block);
                    break;
            }
        }

        return document;
    }

    /// <summary>The heading of that title directly below, whatever its case; null where there is none.</summary>
    /// <param name="title">The title.</param>
    public MarkdownOutline? Find(string title) =>
        Children.Find(child => child.Title.Equals(title, StringComparison.OrdinalIgnoreCase));

    private void ReadFrontMatter(YamlFrontMatterBlock front)
    {
        foreach (string text in MarkdownText.Lines(front))
        {
            int colon = text.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0)
                FrontMatter[text[..colon].Trim()] = text[(colon + 1)..].Trim();
        }
    }
}
