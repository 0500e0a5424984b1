using System.Text.RegularExpressions;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Engines.PostgreSql.Swap;

/// <summary>
/// The mark of a database that a restore has kept: the first line of its comment, with the entry's id. It is written in the transaction that
/// renames the database, so that what an entry of a repository says can be compared with the database itself. What the comment was
/// before stands below, and is the comment again when the database gets its name back.
/// </summary>
internal static partial class KeptMark
{
    private const string Marking = "marking the kept database";

    /// <summary>A comment with a mark.</summary>
    /// <param name="id">The entry's id.</param>
    /// <param name="comment">The comment, with or without a mark; null for none.</param>
    public static string Add(Guid id, string? comment) => $"Kept by DbBackup before a restore: {id:D}" + (Strip(comment) is { } own ? "\n" + own : string.Empty);

    /// <summary>The comment without its mark; null where there is no other.</summary>
    public static string? Strip(string? comment)
    {
        if (comment is null || !Mark().IsMatch(comment))
            return comment;
        int end = comment.IndexOf('\n', StringComparison.Ordinal);
        return end < 0 ? null : comment[(end + 1)..];
    }

    /// <summary>The entry's id in a comment; null where there is no mark.</summary>
    public static Guid? Read(string? comment) => comment is not null && Mark().Match(comment) is { Success: true } mark ? Guid.Parse(mark.Groups[1].Value) : null;

    /// <summary>The entry for which a database was kept; null where it was not.</summary>
    public static async Task<Guid?> OfAsync(PostgreSqlSession session, string database, CancellationToken cancellationToken) =>
        Read(await CommentAsync(session, database, cancellationToken).ConfigureAwait(false));

    /// <summary>Marks a database, or takes its mark away.</summary>
    /// <param name="session">A session in any database of the server.</param>
    /// <param name="database">The database.</param>
    /// <param name="id">The entry's id; null for no mark.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    public static async Task SetAsync(PostgreSqlSession session, string database, Guid? id, CancellationToken cancellationToken)
    {
        string? present = await CommentAsync(session, database, cancellationToken).ConfigureAwait(false);
        string? wanted = id is { } entry ? Add(entry, present) : Strip(present);
        if (wanted != present)
            await session.ExecuteAsync($"COMMENT ON DATABASE {PostgreSqlSession.Quote(database)} IS {(wanted is null ? "NULL" : PostgreSqlSession.Literal(wanted))}", Marking, cancellationToken).ConfigureAwait(false);
    }

    private static Task<string?> CommentAsync(PostgreSqlSession session, string database, CancellationToken cancellationToken) => session.TextAsync(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1", Marking, cancellationToken, database);

    [GeneratedRegex("\\AKept by DbBackup before a restore: ([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:\\n|\\z)", RegexOptions.CultureInvariant)]
    private static partial Regex Mark();
}
