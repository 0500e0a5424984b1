namespace DbBackup.Engine.Restores;

/// <summary>What to run after a restore that brought another schema revision than the application had.</summary>
internal static class MigrationCommands
{
    /// <summary>The commands; none where the revision is the same or not known.</summary>
    public static IReadOnlyList<string> For(string? restored, string? present) =>
        restored is not null && present is not null && restored != present
            ? [$"alembic stamp {restored.Replace(',', ' ')}", "alembic upgrade head"]
            : [];
}
