using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using DbBackup.Tests.Unit.Architecture;
using TypeDefinition = Mono.Cecil.TypeDefinition;

namespace DbBackup.Tests.Unit;

/// <summary>Dependencies run one way: PowerShell → upgrades → engine → model, and between the folders of all projects as the list says.</summary>
public sealed class ArchitectureTests
{
    private const string Model = "Model";

    private static readonly string[] Shipped = ["DbBackup", "DbBackup.Engine", "DbBackup.Upgrades", "DbBackup.PowerShell"];

    [Fact]
    public void The_model_needs_nothing_but_the_framework() =>
        Assert.All(References(typeof(Backup).Assembly), name => Assert.True(IsFramework(name), name));

    [Fact]
    public void The_upgrades_need_the_engine_the_model_and_the_readers_of_rows_and_of_compose_files() => Assert.All(
        References(typeof(DbBackup.Upgrades.UpgradeService).Assembly), name => Assert.True(IsFramework(name) || name is "DbBackup" or "DbBackup.Engine" or "Npgsql" or "Microsoft.Data.Sqlite" or "YamlDotNet", name));

    [Fact]
    public void The_engine_never_sees_powershell() => Assert.All(
        References(typeof(Engine.Backups.BackupService).Assembly),
        name => Assert.True(IsFramework(name) || name == "DbBackup" || name is "BouncyCastle.Cryptography" or "AWSSDK.Core" or "AWSSDK.S3" or "Azure.Core" or "Azure.Storage.Blobs" or "Azure.Storage.Common" or "Renci.SshNet" or "Cronos" or "Polly.Core" or "MailKit" or "MimeKit" or "YamlDotNet" or "Docker.DotNet" or "Docker.DotNet.Handler.Abstractions" or "Microsoft.Data.Sqlite" or "Microsoft.Extensions.Logging.Abstractions" or "Npgsql" or "SharpCompress" or "ZstdSharp" || name.StartsWith("SQLitePCLRaw.", StringComparison.Ordinal), name));

    // What each part uses, by its folder: no more than this, and no line that is out of date. Parts without a project are the engine's. The
    // model, which all may use, is not listed.
    private static readonly Dictionary<string, string> Uses = new()
    {
        ["Backups"] = "Docker.Addressing Docker.Files Docker.Pausing Encryption Engines Engines.Files Engines.Instructions Engines.PostgreSql Engines.Sqlite Payloads Platform Repository Restores Retention Verification",
        ["Comparisons"] = "Docker.Addressing Docker.Api Docker.Files Engines Engines.Files Engines.PostgreSql Payloads Platform Repository",
        ["Discovery"] = "Docker.Addressing Docker.Api Docker.Tunnel Engines.PostgreSql Engines.Sqlite Platform",
        ["Docker.Addressing"] = "Docker.Api Engines.Files Platform",
        ["Docker.Api"] = "Platform",
        ["Docker.Files"] = "Docker.Addressing Docker.Api Docker.Pausing Engines Engines.Files Engines.Sqlite Payloads Platform",
        ["Docker.Pausing"] = "Docker.Addressing Docker.Api Engines Platform",
        ["Docker.Restore"] = "Docker.Addressing Docker.Api Docker.Files Docker.Pausing Docker.Tunnel Engines Engines.Files Engines.PostgreSql Payloads Platform Repository Restores",
        ["Docker.Tunnel"] = "Docker.Addressing Docker.Api Platform",
        ["Encryption"] = "Platform",
        ["Engines"] = "Engines.Instructions Engines.PostgreSql Engines.Sqlite Payloads Platform",
        ["Engines.Files"] = "Engines Engines.Sqlite Payloads Platform",
        ["Engines.Instructions"] = "",
        ["Engines.PostgreSql"] = "Engines Engines.Files Engines.Instructions Payloads Platform Tunnels",
        ["Engines.Sqlite"] = "Engines Engines.Files Engines.Instructions Payloads Platform",
        ["Migrations"] = "Docker.Addressing Docker.Api Platform",
        ["Payloads"] = "Encryption Platform",
        ["Platform"] = "",
        ["Plans"] = "Platform Repository Retention",
        ["Portability"] = "Backups Engines Engines.Files Engines.PostgreSql Payloads Platform Repository",
        ["PowerShell.Arguments"] = "Docker.Addressing Docker.Tunnel Engines.PostgreSql Platform Repository",
        ["PowerShell.Commands"] = "Backups Comparisons Discovery Docker.Addressing Docker.Files Encryption Engines Engines.PostgreSql Engines.Sqlite Migrations Plans Platform Portability PowerShell.Arguments PowerShell.Completion PowerShell.Parameters PowerShell.Pipeline PowerShell.Plans Repository Restores Retention Upgrades Verification",
        ["PowerShell.Completion"] = "Discovery Docker.Addressing Engines.PostgreSql Plans PowerShell.Arguments Repository Restores Upgrades",
        ["PowerShell.Loading"] = "",
        ["PowerShell.Parameters"] = "Backups Docker.Addressing Encryption Engines.PostgreSql Migrations Plans PowerShell.Arguments PowerShell.Completion",
        ["PowerShell.Pipeline"] = "Backups Docker.Addressing Encryption Engines Plans Portability PowerShell.Arguments PowerShell.Completion PowerShell.Parameters Repository Upgrades",
        ["PowerShell.Plans"] = "Plans Platform PowerShell.Arguments PowerShell.Completion PowerShell.Parameters PowerShell.Pipeline Repository",
        ["Repository"] = "Encryption Engines Payloads Platform",
        ["Restores"] = "Backups Docker.Addressing Docker.Api Docker.Pausing Docker.Restore Docker.Tunnel Encryption Engines Engines.Files Engines.PostgreSql Payloads Platform Repository Retention",
        ["Retention"] = "Engines Engines.PostgreSql Platform Repository",
        ["Tunnels"] = "Docker.Tunnel Platform",
        ["Upgrades"] = "Backups Docker.Addressing Docker.Api Docker.Files Docker.Tunnel Encryption Engines Engines.PostgreSql Migrations Platform Repository Restores Retention Upgrades.Deployments Upgrades.Targets",
        ["Upgrades.Deployments"] = "Discovery Docker.Addressing Docker.Api Docker.Files Docker.Pausing Docker.Restore Engines.PostgreSql Migrations Platform Repository Upgrades Upgrades.Targets",
        ["Upgrades.Targets"] = "Backups Discovery Docker.Addressing Docker.Api Docker.Files Docker.Tunnel Engines Engines.PostgreSql Engines.Sqlite Payloads Platform Repository Restores Upgrades",
        ["Verification"] = "Engines Engines.Files Engines.PostgreSql Payloads Platform Repository",
    };

