using System.Globalization;
using System.Text;

namespace DbBackup;

/// <summary>What an upgrade will do.</summary>
public sealed record UpgradePlan
{
    /// <summary>What is upgraded.</summary>
    public required string Target { get; init; }

    /// <summary>The database's schema revision, and how it stands to the code.</summary>
    public required SchemaRevision Revision { get; init; }

    /// <summary>How large the database is, in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>Where the backup goes.</summary>
    public required string Repository { get; init; }

    /// <summary>How the new version is got, in sentences: what is checked out, pulled, built.</summary>
    public IReadOnlyList<string> NewVersion { get; init; } = [];

    /// <summary>How it is put in place, in sentences.</summary>
    public IReadOnlyList<string> Installation { get; init; } = [];

    /// <summary>Whether the application is stopped for it.</summary>
    public bool StopsApplication { get; init; }

    /// <summary>The command that migrates; null where the new version does it by itself.</summary>
    public string? Migrate { get; init; }

    /// <summary>The folder in which it runs; null for the image's own.</summary>
    public string? MigrationPath { get; init; }

    /// <summary>Why the migration is not tried on a copy first; null where it is.</summary>
    public string? NotRehearsed { get; init; }

    /// <summary>Whether it is.</summary>
    public bool IsRehearsed => NotRehearsed is null;

    /// <summary>What must hold afterwards.</summary>
    public required IReadOnlyList<string> Checks { get; init; }

    /// <summary>Whether a failure is taken back.</summary>
    public required bool RollsBack { get; init; }

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Upgrade '{Target}' ({ByteSize.Format(Size)}");
        if (Revision.Revision is { } revision)
            text.Append(CultureInfo.InvariantCulture, $", schema revision {revision}");
        if (Revision.CodeHeads is { } heads)
            text.Append(CultureInfo.InvariantCulture, $", code at {string.Join(", ", heads)}: {Revision.Relation}, {Revision.Pending!.Count} {(Revision.Pending.Count == 1 ? "migration" : "migrations")} pending");
        text.AppendLine(")");
        string migration = Migrate is null ? "the new version, which migrates when it starts," : $"'{Migrate}'";
        foreach (string part in NewVersion)
            Line(part);
        string rehearsal = IsRehearsed ? $"run {migration} on a copy" : $"no rehearsal: {NotRehearsed}";
        if (StopsApplication)
        {
            Line(rehearsal);
            Line("stop what writes");
        }

        Line($"back up into '{Repository}', restore that beside and compare it");
        if (!StopsApplication)
            Line(rehearsal);
        foreach (string part in Installation)
            Line(part);
        if (Migrate is not null)
            Line($"run '{Migrate}'{(MigrationPath is null ? string.Empty : $" in '{MigrationPath}'")}");
        if (StopsApplication)
            Line("start it, and see whether it stays up and healthy");
        Line($"check the database{(Checks.Count == 0 ? string.Empty : " and: " + string.Join("; ", Checks))}");
        text.Append(RollsBack ? StopsApplication ? "  where it fails: the old version back, and the backup restored" : "  where it fails: restore the backup" : "  where it fails: leave everything as it is then");
        void Line(string words) => text.Append("  ").AppendLine(words);
        return text.ToString();
    }
}
