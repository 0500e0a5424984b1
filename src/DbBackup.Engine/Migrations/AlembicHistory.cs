using System.Text.RegularExpressions;

namespace DbBackup.Engine.Migrations;

/// <summary>Reads what <c>alembic history</c> writes: a line for each revision, the newest first.</summary>
/// <remarks>The form is that of <c>Script.cmd_format</c> in Alembic's <c>script/base.py</c>, the same from 1.0 to 1.16.</remarks>
internal static partial class AlembicHistory
{
    /// <summary>Reads it.</summary>
    /// <param name="text">All that the command wrote to its standard output.</param>
    public static MigrationHistory Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        IEnumerable<MigrationRevision> newestFirst = Revision().Matches(text).Select(line => new MigrationRevision(
            line.Groups["id"].Value,
            [.. Names(line.Groups["down"].Value).Concat(Names(line.Groups["depends"].Value))]));
        return new MigrationHistory(newestFirst.Reverse());
    }

    private static IEnumerable<string> Names(string list) =>
        list.Split(", ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Where(name => name != "<base>");

    // "<base> -> 1975ea83b712 (branchpoint), create accounts", "ae10, 27c6 (b7c1) -> 53ff (head) (mergepoint), merge".
    [GeneratedRegex(@"^(?<down><base>|[^\s()>]+(?:, [^\s()>]+)*)(?: \((?<depends>[^)]*)\))? -> (?<id>[^\s,()]+)(?: \([^)]*\))*,[^\r\n]*\r?$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex Revision();
}
