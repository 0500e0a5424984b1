using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;

namespace DbBackup.Tests.Unit;

/// <summary>Dependencies run one way: PowerShell → engine → model, and within the engine as the list says.</summary>
public sealed class ArchitectureTests
{
    [Fact]
    public void The_model_needs_nothing_but_the_framework() =>
        Assert.All(References(typeof(Backup).Assembly), name => Assert.True(IsFramework(name), name));

    [Fact]
    public void The_engine_never_sees_powershell() => Assert.All(
        References(typeof(Engine.Backups.BackupService).Assembly),
        name => Assert.True(IsFramework(name) || name == "DbBackup" || name is "Docker.DotNet" or "Docker.DotNet.Handler.Abstractions" or "Microsoft.Data.Sqlite" or "Microsoft.Extensions.Logging.Abstractions" or "Npgsql" or "ZstdSharp" || name.StartsWith("SQLitePCLRaw.", StringComparison.Ordinal), name));

    // What each part of the engine uses, by its folder: no more than this, and no line that is out of date.
    private static readonly Dictionary<string, string> Uses = new()
    {
        ["Backups"] = "Docker.Addressing Docker.Files Docker.Pausing Engines Engines.Files Engines.Instructions Engines.PostgreSql Engines.Sqlite Payloads Platform Repository Restores Verification",
        ["Discovery"] = "Docker.Addressing Docker.Api Docker.Tunnel Engines.PostgreSql Engines.Sqlite Platform",
        ["Docker.Addressing"] = "Docker.Api Engines.Files Platform",
        ["Docker.Api"] = "Platform",
        ["Docker.Files"] = "Docker.Addressing Docker.Api Docker.Pausing Engines Engines.Files Engines.Sqlite Platform",
        ["Docker.Pausing"] = "Docker.Addressing Docker.Api Engines Platform",
        ["Docker.Restore"] = "Docker.Addressing Docker.Api Docker.Files Docker.Pausing Docker.Tunnel Engines Engines.PostgreSql Payloads Platform Repository Restores",
        ["Docker.Tunnel"] = "Docker.Addressing Docker.Api Platform",
        ["Engines"] = "Engines.Instructions Engines.PostgreSql Engines.Sqlite Payloads Platform",
        ["Engines.Files"] = "Engines.Sqlite Platform",
        ["Engines.Instructions"] = "",
        ["Engines.PostgreSql"] = "Engines.Files Engines.Instructions Payloads Platform Tunnels",
        ["Engines.Sqlite"] = "Engines.Instructions Payloads Platform",
        ["Migrations"] = "Docker.Addressing Docker.Api Platform",
        ["Payloads"] = "Platform",
        ["Platform"] = "",
        ["Portability"] = "Backups Engines Engines.Files Engines.PostgreSql Engines.Sqlite Payloads Platform Repository",
        ["Repository"] = "Engines Platform",
        ["Restores"] = "Backups Docker.Addressing Docker.Api Docker.Pausing Docker.Restore Docker.Tunnel Engines Engines.Files Engines.PostgreSql Engines.Sqlite Payloads Platform Repository Retention",
        ["Retention"] = "Engines Engines.PostgreSql Repository",
        ["Tunnels"] = "Docker.Tunnel Platform",
        ["Verification"] = "Engines Engines.Files Payloads Platform Repository",
    };

    // Known, and to go; a new one is an error.
    private static readonly string[] Circles = ["Backups Docker.Restore Restores"];

    [Fact]
    public void The_powershell_layer_is_used_by_nothing() => Assert.All(
        [typeof(Backup).Assembly, typeof(Engine.Backups.BackupService).Assembly],
        assembly => Assert.DoesNotContain("DbBackup.PowerShell", References(assembly)));

    [Fact]
    public void Each_part_of_the_engine_uses_what_it_may_and_nothing_else()
    {
        Dictionary<string, SortedSet<string>> found = FindUses();
        Assert.Equal(Uses.Keys.Order(StringComparer.Ordinal), found.Keys.Order(StringComparer.Ordinal));
        Assert.All(found, part => Assert.Equal($"{part.Key}: {Uses[part.Key]}", $"{part.Key}: {string.Join(' ', part.Value)}"));
    }

