using System.Globalization;
using System.Security.Cryptography;
using DbBackup.Engine.Platform;

namespace DbBackup.Testing;

/// <summary>Everything about a tree that a backup must give back, one line per entry: two trees are equal when their lines are.</summary>
internal static class TreeSnapshot
{
    public static IReadOnlyList<string> Of(string root, bool wholeSeconds = false)
    {
        var lines = new List<string>();
        var groups = new Dictionary<FileIdentity, string>();
        Add(root, ".", lines, groups, wholeSeconds);
        return lines;
    }

    private static void Add(string path, string name, List<string> lines, Dictionary<FileIdentity, string> groups, bool wholeSeconds)
    {
        Assert.True(UnixFile.TryStat(path, out var facts), path);
        var ticks = wholeSeconds ? facts.ModifiedUtc.Ticks / TimeSpan.TicksPerSecond : facts.ModifiedUtc.Ticks;
        var detail = facts.Kind switch
        {
            FileKind.File => $"{facts.SizeBytes} {Hash(path)} {Group(facts, name, groups)}",
            FileKind.SymbolicLink => "-> " + new FileInfo(path).LinkTarget,
            _ => "",
        };
        lines.Add(string.Create(
            CultureInfo.InvariantCulture,
            $"{name}|{facts.Kind}|{(int)facts.Permissions:x}|{facts.UserId}:{facts.GroupId}|{ticks}|{detail}"));
        if (facts.Kind != FileKind.Directory)
            return;
        var names = Directory.GetFileSystemEntries(path).Select(Path.GetFileName).Order(StringComparer.Ordinal);
        foreach (var child in names)
            Add(Path.Join(path, child), name + "/" + child, lines, groups, wholeSeconds);
    }

    private static string Hash(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexString(SHA256.HashData(file));
    }

    private static string Group(UnixFileFacts facts, string name, Dictionary<FileIdentity, string> groups)
    {
        if (facts.LinkCount == 1)
            return "";
        if (!groups.TryGetValue(facts.Identity, out var first))
            groups.Add(facts.Identity, first = name);
        return "same as " + first;
    }
}
