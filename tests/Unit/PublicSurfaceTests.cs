using System.Reflection;
using System.Runtime.CompilerServices;
using DbBackup.Tests.Unit.Architecture;
using Mono.Cecil;
using PublicApiGenerator;

namespace DbBackup.Tests.Unit;

/// <summary>The public surface of the shipped assemblies changes on purpose only: tests/Unit/PublicSurface holds it as text.</summary>
public sealed class PublicSurfaceTests
{
    // Set, the run writes what it finds over the texts.
    private const string Accept = "DBBACKUP_ACCEPT_SURFACE";

    [Theory]
    [InlineData("DbBackup")]
    [InlineData("DbBackup.Engine")]
    [InlineData("DbBackup.Upgrades")]
    [InlineData("DbBackup.PowerShell")]
    public void Surface_is_as_it_was_accepted(string assembly)
    {
        string found = SurfaceOf(assembly);
        string file = assembly + ".txt";
        if (Environment.GetEnvironmentVariable(Accept) is { Length: > 0 })
        {
            File.WriteAllText(Path.Join(Path.GetDirectoryName(ThisFile()), "PublicSurface", file), found);
            return;
        }

        string accepted = File.ReadAllText(Path.Join(AppContext.BaseDirectory, "PublicSurface", file)).ReplaceLineEndings("\n");
        string[] changes = Difference(accepted.Split('\n'), found.Split('\n'));
        Assert.True(
            changes.Length == 0,
            $"The public surface of {assembly} has changed. If that is what you want, run these tests with {Accept}=1 and commit tests/Unit/PublicSurface/{file}:\n{string.Join('\n', changes)}");
    }

    [Fact]
    public void Difference_names_what_came_and_what_went() =>
        Assert.Equal(["  class A:", "- int Old()", "  class B:", "+ int New()"], Difference(["class A", "    int Old()", "    int Same()", "class B"], ["class A", "    int Same()", "class B", "    int New()"]));

    // Whatever else is public could be used by others, and so could never change.
    [Fact]
    public void Public_types_are_those_that_the_cmdlets_use()
    {
        Dictionary<string, TypeDefinition> types = new[] { "DbBackup.Engine", "DbBackup.Upgrades" }.SelectMany(CompiledCode.TypesOf).Where(type => type.IsPublic).ToDictionary(type => type.FullName, StringComparer.Ordinal);
        var open = new Stack<string>(CompiledCode.TypesOf("DbBackup.PowerShell").SelectMany(CompiledCode.UsesOf).Select(used => used.Name));
        var needed = new HashSet<string>(StringComparer.Ordinal);
        while (open.TryPop(out string? name))
        {
            if (!types.TryGetValue(name, out TypeDefinition? type) || !needed.Add(name))
                continue;
            foreach ((_, string exposed) in CompiledCode.ExposedBy(type))
                open.Push(exposed);
        }

        string[] others = [.. types.Keys.Except(needed).Except(UsedByOthers).Order(StringComparer.Ordinal)];
        Assert.True(others.Length == 0, "Make these internal, for no cmdlet uses them:\n" + string.Join('\n', others));
        Assert.DoesNotContain(UsedByOthers, name => !types.ContainsKey(name) || needed.Contains(name));
    }

    // Public for the benchmarks and the samples, which use the engine as a stranger does.
    private static readonly string[] UsedByOthers =
    [
        "DbBackup.Engine.Engines.Files.FolderSource",
        "DbBackup.Engine.Engines.Sqlite.SqliteSource",
        "DbBackup.Engine.Repository.Stores.DirectoryStore",
    ];

    private static string SurfaceOf(string assembly) => Assembly.LoadFrom(Path.Join(AppContext.BaseDirectory, assembly + ".dll"))
        .GeneratePublicApi(new ApiGeneratorOptions { IncludeAssemblyAttributes = false, DenyNamespacePrefixes = [] }).ReplaceLineEndings("\n").TrimEnd() + "\n";

    // The lines that were added and removed, each below the type in which it stands.
    private static string[] Difference(string[] accepted, string[] found)
    {
        HashSet<string> before = [.. WithTypes(accepted)];
        HashSet<string> now = [.. WithTypes(found)];
        return [.. before.Except(now).Select(line => (Line: line, Sign: '-')).Concat(now.Except(before).Select(line => (Line: line, Sign: '+')))
            .GroupBy(change => change.Line[..change.Line.IndexOf('\n', StringComparison.Ordinal)]).OrderBy(group => group.Key, StringComparer.Ordinal)
            .SelectMany(group => group.Select(change => $"{change.Sign} {change.Line[(group.Key.Length + 1)..]}").Prepend($"  {group.Key}:"))];
    }

    private static IEnumerable<string> WithTypes(string[] lines)
    {
        string type = string.Empty;
        foreach (string line in lines.Select(line => line.Trim()).Where(line => line.Length > 1))
        {
            if (line.Contains("class ", StringComparison.Ordinal) || line.Contains("interface ", StringComparison.Ordinal) || line.Contains("enum ", StringComparison.Ordinal) || line.Contains("struct ", StringComparison.Ordinal))
                type = line;
            yield return $"{type}\n{line}";
        }
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
