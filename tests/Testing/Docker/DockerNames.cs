using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace DbBackup.Testing;

/// <summary>Names of containers, volumes, networks and images that say which process made them, so that what a killed test run left is found.</summary>
internal static partial class DockerNames
{
    // Several machines, or containers that run the tests, can share one engine; of the others' processes nothing is known here.
    private static readonly string Machine = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Environment.MachineName)))[..4];

    /// <summary>A unique beginning for the names of one test. Also fit for a compose project: small letters, digits and "-".</summary>
    public static string NewPrefix()
    {
        using var process = Process.GetCurrentProcess();
        return Of(process.Id, process.StartTime) + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(3));
    }

    /// <summary>The beginning of all names that a process of this machine gives.</summary>
    public static string Of(int process, DateTime started) =>
        string.Create(CultureInfo.InvariantCulture, $"dbbackup-test-{Machine}p{process}s{new DateTimeOffset(started).ToUnixTimeSeconds():x}-");

    /// <summary>Was it made by a process of this machine that has ended?</summary>
    public static bool IsLeftover(string name)
    {
        Match found = Pattern().Match(name);
        if (!found.Success || found.Groups["machine"].Value != Machine)
            return false;
        int id = int.Parse(found.Groups["process"].Value, CultureInfo.InvariantCulture);
        long started = long.Parse(found.Groups["started"].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        try
        {
            using var process = Process.GetProcessById(id);
            // Linux counts a start from the machine's own, whose time is known to about a second.
            return process.HasExited || Math.Abs(new DateTimeOffset(process.StartTime).ToUnixTimeSeconds() - started) > 5;
        }
        catch (ArgumentException)
        {
            return true;
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            // Somebody else's, or just ending: left to the next run.
            return false;
        }
    }

    // Compose may put something before it while it replaces a container.
    [GeneratedRegex("dbbackup-test-(?<machine>[0-9a-f]{4})p(?<process>[0-9]{1,9})s(?<started>[0-9a-f]{1,12})-", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
