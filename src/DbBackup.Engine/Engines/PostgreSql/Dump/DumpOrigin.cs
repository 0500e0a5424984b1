using System.Globalization;
using System.Text.RegularExpressions;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>
/// Reads when a dump was made and of which database: the header of an archive says it, and the beginning of a script: its first comments if
/// pg_dump wrote it with --verbose, its first statements if with --create.
/// </summary>
internal static partial class DumpOrigin
{
    // The header takes about 50 bytes.
    private const int HeaderBytes = 256;
    private const int TarHeaderBytes = 512;

    /// <summary>Returns the moment and the database; null for what the dump does not state.</summary>
    public static (DateTimeOffset? Created, string? Database) Of(ForeignFile file, DumpKind kind) => kind switch
    {
        DumpKind.Custom => ArchiveContents.OriginOf(file.Start.Span),
        // The table of contents comes first.
        DumpKind.Tar => file.Start.Length > TarHeaderBytes ? ArchiveContents.OriginOf(file.Start.Span[TarHeaderBytes..]) : default,
        DumpKind.Directory => ArchiveContents.OriginOf(DumpKinds.StartOfContents(file.Path, HeaderBytes).Span),
        DumpKind.Plain => (OfComment(file.ReadText()), OfStatement(file.ReadText())),
        _ => (OfComment(file.ReadText()), null),
    };

    // The zone is an abbreviation, of which only these mean the same everywhere.
    private static DateTimeOffset? OfComment(string text) => Started().Match(text) is { Success: true } match
        && DateTime.TryParseExact(match.Groups["moment"].Value, "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTime moment)
        ? match.Groups["zone"].Value is "UTC" or "GMT" ? new DateTimeOffset(moment, TimeSpan.Zero) : new DateTimeOffset(DateTime.SpecifyKind(moment, DateTimeKind.Local))
        : null;

    private static string? OfStatement(string text) => Created().Match(text) is { Success: true } match
        ? match.Groups["quoted"] is { Success: true } quoted ? quoted.Value.Replace("\"\"", "\"", StringComparison.Ordinal) : match.Groups["plain"].Value
        : null;

    [GeneratedRegex(@"^CREATE DATABASE (?:""(?<quoted>(?:[^""]|"""")+)""|(?<plain>[^\s"";]+))", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Created();

    [GeneratedRegex(@"^-- Started on (?<moment>[0-9-]{10} [0-9:]{8})(?: (?<zone>[^\r\n]*))?\r?$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Started();
}
