using System.Reflection;
using System.Text.RegularExpressions;

namespace DbBackup.Tests.Unit;

/// <summary>Dependencies run one way: PowerShell → engine → model; sources and repositories know nothing of each other.</summary>
public sealed class ArchitectureTests
{
    [Fact]
    public void The_model_needs_nothing_but_the_framework() =>
        Assert.All(References(typeof(Backup).Assembly), name => Assert.True(IsFramework(name), name));

    [Fact]
    public void The_engine_never_sees_powershell() => Assert.All(
        References(typeof(Engine.Backups.BackupService).Assembly),
        name => Assert.True(IsFramework(name) || name == "DbBackup" || name is "Microsoft.Data.Sqlite" or "Npgsql" || name.StartsWith("SQLitePCLRaw.", StringComparison.Ordinal), name));

    [Theory]
    [InlineData("Sources", "Repositories|Backups|Restores|Retention|Verification|Portability")]
    [InlineData("Repositories", "Sources|Backups|Restores|Retention|Verification|Portability")]
    [InlineData("Payloads", "Sources|Repositories|Backups|Restores|Retention|Verification|Portability")]
    [InlineData("Platform", "Sources|Repositories|Payloads|Backups|Restores|Retention|Verification|Portability")]
    public void A_layer_names_none_above_it_or_beside_it(string layer, string forbidden)
    {
        string root = SourceRoot();
        Assert.SkipUnless(Directory.Exists(root), "The tests run without the source code.");
        var uses = new Regex($@"\b(DbBackup\.Engine\.)?({forbidden})\.[A-Z]\w+|using DbBackup\.Engine\.({forbidden})\b");
        foreach (string file in Directory.EnumerateFiles(Path.Join(root, layer), "*.cs", SearchOption.AllDirectories))
        {
            string code = string.Join('\n', File.ReadLines(file).Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal)));
            Assert.True(!uses.IsMatch(code), $"{Path.GetRelativePath(root, file)} uses {uses.Match(code).Value}");
        }
    }

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
