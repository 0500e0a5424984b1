using DbBackup.Engine.Repository.Stores;

namespace DbBackup.Engine.Repository;

/// <summary>Which keys a repository uses in its store: see docs/format.md.</summary>
internal static class RepositoryKeys
{
    private static readonly HashSet<string> s_reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        Manifest, Instructions, SealedInstructions, Key, KeyRecord, NextKey, NextKeyRecord, Hold, "tests",
    };

    /// <summary>The file that tells this repository from every other.</summary>
    public const string Identity = "repository.json";

    /// <summary>The file whose presence makes a backup exist; it is put last and deleted first.</summary>
    public const string Manifest = "backup.json";

    /// <summary>The file that says how to restore with stock tools.</summary>
    public const string Instructions = "RESTORE.txt";

    /// <summary>The full instructions of an encrypted backup, sealed: they name databases, roles and paths.</summary>
    public const string SealedInstructions = "RESTORE.full.txt.age";

    /// <summary>The key of an encrypted backup, sealed to those who can open it.</summary>
    public const string Key = "key.age";

    /// <summary>Who they are, and the hash of the key's file.</summary>
    public const string KeyRecord = "key.json";

    /// <summary>The same while they are being replaced.</summary>
    public const string NextKey = "key.next.age", NextKeyRecord = "key.next.json";

    /// <summary>The file that keeps a backup from being removed.</summary>
    public const string Hold = "hold.json";

    /// <summary>The folder of a backup's test records.</summary>
    public const string Tests = "tests/";

    /// <summary>The folder of the entries of databases that restores have kept on their servers.</summary>
    public const string Kept = "kept/";

    /// <summary>The folder of what is not part of any backup.</summary>
    public const string Work = ".dbbackup/";

    /// <summary>The folder of objects that are put to try something, and deleted at once.</summary>
    public const string Checks = Work + "checks/";

    /// <summary>The folder of the leases.</summary>
    public const string Leases = Work + "leases/";

    /// <summary>The folder of the notes of copies that were begun and are not whole yet.</summary>
    public const string Copies = Work + "copies/";

    /// <summary>The files of a backup beside its manifest and payloads that belong to it from the beginning.</summary>
    public static IReadOnlyList<string> CompanionsOf(Manifest manifest) => manifest.Encryption is null
        ? manifest.InstructionsSha256 is null ? [] : [Instructions]
        : [Instructions, SealedInstructions, Key, KeyRecord];

    /// <summary>True for a name that no payload can have.</summary>
    public static bool IsReserved(string fileName) => s_reserved.Contains(fileName);

    /// <summary>The prefix of a backup's files.</summary>
    public static string FolderOf(BackupKey key) => $"{key.Source}/{key.Name}/";

    /// <summary>The key of a kept database's entry.</summary>
    public static string EntryOf(Guid id) => $"{Kept}{id}.json";

    /// <summary>The prefix of what belongs to a kept database's entry.</summary>
    public static string FolderOfKept(Guid id) => $"{Kept}{id}/";
}
