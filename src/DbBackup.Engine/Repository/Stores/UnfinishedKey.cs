using System.Text.RegularExpressions;

namespace DbBackup.Engine.Repository.Stores;

/// <summary>The keys under which stores without an atomic put write small objects before these get their own.</summary>
internal static partial class UnfinishedKey
{
    /// <summary>A new one, in the folder of the object's own key.</summary>
    public static string For(string key) => $"{key[..(key.LastIndexOf('/') + 1)]}.{Guid.NewGuid():N}.tmp";

    /// <summary>True for one that a store has made.</summary>
    public static bool IsOne(string key) => Pattern().IsMatch(key);

    [GeneratedRegex(@"(^|/)\.[0-9a-f]{32}\.tmp\z")]
    private static partial Regex Pattern();
}