    [Fact]
    public void No_parts_of_the_engine_use_each_other_but_those_known()
    {
        Dictionary<string, SortedSet<string>> uses = FindUses();
        HashSet<string> Reached(string from)
        {
            var reached = new HashSet<string>(StringComparer.Ordinal);
            var open = new Stack<string>(uses[from]);
            while (open.TryPop(out string? next))
            {
                if (reached.Add(next))
                    Array.ForEach([.. uses[next]], open.Push);
            }

            return reached;
        }

        Dictionary<string, HashSet<string>> reached = uses.Keys.ToDictionary(part => part, Reached, StringComparer.Ordinal);
        string[] circles = [.. uses.Keys.Where(part => reached[part].Contains(part))
            .Select(part => string.Join(' ', uses.Keys.Where(other => reached[part].Contains(other) && reached[other].Contains(part)).Order(StringComparer.Ordinal)))
            .Distinct().Order(StringComparer.Ordinal)];
        Assert.Equal(Circles, circles);
    }

    // The quick run needs nothing: no test of this layer can reach what starts a program, a server or a container.
    [Fact]
    public void Unit_tests_need_no_tool_no_server_and_no_other_process()
    {
        using var file = new PEReader(File.OpenRead(typeof(ArchitectureTests).Assembly.Location));
        MetadataReader metadata = file.GetMetadataReader();
        string[] used = [.. metadata.TypeReferences.Select(metadata.GetTypeReference).Select(type => $"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}")];
        Assert.Contains("DbBackup.Testing.TempFolder", used);
        Assert.DoesNotContain(used, type => type is "DbBackup.Testing.Shell" or "DbBackup.Testing.OtherProcess" or "DbBackup.Testing.SystemCalls" or "DbBackup.Testing.SmallDisk"
            or "DbBackup.Testing.UnprivilegedUser" or "DbBackup.Testing.DockerEngine" or "System.Diagnostics.Process"
            || type.StartsWith("DbBackup.Testing.PostgreSql", StringComparison.Ordinal));
        Assert.DoesNotContain(metadata.MemberReferences.Select(metadata.GetMemberReference), member => metadata.GetString(member.Name) == nameof(Testing.Require.Tool));
    }

    // The folder is the namespace; below Engines and Docker each folder is a part of its own.
    private static Dictionary<string, SortedSet<string>> FindUses()
    {
        string root = SourceRoot();
        Assert.SkipUnless(Directory.Exists(root), "The tests run without the source code.");
        var uses = new Dictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        (string Part, string Code)[] files =
        [
            .. Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
                .Select(file => (Folder: Path.GetRelativePath(root, Path.GetDirectoryName(file)!), File: file))
                .Where(each => each.Folder.Split(Path.DirectorySeparatorChar)[0] is not ("bin" or "obj"))
                .Select(each => (PartOf(each.Folder.Replace(Path.DirectorySeparatorChar, '.')), Code(each.File))),
        ];
        foreach ((string part, _) in files)
            uses.TryAdd(part, new(StringComparer.Ordinal));
        foreach ((string part, string code) in files)
        {
            foreach (Match match in Regex.Matches(code, @"\bDbBackup\.Engine\.([A-Z]\w+(?:\.[A-Z]\w+)?)"))
            {
                string name = PartOf(match.Groups[1].Value);
                string used = uses.ContainsKey(name) ? name : name.Split('.')[0];
                if (uses.ContainsKey(used) && used != part)
                    uses[part].Add(used);
            }
        }

        return uses;
    }

    private static string PartOf(string name)
    {
        string[] parts = name.Split('.');
        return parts[0] is "Engines" or "Docker" && parts.Length > 1 ? $"{parts[0]}.{parts[1]}" : parts[0];
    }

    private static string Code(string file) =>
        string.Join('\n', File.ReadLines(file).Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal)));

    private static IEnumerable<string> References(Assembly assembly) => assembly.GetReferencedAssemblies().Select(reference => reference.Name!);

    private static bool IsFramework(string name) =>
        (name.StartsWith("System.", StringComparison.Ordinal) && name != "System.Management.Automation") || name is "System" or "netstandard" or "Microsoft.Win32.Primitives" or "Microsoft.Win32.Registry";

    private static string SourceRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Join(folder, "DbBackup.sln")))
            folder = Path.GetDirectoryName(folder);
        return Path.Join(folder, "src", "DbBackup.Engine");
    }
}
