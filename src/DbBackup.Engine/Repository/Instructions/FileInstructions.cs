namespace DbBackup.Engine.Repository.Instructions;

/// <summary>How SQLite databases and folders are got back by hand.</summary>
internal static class FileInstructions
{
    public static void Write(InstructionText text, Manifest manifest, IReadOnlyList<Payload> payloads)
    {
        text.Step("Get them back into a new folder ./restored:");
        text.Command("mkdir -p restored");
        // Folders first: a database may belong into one of them.
        foreach (Payload payload in payloads.OrderByDescending(payload => payload.Kind))
            text.Command(Command(payload));
        text.Line();
        Payload? database = payloads.FirstOrDefault(payload => payload.Kind == PayloadKind.Database);
        if (database is not null)
        {
            text.Step("Check the database; it must say ok:");
            text.Command($"sqlite3 {ShellText.Quote(ShellText.RestoredPath(database))} 'PRAGMA integrity_check'");
            if (manifest.SchemaRevision is { } revision)
                text.Remark($"Its Alembic revision is {revision}.");
            text.Line();
            text.Step("Put it in place. The old database's -wal, -shm and -journal files MUST go with the old database:");
            text.Remark("left beside the new one they damage it or undo the restore.");
        }
        else
        {
            text.Step("Put it in place:");
        }

        foreach (Payload payload in payloads.Where(payload => DockerInstructions.IsOne(payload.OriginalPath) && payload.Within is null))
            DockerInstructions.WriteFiles(text, payload);
        foreach (Payload payload in payloads.Where(payload => !DockerInstructions.IsOne(payload.OriginalPath)))
            text.Remark($"{ShellText.RestoredPath(payload)}  belongs to  {payload.OriginalPath ?? "(its place is not known)"}");
    }

    private static string Command(Payload payload)
    {
        string target = ShellText.Quote(ShellText.RestoredPath(payload));
        return payload.Format switch
        {
            PayloadFormat.Tar => $"{ShellText.Read(payload)} | tar -xpf - -C restored",
            PayloadFormat.SqliteSql => $"{ShellText.Read(payload)} | sqlite3 -bail {target}",
            _ => $"{ShellText.Read(payload)} > {target}",
        };
    }
}
