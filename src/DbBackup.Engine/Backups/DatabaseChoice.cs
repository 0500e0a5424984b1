using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Backups;

/// <summary>Which databases of a server are backed up: exactly one of the ways to say it.</summary>
public abstract record DatabaseChoice
{
    private DatabaseChoice()
    {
    }

    /// <summary>The one database that the connection names.</summary>
    public sealed record OfConnection : DatabaseChoice;

    /// <summary>Named databases, each a backup of its own.</summary>
    /// <param name="Names">The names; wildcards are looked up on the server.</param>
    public sealed record Named(IReadOnlyList<NameFilter> Names) : DatabaseChoice;

    /// <summary>All databases of the server, with its roles, as one backup.</summary>
    /// <param name="Names">Only databases that match one of these; empty for all.</param>
    public sealed record WholeServer(IReadOnlyList<NameFilter> Names) : DatabaseChoice;

    /// <summary>True if the server must be asked for its databases.</summary>
    internal bool NeedsList => this is WholeServer || (this is Named { Names: var names } && names.Any(name => !name.IsExact));

    /// <summary>Chooses the databases.</summary>
    /// <param name="all">The server's databases; empty if they were not asked for (<see cref="NeedsList"/>).</param>
    /// <param name="ofConnection">The database that the connection names; null if it names none.</param>
    /// <param name="server">The server's location, for errors.</param>
    /// <exception cref="BackupException">No database is named, or a name or wildcard matches none.</exception>
    internal IReadOnlyList<string> Choose(IReadOnlyList<string> all, string? ofConnection, string server) => this switch
    {
        WholeServer { Names: var names } => [.. all.Where(name => names.Count == 0 || names.Any(filter => filter.Fits(name)))],
        Named { Names: var names } => [.. names.SelectMany(name => Matches(name, all, server)).Distinct(StringComparer.Ordinal)],
        _ => [ofConnection ?? throw new BackupFailure(
            ErrorCodes.InvalidArgument,
            FailureCategory.InvalidArgument,
            $"No database of '{server}' was named.",
            "Name it with -Database (wildcards are allowed) or in the connection string, or take them all with -AllDatabases.")],
    };

    private static string[] Matches(NameFilter name, IReadOnlyList<string> all, string server)
    {
        // A database may be called "a*b".
        if (name.IsExact || all.Contains(name.Text))
            return [name.Text];
        string[] matches = [.. all.Where(name.Fits)];
        return matches.Length > 0 ? matches : throw new BackupFailure(
            ErrorCodes.SourceNotFound,
            FailureCategory.NotFound,
            $"No database of '{server}' matches '{name.Text}'.",
            $"The server has: {string.Join(", ", all.Take(10))}.")
        { Target = name.Text };
    }
}