    // Known, and to go; a new one is an error.
    private static readonly string[] Circles =
    [
        "Backups Docker.Restore Restores",
        "Docker.Addressing Docker.Tunnel Engines Engines.Files Engines.PostgreSql Engines.Sqlite Tunnels",
        "Upgrades Upgrades.Deployments Upgrades.Targets",
    ];

    // Who knows PostgreSQL or SQLite by name, a type or a whole namespace, and why it has to. Everybody else asks DatabaseEngines.
    private static readonly Dictionary<string, string> KnowAnEngine = new()
    {
        ["DbBackup.Engine.Engines.DatabaseEngines"] = "the registry",
        ["DbBackup.Engine.Engines.Files.StagedFolder"] = "a folder of a running container is copied while SQLite may write in it",
        ["DbBackup.Engine.Engines.Files.FolderSnapshots"] = "SQLite databases in a folder go through SQLite",
        ["DbBackup.Engine.Engines.Files.FolderSource"] = "describes them, and tells their logs from files",
        ["DbBackup.Engine.Engines.Files.FolderPatterns"] = "leaves a database's logs out with it",
        ["DbBackup.Engine.Backups.BackupIntent"] = "what a cmdlet's parameters say, which are an engine's",
        ["DbBackup.Engine.Backups.BackupPlanner"] = "makes the sources of that",
        ["DbBackup.Engine.Discovery"] = "looks for servers and files of each engine by their own marks",
        ["DbBackup.Engine.Docker.Files"] = "holds SQLite databases while their application is paused",
        ["DbBackup.Engine.Docker.Restore.ServerUsers"] = "asks a server in a container who is connected",
        ["DbBackup.Engine.Restores.PostgreSql"] = "the half of PostgreSQL's restore that knows repositories",
        ["DbBackup.PowerShell"] = "parameters of cmdlets are an engine's",
        ["DbBackup.Upgrades"] = "each target of an upgrade is a database of one engine",
    };

    // What a person said of a server has no other form yet than PostgreSQL's.
    private static readonly string[] Neutral = ["PostgreSqlConnectionRequest", "ServerAddress"];

