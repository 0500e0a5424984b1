using System.Globalization;
using System.Text;

namespace DbBackup;

/// <summary>The plan of an upgrade.</summary>
public sealed record UpgradePlan
{
    /// <summary>What is upgraded.</summary>
    public required string Target { get; init; }

    /// <summary>The database's schema revision, compared with the code.</summary>
    public required SchemaRevision Revision { get; init; }

    /// <summary>The size of the database, in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>The repository for the backup.</summary>
    public required string Repository { get; init; }

    /// <summary>To whom that backup is encrypted: public keys, or the word <c>passphrase</c>; empty if it is not.</summary>
    public IReadOnlyList<string> Recipients { get; init => field = Indexable.Of(value); } = [];

    /// <summary>How the new version is fetched: what is checked out, pulled, built.</summary>
    public IReadOnlyList<string> NewVersion { get; init => field = Indexable.Of(value); } = [];

    /// <summary>How the new version is installed.</summary>
    public IReadOnlyList<string> Installation { get; init => field = Indexable.Of(value); } = [];

    /// <summary>True if the upgrade stops the application.</summary>
    public bool StopsApplication { get; init; }

    /// <summary>The migration command; null if the new version migrates at start-up.</summary>
    public string? Migrate { get; init; }

    /// <summary>The folder in which the command runs; null for the image's default.</summary>
    public string? MigrationPath { get; init; }

    /// <summary>Why the migration is not rehearsed on a copy; null if it is.</summary>
    public string? NotRehearsed { get; init; }

    /// <summary>True if the migration is rehearsed on a copy.</summary>
    public bool IsRehearsed => NotRehearsed is null;

    /// <summary>The health checks.</summary>
    public required IReadOnlyList<string> Checks { get; init => field = Indexable.Of(value); }

    /// <summary>The major versions of an upgrade that loads all databases into a new server, as in <c>PostgreSQL 15 to 18</c>; null for an upgrade of an application.</summary>
    public string? ServerVersions { get; init; }

    /// <summary>The server that gets the databases, where it has an address of its own; null for any other upgrade.</summary>
    public string? NewServer { get; init; }

    /// <summary>True if a failure is rolled back.</summary>
    public required bool RollsBack { get; init; }

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Upgrade '{Target}' ({ByteSize.Format(Size)}");
        if (ServerVersions is { } versions)
            text.Append(", ").Append(versions);
        else if (Revision.Revision is { } revision)
            text.Append(CultureInfo.InvariantCulture, $", schema revision {revision}");
        if (Revision.CodeHeads is { } heads)
            text.Append(CultureInfo.InvariantCulture, $", code at {string.Join(", ", heads)}: {Revision.Relation}, {Revision.Pending!.Count} {(Revision.Pending.Count == 1 ? "migration" : "migrations")} pending");
        text.AppendLine(")");
        string migration = Migrate is null ? "the new version, which migrates at start-up," : $"'{Migrate}'";
        foreach (string part in NewVersion)
            Line(part);
        string rehearsal = (IsRehearsed, ServerVersions, NewServer) switch
        {
            (false, _, _) => $"no rehearsal: {NotRehearsed}",
            (_, null, _) => $"run {migration} on a copy",
            (_, _, null) => "load a backup into a new server in a scratch volume beside the running one, and compare it",
            _ => $"load a backup into '{NewServer}', compare it, and remove it there again",
        };
        // What stops for the backup is not to stop before the rehearsal has passed.
        bool isRehearsedFirst = StopsApplication || NewServer is not null;
        if (isRehearsedFirst)
            Line(rehearsal);
        if (StopsApplication)
            Line(ServerVersions is null ? "stop services that write to the database" : "stop services that use the server, and cut the server off from all networks");
        if (NewServer is not null)
            Line("make the old server read-only, and end its sessions");

        Line($"back up to '{Repository}'{(Recipients.Count == 0 ? string.Empty : $", encrypted to {string.Join(", ", Recipients)},")}{(ServerVersions is null ? " and test the backup by a restore" : string.Empty)}");
        if (!isRehearsedFirst)
            Line(rehearsal);
        foreach (string part in Installation)
            Line(part);
        if (Migrate is not null)
            Line($"run '{Migrate}'{(MigrationPath is null ? string.Empty : $" in '{MigrationPath}'")}");
        if (StopsApplication)
            Line("start the new version and check that it stays healthy");
        Line($"check the database{(Checks.Count == 0 ? string.Empty : " and: " + string.Join("; ", Checks))}");
        text.Append(this switch
        {
            { RollsBack: false } => "  if a step fails: leave everything as it is (-NoRollback)",
            { NewServer: not null } => "  if a step fails: let the old server accept writes again, and remove what was loaded into the new one",
            { ServerVersions: not null } => "  if a step fails: start the old server on its old volume",
            { StopsApplication: true } => "  if a step fails: restore the previous version and the backup",
            _ => "  if a step fails: restore the backup",
        });
        if (Recipients.Count > 0 && ServerVersions is null)
            text.AppendLine().Append(CultureInfo.InvariantCulture, $"  after it has succeeded, Undo-DbUpgrade needs {(Recipients.Contains("passphrase") ? "the passphrase (-Passphrase)" : "the secret key of one of them (-Identity)")}");
        void Line(string words) => text.Append("  ").AppendLine(words);
        return text.ToString();
    }
}
