namespace DbBackup.Tests.Fuzz;

/// <summary>All targets, by the folder of their namespace: a class is a target.</summary>
internal static class FuzzTargets
{
    /// <summary>The names of a group's targets.</summary>
    public static TheoryData<string> In(string group) => [.. Types.Where(type => type.Namespace!.EndsWith("." + group, StringComparison.Ordinal)).Select(type => type.Name[..^"Target".Length]).Order(StringComparer.Ordinal)];

    /// <summary>Creates a target.</summary>
    public static FuzzTarget Create(string name) => (FuzzTarget)Activator.CreateInstance(Types.Single(type => type.Name == name + "Target"))!;

    private static IEnumerable<Type> Types => typeof(FuzzTargets).Assembly.GetTypes().Where(type =>
        type.IsSubclassOf(typeof(FuzzTarget)) && !type.IsAbstract && type.Namespace!.Contains(".Targets.", StringComparison.Ordinal));
}
