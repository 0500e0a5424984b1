using System.Reflection;
using System.Runtime.Loader;

namespace DbBackup.PowerShell.Loading;

/// <summary>
/// The place of the engine, the upgrades and their packages, apart from other modules that bring the same packages in other versions.
/// What the upgrades' own list does not name (the model, the framework) comes from the default context and is shared.
/// </summary>
internal sealed class EngineLoadContext : AssemblyLoadContext
{
    private readonly AssemblyDependencyResolver _resolver;

    /// <param name="root">The assembly that uses all others; the list of what it needs lies beside it.</param>
    public EngineLoadContext(string root)
        : base("DbBackup.Engine") => _resolver = new AssemblyDependencyResolver(root);

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        // The model must be the one whose types scripts name; its copy, if one lies beside the engine, stays unused.
        if (assemblyName.Name == typeof(Backup).Assembly.GetName().Name)
            return typeof(Backup).Assembly;
        return _resolver.ResolveAssemblyToPath(assemblyName) is { } path ? LoadFromAssemblyPath(path) : null;
    }

    // The shell looks for native libraries on behalf of the default context only.
    protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
        _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } path ? LoadUnmanagedDllFromPath(path) : 0;
}
