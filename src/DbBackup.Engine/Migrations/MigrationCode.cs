using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;

namespace DbBackup.Engine.Migrations;

/// <summary>Names the code against whose migrations a schema is compared.</summary>
public sealed record MigrationCodeRequest
{
    /// <summary>The folder that holds <c>alembic.ini</c>: of this machine, or of the container where one is named; null for the container's own.</summary>
    public string? Folder { get; init; }

    /// <summary>The container or service that holds the code; null for this machine.</summary>
    public ContainerAddress? Container { get; init; }

    /// <summary>How Alembic is started, in words divided by spaces.</summary>
    public string Tool { get; init; } = "alembic";
}

/// <summary>The migrations of a state of an application's code.</summary>
public sealed class MigrationCode
{
    private readonly MigrationHistory _history;
    private readonly string _place;

    private MigrationCode(MigrationHistory history, string place)
    {
        _history = history;
        _place = place;
    }

    /// <summary>The revisions to which the code leads: more than one where its migrations have branched.</summary>
    public IReadOnlyList<string> Heads => _history.Heads;

    /// <summary>Reads them. No database is asked.</summary>
    /// <exception cref="BackupException">The code, or the program that knows its migrations, is not there.</exception>
    public static async Task<MigrationCode> ReadAsync(MigrationCodeRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        string[] command = request.Tool.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (command.Length == 0)
            throw new BackupFailure(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, "The migration tool is empty.", "Leave it out for 'alembic', or write how it is started, as in 'uv run alembic'.");
        if (request.Container is null)
        {
            string folder = Path.GetFullPath(request.Folder ?? ".");
            if (!Directory.Exists(folder))
                throw new BackupFailure(ErrorCodes.SourceNotFound, FailureCategory.NotFound, $"There is no folder '{folder}' with the code.", "Name the folder that holds alembic.ini.") { Target = folder };
            return await ReadAsync(new FolderCode(folder), command, cancellationToken).ConfigureAwait(false);
        }

        using DockerSubject subject = await DockerSubject.FindAsync(request.Container, cancellationToken).ConfigureAwait(false);
        subject.RequireRunning();
        return await ReadAsync(new ContainerCode(new ContainerHost(subject.Client, subject.Container), request.Folder), command, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads those of a place.</summary>
    internal static Task<MigrationCode> ReadAsync(CodePlace place, string tool, CancellationToken cancellationToken) =>
        ReadAsync(place, tool.Split(' ', StringSplitOptions.RemoveEmptyEntries), cancellationToken);

    /// <summary>Says how a database or backup stands to this code.</summary>
    public SchemaRevision Compare(SchemaRevision revision)
    {
        ArgumentNullException.ThrowIfNull(revision);
        bool isKnown = revision.Revision is not null;
        return revision with
        {
            CodeHeads = Heads,
            Pending = _history.PendingAfter(revision.Heads),
            Relation = isKnown ? _history.Compare([.. revision.Heads]) : SchemaRelation.Unknown,
        };
    }

    /// <summary>Refuses a schema that this code cannot work with.</summary>
    /// <param name="revision">What <see cref="Compare"/> gave.</param>
    /// <param name="git">The code that made it, where that is known.</param>
    /// <exception cref="BackupFailure">The schema is ahead of the code, or went another way.</exception>
    public void RequireFit(SchemaRevision revision, GitInfo? git)
    {
        ArgumentNullException.ThrowIfNull(revision);
        if (revision.Relation is not (SchemaRelation.Ahead or SchemaRelation.Diverged))
            return;
        string heads = string.Join(", ", Heads);
        string way = revision.Relation == SchemaRelation.Ahead ? "the code is older" : "the two went separate ways";
        throw new BackupFailure(
            ErrorCodes.SchemaNotOfCode,
            FailureCategory.Refused,
            $"'{revision.Target}' is at schema revision {revision.Revision}, which the code in {_place} does not know (it leads to {(heads.Length == 0 ? "none" : heads)}): {way}.",
            (git is null ? "Take the version of the code that made it" : $"Take the code that made it (git checkout {git.Commit})") + ", or a backup of the code's own revision; -Force continues anyway.")
        { Target = revision.Target };
    }

    private static async Task<MigrationCode> ReadAsync(CodePlace place, string[] command, CancellationToken cancellationToken) =>
        new(await new AlembicTool(place, command).HistoryAsync(cancellationToken).ConfigureAwait(false), place.Description);
}
