using System.Globalization;
using System.Text;

namespace DbBackup;

/// <summary>What a restore will do: computed first, shown by <c>-WhatIf</c> and in the question, and then run as it stands.</summary>
public sealed record RestorePlan
{
    /// <summary>The backup.</summary>
    public required Backup Backup { get; init; }

    /// <summary>The restore that is undone, in words; null for the restore of a backup.</summary>
    public string? Undoes { get; init; }

    /// <summary>What goes where.</summary>
    public required IReadOnlyList<RestoreTarget> Targets { get; init => field = Indexable.Of(value); }

    /// <summary>True if what is there now is backed up first.</summary>
    public required bool SafetyBackup { get; init; }

    /// <summary>The Alembic revision of the database that is there now.</summary>
    public string? PresentRevision { get; init; }

    /// <summary>Roles that are created on the server first, because the backup needs them and holds them.</summary>
    public IReadOnlyList<string> NewRoles { get; init => field = Indexable.Of(value); } = [];

    /// <summary>What should be known before the answer.</summary>
    public IReadOnlyList<string> Warnings { get; init => field = Indexable.Of(value); } = [];

    /// <summary>True if something that exists is replaced.</summary>
    public bool Overwrites => Targets.Any(target => target.Action != RestoreAction.Create);

    /// <summary>The plan for people, a line a step.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(Undoes is null ? $"Restore '{Backup}'" : $"Undo {Undoes}");
        if (Undoes is null && Backup.Created is { } created)
            text.Append(CultureInfo.InvariantCulture, $", taken {created:yyyy-MM-dd HH:mm} ({Backup.GetAge()} ago), {Backup.Status}");
        text.Append(":\n");
        if (SafetyBackup)
            text.Append("  first back up what is there now (safety backup)\n");
        if (NewRoles.Count > 0)
            text.Append(CultureInfo.InvariantCulture, $"  create the roles {string.Join(", ", NewRoles)}\n");
        foreach (RestoreTarget target in Targets)
            text.Append("  ").Append(target).Append('\n');
        if (Backup.SchemaRevision is { } revision && PresentRevision is { } present && revision != present)
            text.Append(CultureInfo.InvariantCulture, $"  schema revision: {present} now, {revision} afterwards\n");
        foreach (string warning in Warnings)
            text.Append("  note: ").Append(warning).Append('\n');
        return text.ToString().TrimEnd();
    }
}

/// <summary>One file or folder that a restore gives back.</summary>
/// <param name="Payload">What is restored.</param>
/// <param name="Path">Where: an absolute path.</param>
/// <param name="Action">How.</param>
/// <param name="PresentBytes">The size of what is there now; 0 where nothing is, or where it is not known.</param>
public sealed record RestoreTarget(Payload Payload, string Path, RestoreAction Action, long PresentBytes)
{
    /// <summary>The name under which the present database stays on its server; null where none does.</summary>
    public string? KeptAs { get; init; }

    /// <summary>Which tables and schemas are restored, where that is not all.</summary>
    public string? Part { get; init; }

    /// <summary>The size of a file or folder that is restored by itself; null for a whole payload.</summary>
    public long? PartBytes { get; init; }

    /// <inheritdoc/>
    public override string ToString()
    {
        if (PartBytes is { } bytes)
            return $"{(Action == RestoreAction.Create ? "create" : "replace")} '{Path}' ({ByteSize.Format(bytes)}{(PresentBytes == 0 ? string.Empty : $", now {ByteSize.Format(PresentBytes)}")})";
        string what = Payload.Kind == PayloadKind.Database ? "database" : "folder";
        string size = ByteSize.Format(Payload.OriginalSize);
        if (Part is not null)
            return $"{(Action == RestoreAction.Create ? "create the database" : "replace, in the database")} '{Path}'{(Action == RestoreAction.Create ? " with" : ",")} {Part} of the backup";
        return Action switch
        {
            RestoreAction.InPlace => $"empty the database '{Path}' and reload it, in one transaction ({size}, now {ByteSize.Format(PresentBytes)})",
            RestoreAction.Replace when KeptAs is not null => $"replace the database '{Path}' ({size}, now {ByteSize.Format(PresentBytes)}); the present one stays on the server as '{KeptAs}'",
            RestoreAction.SwapBack => $"give the kept database '{KeptAs}' its name back: '{Path}'",
            RestoreAction.Create => $"create the {what} '{Path}' ({size})",
            RestoreAction.WriteInto => $"write into the open {what} '{Path}' ({size}, now {ByteSize.Format(PresentBytes)})",
            _ when PresentBytes == 0 => $"replace the {what} '{Path}' ({size})",
            _ => $"replace the {what} '{Path}' ({size}, now {ByteSize.Format(PresentBytes)})",
        };
    }
}

/// <summary>How a file or folder is put in place.</summary>
public enum RestoreAction
{
    /// <summary>Nothing is there yet.</summary>
    Create,

    /// <summary>It is restored beside, checked, and swapped by a rename.</summary>
    Replace,

    /// <summary>It is restored beside, checked, and written into the open database, whose connections see it at once.</summary>
    WriteInto,

    /// <summary>The database is emptied and loaded in one transaction: for roles that are not allowed to create databases, and for parts.</summary>
    InPlace,

    /// <summary>A database that an earlier restore kept on its server takes its place again.</summary>
    SwapBack,
}
