using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines.Instructions;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Backups.Instructions;

/// <summary>
/// The instructions of an encrypted backup: <c>RESTORE.txt</c>, which tells nothing of the content and opens the key, and the full commands with
/// names of databases, roles and paths, which are sealed.
/// </summary>
internal static class SealedInstructions
{
    private const string KeyFile = "backup.key";

    /// <summary>Writes both, and their hashes into the manifest.</summary>
    /// <param name="manifest">The manifest.</param>
    /// <param name="key">The backup's own key.</param>
    /// <param name="byPassphrase">True if the key is sealed by a passphrase.</param>
    public static (byte[] Text, byte[] Full, Manifest Manifest) WriteFor(Manifest manifest, X25519Recipient key, bool byPassphrase)
    {
        byte[] full = AgeFile.Seal(Encoding.UTF8.GetBytes(RestoreInstructions.Write(manifest)), [key]);
        byte[] text = Encoding.UTF8.GetBytes(Write(manifest, byPassphrase));
        return (text, full, manifest with
        {
            InstructionsSha256 = Convert.ToHexStringLower(SHA256.HashData(text)),
            Encryption = new EncryptionInfo { Recipient = key.ToString(), InstructionsSha256 = Convert.ToHexStringLower(SHA256.HashData(full)) },
        });
    }

    private static string Write(Manifest manifest, bool byPassphrase)
    {
        var text = new InstructionText();
        text.Line(string.Create(CultureInfo.InvariantCulture, $"Encrypted backup of {manifest.Source.Name} ({manifest.Source.Engine}), taken {manifest.Created.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC."));
        text.Line();
        text.WithModule(manifest);
        text.Remark(byPassphrase ? "It asks for the passphrase (-Passphrase)." : "With -Identity my.key, the file with your secret key.");
        text.Line();
        text.Line("Without it, with stock tools alone, in this folder:");
        text.Line();
        RestoreInstructions.WriteCheck(text, manifest);
        text.Line();
        text.Step(byPassphrase ? "Open the backup's own key (age asks for the passphrase):" : "Open the backup's own key; my.key is the file with your secret key:");
        // The key's file is made for this user alone.
        text.Command(byPassphrase ? $"(umask 077; age -d {RepositoryKeys.Key} > {KeyFile})" : $"(umask 077; age -d -i my.key {RepositoryKeys.Key} > {KeyFile})");
        if (manifest.Parent is { } parent)
        {
            string key = ShellText.Quote($"../{parent.Name}/{RepositoryKeys.Key}");
            text.Command(byPassphrase ? $"(umask 077; age -d {key} > {PatchInstructions.ParentKey})" : $"(umask 077; age -d -i my.key {key} > {PatchInstructions.ParentKey})");
        }

        text.Remark($"If {RepositoryKeys.Key} is missing, take {RepositoryKeys.NextKey}. Who can open it is in {RepositoryKeys.KeyRecord}.");
        text.Line();
        text.Step("Read the commands that restore it, with their names and places, and run them here:");
        text.Command($"age -d -i {KeyFile} {RepositoryKeys.SealedInstructions} > RESTORE.full.txt");
        text.Remark("They read each file in this way:");
        foreach (Payload payload in manifest.Payloads)
            text.Remark(ShellText.Read(payload));
        text.Line();
        text.Line($"At the end: rm {KeyFile} {(manifest.Parent is null ? string.Empty : PatchInstructions.ParentKey + " ")}RESTORE.full.txt");
        text.Line("Tools: sha256sum, age (1.0 or newer; rage does as well), and those that RESTORE.full.txt names.");
        return text.ToString();
    }
}
