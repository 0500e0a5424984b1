using System.Management.Automation;
using System.Reflection;
using System.Runtime.Loader;

namespace DbBackup.PowerShell.Loading;

/// <summary>Answers for the engine and the upgrades when the module is imported; see docs/architecture.md, "Loading".</summary>
public sealed class EngineLoader : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    private const string EngineName = "DbBackup.Engine";
    private const string UpgradesName = "DbBackup.Upgrades";

    // One for the process, also across Remove-Module and a second import: a loaded context cannot be unloaded.
    private static readonly Lazy<EngineLoadContext> Context = new(() => new EngineLoadContext(PathOf(UpgradesName)));

    private static string PathOf(string name) => Path.Combine(Path.GetDirectoryName(typeof(EngineLoader).Assembly.Location)!, "engine", name + ".dll");

    /// <inheritdoc/>
    public void OnImport()
    {
        AssemblyLoadContext.Default.Resolving -= Resolve;
        AssemblyLoadContext.Default.Resolving += Resolve;
    }

    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo) => AssemblyLoadContext.Default.Resolving -= Resolve;

    private static Assembly? Resolve(AssemblyLoadContext context, AssemblyName name) =>
        name.Name is EngineName or UpgradesName ? Context.Value.LoadFromAssemblyPath(PathOf(name.Name)) : null;
}
