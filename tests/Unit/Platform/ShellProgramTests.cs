using DbBackup.Engine.Platform;

namespace DbBackup.Tests.Unit.Platform;

public sealed class ShellProgramTests
{
    private static ShellProgram? Find(string? process, string home, string? runtime, string? onPath, params string[] files) =>
        ShellProgram.Find(process, home, runtime, onPath, path => files.Contains(path.Replace('\\', '/')), isWindows: false);

    [Fact]
    public void An_installed_shell_is_its_own_program() =>
        Assert.Equal("/opt/ps/7/pwsh", Find("/opt/ps/7/pwsh", "/opt/ps/7", "/opt/ps/7", "/usr/bin/pwsh", "/opt/ps/7/pwsh", "/opt/ps/7/pwsh.dll")!.Path);

    [Fact]
    public void The_shell_of_a_tool_is_run_by_dotnet_which_needs_no_variable()
    {
        const string Home = "/root/.nuget/packages/powershell/7.6.9/tools/net10.0/any";
        const string Runtime = "/usr/lib/dotnet/shared/Microsoft.NETCore.App/10.0.1";
        string[] files = [Home + "/pwsh.dll", Home + "/pwsh", "/usr/lib/dotnet/dotnet"];
        foreach (string process in (string[])["/usr/lib/dotnet/dotnet", "/root/.dotnet/tools/pwsh"])
        {
            ShellProgram found = Find(process, Home, Runtime, null, files)!;
            Assert.Equal("/usr/lib/dotnet/dotnet", found.Path);
            Assert.Equal([Home + "/pwsh.dll"], found.Arguments);
            Assert.Equal(["/usr/lib/dotnet/dotnet", Home + "/pwsh.dll", "-NoProfile", "-NonInteractive", "-Command", "1 + 1"], found.Run("1 + 1"));
        }
    }

    [Fact]
    public void A_program_that_hosts_a_shell_is_no_shell() =>
        Assert.Equal("/usr/bin/pwsh", Find("/opt/editor/host", "/opt/editor", "/opt/editor", "/usr/bin/pwsh", "/opt/editor/host")!.Path);

    [Fact]
    public void Where_no_shell_is_there_is_none() => Assert.Null(Find("/opt/editor/host", "/opt/editor", null, null));

    [Fact]
    public void The_program_of_windows_has_its_ending() => Assert.EndsWith(
        "pwsh.exe",
        ShellProgram.Find("C:/ps/pwsh.exe", "C:/ps", "C:/ps", null, path => path.Replace('\\', '/') is "C:/ps/pwsh.exe", isWindows: true)!.Path,
        StringComparison.Ordinal);
}
