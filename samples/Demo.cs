#!/usr/bin/env dotnet
#:property PublishAot=false
// The main job in a real PowerShell, with nothing but the .NET SDK: fetches the PowerShell that the repository pins, builds the
// module and runs samples/Demo.ps1.  dotnet run samples/Demo.cs
using System.Diagnostics;

string root = Path.GetFullPath(Path.Combine((string)AppContext.GetData("EntryPointFileDirectoryPath")!, ".."));
int failed = Run("tool", "restore", "--verbosity", "quiet");
return failed != 0 ? failed : Run("tool", "run", "pwsh", "--", "-NoProfile", "-File", Path.Combine(root, "build.ps1"), "-Task", "Demo");

int Run(params string[] arguments)
{
    // The tool is found by the manifest of the folder in which dotnet runs. The output goes to this terminal as it comes.
    using Process process = Process.Start(new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = root })!;
    process.WaitForExit();
    return process.ExitCode;
}
