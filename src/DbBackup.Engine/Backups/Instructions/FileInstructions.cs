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
            WriteRestore(text, payload);
        if (payloads.Any(payload => payload.Kind == PayloadKind.Files))
            text.Remark("GNU tar and bsdtar give back ACLs and extended attributes too, with --acls --xattrs (GNU tar as root: and --xattrs-include='*').");

        text.Line();
        IGrouping<IFileEngine, Payload>[] engines = [.. payloads.Where(payload => payload.Kind == PayloadKind.Database).GroupBy(DatabaseEngines.FileOf)];
        foreach (IGrouping<IFileEngine, Payload> databases in engines)
            databases.Key.WriteCheck(text, [.. databases]);
        if (engines.Length > 0)
            engines[0].Key.WritePlacing(text);
        else
            text.Step("Put it in place:");

        foreach (Payload payload in payloads.Where(payload => DockerInstructions.IsOne(payload.OriginalPath) && payload.Within is null))
            DockerInstructions.WriteFiles(text, payload);
        foreach (Payload payload in payloads.Where(payload => !DockerInstructions.IsOne(payload.OriginalPath)))
            text.Remark($"{ShellText.RestoredPath(payload)}  belongs to  {payload.OriginalPath ?? "(its place is not known)"}");
    }

    private static void WriteRestore(InstructionText text, Payload payload)
    {
        if (payload.Kind == PayloadKind.Files)
        {
            text.Command($"{ShellText.Read(payload)} | tar -xpf - -C restored");
            return;
        }

        string target = ShellText.Quote(ShellText.RestoredPath(payload));
        text.Command(DatabaseEngines.FileOf(payload).RestoreCommand(payload, target));
        // As tar does with the files beside it: an application that is not this user could not open its database.
        if (payload.UnixMode is { } mode)
            text.Command($"chmod {mode} {target}");
        if (payload.UnixOwner is { } owner)
            text.Command($"[ \"$(id -u)\" != 0 ] || chown {owner} {target}");
    }
}
