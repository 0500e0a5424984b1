using System.Globalization;
using System.Text;

namespace DbBackup;

/// <summary>What an upgrade will do.</summary>
public sealed record UpgradePlan
{
    /// <summary>What is upgraded.</summary>
    public required string Subject { get; init; }

    /// <summary>The database's schema revision, and how it stands to the code.</summary>
    public required SchemaRevision Revision { get; init; }

    /// <summary>How large the database is, in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>Where the backup goes.</summary>
    public required string Repository { get; init; }

    /// <summary>The command that migrates.</summary>
    public required string Migrate { get; init; }

    /// <summary>The folder in which it runs.</summary>
    public required string CodePath { get; init; }

    /// <summary>Whether it is run on a copy first.</summary>
    public required bool IsRehearsed { get; init; }

    /// <summary>What must hold afterwards.</summary>
    public required IReadOnlyList<string> Checks { get; init; }

    /// <summary>Whether a failure is taken back.</summary>
    public required bool RollsBack { get; init; }

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Upgrade '{Subject}' ({ByteSize.Format(Size)}");
        if (Revision.Revision is { } revision)
            text.Append(CultureInfo.InvariantCulture, $", schema revision {revision}");
        if (Revision.CodeHeads is { } heads)
            text.Append(CultureInfo.InvariantCulture, $", code at {string.Join(", ", heads)}: {Revision.Relation}, {Revision.Pending!.Count} {(Revision.Pending.Count == 1 ? "migration" : "migrations")} pending");
        text.AppendLine(")");
        text.AppendLine(CultureInfo.InvariantCulture, $"  back up into '{Repository}', restore that beside and compare it");
        if (IsRehearsed)
            text.AppendLine(CultureInfo.InvariantCulture, $"  run '{Migrate}' on a copy");
        text.AppendLine(CultureInfo.InvariantCulture, $"  run '{Migrate}' in '{CodePath}'");
        text.Append(CultureInfo.InvariantCulture, $"  check the database{(Checks.Count == 0 ? string.Empty : " and: " + string.Join("; ", Checks))}");
        text.AppendLine();
        text.Append(RollsBack ? "  where it fails: restore the backup" : "  where it fails: leave everything as it is then");
        return text.ToString();
    }
}
