using System.Diagnostics;

namespace DbBackup.Testing;

/// <summary>As whom a server runs: PostgreSQL refuses root, so root's tests run it as another user, and everybody else as themselves.</summary>
internal sealed class UnprivilegedUser
{
    private readonly string? _name;

    private UnprivilegedUser(string? name) => _name = name;

    public static UnprivilegedUser Find()
    {
        if (OperatingSystem.IsWindows() || Environment.UserName != "root")
            return new UnprivilegedUser(null);
        bool hasOwn = File.ReadLines("/etc/passwd").Any(line => line.StartsWith("postgres:", StringComparison.Ordinal));
        return new UnprivilegedUser(hasOwn ? "postgres" : "nobody");
    }

    /// <summary>A command as this user, without anything of this process's PostgreSQL settings.</summary>
    public ProcessStartInfo Command(params string[] command)
    {
        string[] whole = _name is null ? command : ["setpriv", $"--reuid={_name}", $"--regid={GroupOf(_name)}", "--init-groups", .. command];
        var start = new ProcessStartInfo(whole[0], whole[1..]) { WorkingDirectory = "/" };
        foreach (string variable in start.Environment.Keys.Where(key => key.StartsWith("PG", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(variable);
        return start;
    }

    /// <summary>Gives the user a folder, and a way to it.</summary>
    public void Own(string folder)
    {
        if (_name is null || OperatingSystem.IsWindows())
            return;
        Shell.Run("chown", "-R", $"{_name}:{GroupOf(_name)}", folder);
        // Temporary folders of the tests are their owner's alone; passing through is all that is granted.
        for (DirectoryInfo? parent = Directory.GetParent(folder); parent is { Parent: not null }; parent = parent.Parent)
        {
            if (!parent.UnixFileMode.HasFlag(UnixFileMode.OtherExecute) && parent.Name.StartsWith("dbbackup-", StringComparison.Ordinal))
                parent.UnixFileMode |= UnixFileMode.OtherExecute;
        }
    }

    private static string GroupOf(string user) => Shell.Run("id", "-gn", user).Trim();
}
