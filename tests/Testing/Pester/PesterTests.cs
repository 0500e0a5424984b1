using System.Reflection;

namespace DbBackup.Testing.Pester;

/// <summary>
/// One Pester file as a class of xUnit tests. The file runs as a whole in a shell of its own, begun by the first of its tests:
/// a module's assemblies cannot be unloaded, and no file may see another's. Classes run beside each other.
/// </summary>
public abstract class PesterTests
{
    /// <summary>Passes if what the file's test on a line says has passed, in all its cases.</summary>
    /// <param name="line">The line on which the test begins.</param>
    [Theory]
    [PesterData]
    public async Task It(int line)
    {
        PesterRun run = await PesterRun.OfAsync(PesterRun.PathOf(GetType()), PesterRun.WorldOf(GetType()));
        if (line == PesterDataAttribute.WholeFile)
            run.CheckFile();
        else
            run.Check(line);
    }

    /// <summary>Fails if a Pester file of an assembly's project has no class, or its class does not say what it needs.</summary>
    internal static void CheckClasses(Assembly assembly)
    {
        Type[] classes = [.. assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(PesterTests)))];
        Assert.Equal(
            Directory.EnumerateFiles(PesterRun.FolderOf(assembly), "*.Tests.ps1").Order(StringComparer.Ordinal),
            classes.Select(PesterRun.PathOf).Distinct().Order(StringComparer.Ordinal));
        foreach (Type type in classes)
        {
            string text = File.ReadAllText(PesterRun.PathOf(type));
            string[] traits = [.. type.GetCustomAttributesData().Where(data => data.AttributeType == typeof(TraitAttribute)).Select(data => (string)data.ConstructorArguments[1].Value!)];
            foreach ((string trait, string[] requirements) in new[] { ("Docker", (string[])["Require-Docker"]), ("PostgreSql", ["Require-PostgreSql", "Require-ServerPair"]) })
                Assert.True(requirements.Any(requirement => text.Contains(requirement, StringComparison.Ordinal)) == traits.Contains(trait), $"{type.Name}: its file and the trait {trait} do not agree.");
        }
    }
}
