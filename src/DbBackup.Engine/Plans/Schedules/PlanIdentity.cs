using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Plans.Schedules;

/// <summary>A plan as a scheduler knows it: whose it is, and its name, in letters that each scheduler takes.</summary>
/// <param name="Name">The plan's name.</param>
/// <param name="Scope">Whose it is.</param>
public sealed record PlanIdentity(string Name, PlanScope Scope)
{
    private string _folder = string.Empty;

    /// <summary>The name of units, files and tasks, as in <c>dbbackup-user-nightly</c>: letters, digits, hyphens and underscores alone.</summary>
    public string Unit => $"dbbackup-{(Scope == PlanScope.Machine ? "machine" : "user")}-{Escaped}{_folder}";

    // A file in /etc/cron.d with any other letter in its name is not read, and a file's name has at most 255 bytes.
    private string Escaped
    {
        get
        {
            string whole = string.Concat(Encoding.UTF8.GetBytes(Name).Select(b => char.IsAsciiLetterOrDigit((char)b) || b == '-' ? ((char)b).ToString() : "_" + b.ToString("x2", CultureInfo.InvariantCulture)));
            return whole.Length <= 120 ? whole : whole[..100] + "_" + Hash(Name);
        }
    }

    /// <summary>The identity of a plan.</summary>
    public static PlanIdentity Of(string name, PlanFolders folders)
    {
        ArgumentNullException.ThrowIfNull(folders);
        // A user may have several folders of plans; those of the usual one have no addition.
        bool isUsual = folders.Scope == PlanScope.Machine || folders.Plans == UserDataFolder.Find("plans");
        return new PlanIdentity(name, folders.Scope) { _folder = isUsual ? string.Empty : "_at_" + Hash(Path.GetFullPath(folders.Plans)) };
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..8];
}
