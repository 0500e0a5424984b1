using System.Globalization;
using System.Text.RegularExpressions;
using DbBackup.Engine.Engines.PostgreSql.Rows;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>Reads when a dump was made: the header of an archive says it, and the first comments of a script that pg_dump wrote with --verbose.</summary>
internal static partial class DumpDate
{
    // The header takes about 50 bytes.
    private const int HeaderBytes = 256;
    private const int TarHeaderBytes = 512;

    /// <summary>Returns the moment; null where the dump does not state it.</summary>
    public static DateTimeOffset? Of(ForeignFile file, DumpKind kind) => kind switch
    {
        DumpKind.Custom => ArchiveContents.CreatedOf(file.Start.Span),
        // The table of contents comes first.
        DumpKind.Tar => file.Start.Length > TarHeaderBytes ? ArchiveContents.CreatedOf(file.Start.Span[TarHeaderBytes..]) : null,
        DumpKind.Directory => ArchiveContents.CreatedOf(DumpKinds.StartOfContents(file.Path, HeaderBytes).Span),
        _ => OfComment(file.ReadText()),
    };

    // The zone is an abbreviation, of which only these mean the same everywhere.
    private static DateTimeOffset? OfComment(string text) => Started().Match(text) is { Success: true } match
        && DateTime.TryParseExact(match.Groups["moment"].Value, "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTime moment)
        ? match.Groups["zone"].Value is "UTC" or "GMT" ? new DateTimeOffset(moment, TimeSpan.Zero) : new DateTimeOffset(DateTime.SpecifyKind(moment, DateTimeKind.Local))
        : null;

    [GeneratedRegex(@"^-- Started on (?<moment>[0-9-]{10} [0-9:]{8})(?: (?<zone>[^\r\n]*))?\r?$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Started();
}
