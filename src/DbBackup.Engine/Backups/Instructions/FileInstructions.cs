using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Instructions;

namespace DbBackup.Engine.Backups.Instructions;

/// <summary>How databases that are files, and folders, are got back by hand.</summary>
internal static class FileInstructions
{
    public static void Write(InstructionText text, Manifest manifest, IReadOnlyList<Payload> payloads)
    {
        text.Step("Get them back into a new folder ./restored:");
        text.Command("mkdir -p restored");
        // Folders first: a database may belong into one of them.
        foreach (Payload payload in payloads.OrderByDescending(payload => payload.Kind))
            text.Command(Command(payload));
        if (payloads.Any(payload => payload.Kind == PayloadKind.Files))
            text.Remark("GNU tar and bsdtar give back ACLs and extended attributes too, with --acls --xattrs (GNU tar as root: and --xattrs-include='*').");

        text.Line();
        Payload? database = payloads.FirstOrDefault(payload => payload.Kind == PayloadKind.Database);
        if (database is not null)
        {
            IFileEngine engine = DatabaseEngines.FileOf(database);
            engine.WriteCheck(text, database, database.SchemaRevision);
            engine.WritePlacing(text);
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
        return payload.Kind == PayloadKind.Files
            ? $"{ShellText.Read(payload)} | tar -xpf - -C restored"
            : DatabaseEngines.FileOf(payload).RestoreCommand(payload, target);
    }
}
