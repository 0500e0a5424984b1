namespace DbBackup.Engine.Platform;

/// <summary>The PowerShell program that starts another shell like the one that runs this module.</summary>
/// <param name="Path">The program's full path.</param>
/// <param name="Arguments">What comes before the shell's own arguments: <c>pwsh.dll</c>, if the program is <c>dotnet</c>.</param>
public sealed record ShellProgram(string Path, IReadOnlyList<string> Arguments)
{
    private const string Name = "pwsh";
    private const string Host = "dotnet";

    /// <summary>Finds the program of this process's shell.</summary>
    /// <param name="home">The folder of the shell's own files ($PSHOME).</param>
    /// <exception cref="BackupException">There is none.</exception>
    public static ShellProgram Find(string home) =>
        Find(Environment.ProcessPath, home, System.IO.Path.GetDirectoryName(typeof(object).Assembly.Location), ExternalTool.Find(Name), File.Exists, OperatingSystem.IsWindows())
        ?? throw new BackupFailure(
            ErrorCodes.ToolMissing,
            FailureCategory.MissingTool,
            $"The program pwsh was found neither in '{home}' nor on PATH.",
            "Run this in pwsh 7.6 or newer, or put its folder on PATH.")
        { Target = Name };

    /// <summary>The command line that runs a script without a profile and without questions, its program first.</summary>
    public IReadOnlyList<string> Run(string script) => [Path, .. Arguments, "-NoProfile", "-NonInteractive", "-Command", script];

    /// <inheritdoc cref="Find(string)"/>
    /// <param name="process">This process's program.</param>
    /// <param name="home">The folder of the shell's own files.</param>
    /// <param name="runtime">The folder of the framework's assemblies.</param>
    /// <param name="onPath">The pwsh on PATH.</param>
    /// <param name="exists">Tells if a file exists.</param>
    /// <param name="isWindows">True on Windows.</param>
    internal static ShellProgram? Find(string? process, string home, string? runtime, string? onPath, Func<string, bool> exists, bool isWindows)
    {
        string Program(string folder, string name) => System.IO.Path.Combine(folder, isWindows ? name + ".exe" : name);
        // The tool's pwsh is an empty shell that has to find dotnet by DOTNET_ROOT, which a scheduler does not have; dotnet itself needs nothing.
        string library = System.IO.Path.Combine(home, Name + ".dll");
        bool isSelfContained = exists(Program(home, Name)) && runtime is not null && System.IO.Path.GetFullPath(runtime) == System.IO.Path.GetFullPath(home);
        if (isSelfContained)
            return new ShellProgram(Program(home, Name), []);
        // shared/Microsoft.NETCore.App/10.0.1 lies three levels below dotnet.
        string? host = process is not null && IsNamed(process, Host) ? process
            : runtime is not null && Program(System.IO.Path.GetFullPath(System.IO.Path.Combine(runtime, "..", "..", "..")), Host) is var beside && exists(beside) ? beside
            : null;
        if (host is not null && exists(library))
            return new ShellProgram(host, [library]);
        return process is not null && IsNamed(process, Name) ? new ShellProgram(process, [])
            : exists(Program(home, Name)) ? new ShellProgram(Program(home, Name), [])
            : onPath is not null ? new ShellProgram(onPath, [])
            : null;
    }

    private static bool IsNamed(string program, string name) =>
        System.IO.Path.GetFileNameWithoutExtension(program.Replace('\\', '/').Split('/')[^1]).Equals(name, StringComparison.OrdinalIgnoreCase);
}