    [Fact]
    public void Nobody_knows_an_engine_but_those_listed()
    {
        string[] folders = ["DbBackup.Engine.Engines.PostgreSql", "DbBackup.Engine.Engines.Sqlite"];
        bool IsOfAnEngine(string name) => folders.Any(folder => name == folder || name.StartsWith(folder + ".", StringComparison.Ordinal));
        string[] users =
        [
            .. Shipped.SelectMany(CompiledCode.TypesOf).Where(type => !IsOfAnEngine(type.Namespace))
                .Where(type => CompiledCode.UsesOf(type).Any(used => IsOfAnEngine(used.Namespace) && !Neutral.Contains(used.Name.Split('.')[^1].Split('/')[0])))
                .Select(type => type.FullName).Distinct().Order(StringComparer.Ordinal),
        ];
        static bool Covers(string entry, string user) => user == entry || user.StartsWith(entry + ".", StringComparison.Ordinal);
        string[] unlisted = [.. users.Where(user => !KnowAnEngine.Keys.Any(entry => Covers(entry, user)))];
        Assert.True(unlisted.Length == 0, "Let these ask DatabaseEngines, or list them with the reason why they cannot:\n" + string.Join('\n', unlisted));
        Assert.All(KnowAnEngine.Keys, entry => Assert.True(users.Any(user => Covers(entry, user)), $"{entry} knows no engine any more: take it off the list."));
    }

    [Fact]
    public void The_powershell_layer_is_used_by_nothing() => Assert.All(
        [typeof(Backup).Assembly, typeof(Engine.Backups.BackupService).Assembly, typeof(DbBackup.Upgrades.UpgradeService).Assembly],
        assembly => Assert.DoesNotContain("DbBackup.PowerShell", References(assembly)));

    [Fact]
    public void Each_part_uses_what_it_may_and_nothing_else()
    {
        string[] listed = [.. Uses.Select(part => $"[\"{part.Key}\"] = \"{part.Value}\",").Order(StringComparer.Ordinal)];
        string[] found = [.. FindUses().Select(part => $"[\"{part.Key}\"] = \"{string.Join(' ', part.Value)}\",").Order(StringComparer.Ordinal)];
        string[] changes = [.. listed.Except(found).Select(line => "- " + line).Concat(found.Except(listed).Select(line => "+ " + line)).OrderBy(line => line[2..], StringComparer.Ordinal)];
        Assert.True(changes.Length == 0, "The list of uses in ArchitectureTests.cs is to become, if that is what you want:\n" + string.Join('\n', changes));
    }

    [Fact]
    public void No_parts_use_each_other_but_those_known() => Assert.Equal(Circles, FindCircles(FindUses()));

    [Fact]
    public void Circles_are_found()
    {
        Dictionary<string, SortedSet<string>> uses = new()
        {
            ["A"] = ["B"],
            ["B"] = ["C", "D"],
            ["C"] = ["A"],
            ["D"] = ["E"],
            ["E"] = [],
        };
        Assert.Equal(["A B C"], FindCircles(uses));
    }

    private static string[] FindCircles(Dictionary<string, SortedSet<string>> uses)
    {
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
        return [.. uses.Keys.Where(part => reached[part].Contains(part))
            .Select(part => string.Join(' ', uses.Keys.Where(other => reached[part].Contains(other) && reached[other].Contains(part)).Order(StringComparer.Ordinal)))
            .Distinct().Order(StringComparer.Ordinal)];
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

    private static Dictionary<string, SortedSet<string>> FindUses()
    {
        var uses = new Dictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        foreach (TypeDefinition type in Shipped.SelectMany(CompiledCode.TypesOf))
        {
            string part = PartOf(type.Namespace);
            uses.TryAdd(part, new(StringComparer.Ordinal));
            uses[part].UnionWith(CompiledCode.UsesOf(type).Select(used => PartOf(used.Namespace)).Where(used => used != part && used != Model));
        }

        uses.Remove(Model, out SortedSet<string>? ofModel);
        Assert.Empty(ofModel!);
        return uses;
    }

    // The folder is the namespace; below Engines and Docker each folder is a part of its own, elsewhere each first one.
    private static string PartOf(string name)
    {
        string[] parts = name.Split('.');
        int depth = parts.Length > 1 && parts[1] == "Engine" ? parts.Length > 2 && parts[2] is "Engines" or "Docker" ? 4 : 3 : parts.Length > 1 && parts[1] is "Upgrades" or "PowerShell" ? 3 : 1;
        string part = string.Join('.', parts.Take(depth).Skip(1));
        return part.Length == 0 ? Model : part.StartsWith("Engine.", StringComparison.Ordinal) ? part["Engine.".Length..] : part;
    }

    private static IEnumerable<string> References(Assembly assembly) => assembly.GetReferencedAssemblies().Select(reference => reference.Name!);

    private static bool IsFramework(string name) =>
        (name.StartsWith("System.", StringComparison.Ordinal) && name != "System.Management.Automation") || name is "System" or "netstandard" or "Microsoft.Win32.Primitives" or "Microsoft.Win32.Registry";
}
