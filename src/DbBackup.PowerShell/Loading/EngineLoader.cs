using System.Management.Automation;
using System.Reflection;
using System.Runtime.Loader;

namespace DbBackup.PowerShell.Loading;

/// <summary>Answers for the engine when the module is imported; see docs/architecture.md, "Loading".</summary>
public sealed class EngineLoader : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    private const string EngineName = "DbBackup.Engine";

    // One for the process, also across Remove-Module and a second import: a loaded context cannot be unloaded.
    private static readonly Lazy<EngineLoadContext> Context = new(() => new EngineLoadContext(EnginePath));

    private static string EnginePath => Path.Combine(
        Path.GetDirectoryName(typeof(EngineLoader).Assembly.Location)!, "engine", EngineName + ".dll");

    /// <inheritdoc/>
    public void OnImport()
    {
        AssemblyLoadContext.Default.Resolving -= Resolve;
        AssemblyLoadContext.Default.Resolving += Resolve;
    }

    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo) => AssemblyLoadContext.Default.Resolving -= Resolve;

    private static Assembly? Resolve(AssemblyLoadContext context, AssemblyName name) =>
        name.Name == EngineName ? Context.Value.LoadFromAssemblyPath(EnginePath) : null;
}
