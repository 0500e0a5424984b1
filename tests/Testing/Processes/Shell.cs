using System.Diagnostics;

namespace DbBackup.Testing;

/// <summary>Runs stock tools.</summary>
internal static class Shell
{
    /// <summary>Runs a program to its end and gives its standard output; anything but exit code 0 fails the test.</summary>
    public static string Run(string tool, params string[] arguments)
    {
        Require.Tool(tool);
        using var process = Start(tool, arguments);
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{tool} {string.Join(' ', arguments)} exited with {process.ExitCode}: {errors.Result}");
        return output;
    }

    /// <summary>Starts a program and leaves it running.</summary>
    public static Process Start(string tool, params string[] arguments)
    {
        var start = new ProcessStartInfo(tool) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }
}
