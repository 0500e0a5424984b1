using System.Text.RegularExpressions;

namespace DbBackup.Tests.Unit;

/// <summary>A link from one document of the project to another leads somewhere.</summary>
public sealed partial class DocumentLinksTests
{
    public static TheoryData<string> Documents() =>
        [.. Directory.EnumerateFiles(SourceTree.Root, "*.md", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(SourceTree.Root, file).Replace('\\', '/'))
            // Outputs of builds, and what a user has in a folder of the demo.
            .Where(file => !Outputs().IsMatch("/" + file))
            .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Each_relative_link_leads_to_a_file_and_a_heading(string document)
    {
        string path = Path.Join(SourceTree.Root, document);
        foreach (Match link in Links().Matches(File.ReadAllText(path)))
        {
            string[] parts = link.Groups["target"].Value.Split('#');
            string target = parts[0].Length == 0 ? path : Path.Join(Path.GetDirectoryName(path), Uri.UnescapeDataString(parts[0]));
            Assert.True(File.Exists(target) || Directory.Exists(target), $"{document}: there is no '{link.Groups["target"].Value}'.");
            if (parts.Length > 1)
                Assert.Contains(parts[1], Headings().Matches(File.ReadAllText(target)).Select(heading => Anchor(heading.Groups["text"].Value)));
        }
    }

    [Fact]
    public void The_documents_are_found() => Assert.True(Documents().Count(row => row.Data is "README.md" or "docs/guides/upgrades.md") == 2);

    // As GitHub makes them: small letters, digits, hyphens for spaces.
    private static string Anchor(string heading) => NoAnchor().Replace(heading.Trim().ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex(@"(?<!!)\[[^\]\n]+\]\((?![a-z]+:)(?<target>[^)\s]+)\)")]
    private static partial Regex Links();

    [GeneratedRegex(@"(?m)^#+ (?<text>.+)$")]
    private static partial Regex Headings();

    [GeneratedRegex(@"[^\p{L}\p{Nd} _-]")]
    private static partial Regex NoAnchor();

    [GeneratedRegex(@"/(bin|obj|artifacts|demo|TestResults)/")]
    private static partial Regex Outputs();
}
