using DbBackup.Engine.Engines.Instructions;

namespace DbBackup.Engine.Backups.Instructions;

/// <summary>How an incremental backup's payloads are put together with those of its full backup by hand.</summary>
internal static class PatchInstructions
{
    /// <summary>The file of the full backup's own key, where both are encrypted.</summary>
    public const string ParentKey = "parent.key";

    /// <summary>The check of the full backup's files.</summary>
    public static void WriteCheck(InstructionText text, Manifest manifest)
    {
        foreach (Payload payload in Patched(manifest))
            text.Command($"echo '{payload.Parent!.StoredSha256}  {ShellText.Inner(ParentPath(manifest, payload))}' | sha256sum -c -");
    }

    /// <summary>The commands that give the files which the others read.</summary>
    public static void Write(InstructionText text, Manifest manifest)
    {
        if (manifest.Parent is not { } parent)
            return;
        text.Step($"This backup holds what differs from the full backup {parent.Name}, whose folder must lie beside this one. Put them together:");
        foreach (Payload payload in Patched(manifest))
        {
            string full = ShellText.Quote(ParentPath(manifest, payload));
            string file = ShellText.Quote(payload.FileName);
            text.Command(payload.IsEncrypted ? $"age -d -i {ParentKey} {full} | zstd -q -dc > full.content" : $"zstd -q -dc {full} > full.content");
            text.Command(payload.IsEncrypted ? $"mkdir parts && age -d -i backup.key {file} | tar -xf - -C parts" : $"mkdir parts && tar -xf {file} -C parts");
            text.Command(
                "for f in parts/*; do set -- $(basename \"$f\" .zst | tr - ' '); case $2 in "
                + "copy) tail -c +$(($3 + 1)) full.content | head -c $4;; "
                + "patch) tail -c +$(($3 + 1)) full.content | head -c $4 > prefix; zstd -q -dc --patch-from=prefix \"$f\";; "
                + $"new) zstd -q -dc \"$f\";; esac; done > {ShellText.Quote(ShellText.Joined(payload))}");
            text.Command("rm -rf parts full.content prefix");
        }

        text.Line();
    }

    private static IEnumerable<Payload> Patched(Manifest manifest) => manifest.Payloads.Where(payload => payload.Parent is not null);

    private static string ParentPath(Manifest manifest, Payload payload) => $"../{manifest.Parent!.Name}/{payload.Parent!.FileName}";
}
