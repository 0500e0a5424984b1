namespace DbBackup.Bench;

/// <summary>The commands of borg, with a cache of its own beside each repository.</summary>
internal static class BorgStore
{
    /// <summary>What comes before each of its commands.</summary>
    public static string Of(string folder) => $"BORG_BASE_DIR='{folder}-cache' BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes BORG_RELOCATED_REPO_ACCESS_IS_OK=yes TZ=UTC borg";

    /// <summary>Makes the repository. Without encryption: restic's costs it little, and here the bytes are compared.</summary>
    public static string Init(string folder) => $"{Of(folder)} init -e none '{folder}'";

    /// <summary>Makes an archive, compressed as the module compresses.</summary>
    public static string Create(string folder, string options, string name, string path) => $"{Of(folder)} create -C zstd,1 {options}'{folder}::{name}' '{path}'";
}
