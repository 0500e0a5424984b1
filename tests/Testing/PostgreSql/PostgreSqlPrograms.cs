using System.Globalization;

namespace DbBackup.Testing;

/// <summary>A folder with the programs of one PostgreSQL version.</summary>
internal sealed class PostgreSqlPrograms
{
    private PostgreSqlPrograms(string folder) => Folder = folder;

    /// <summary>The folder that holds initdb and postgres.</summary>
    public string Folder { get; }

    /// <summary>The newest version that the distribution installed; the test is skipped where there is none.</summary>
    public static PostgreSqlPrograms Installed()
    {
        string? folder = InstalledFolders().FirstOrDefault(IsComplete);
        Require.That(folder is not null, "No PostgreSQL server is installed (initdb and postgres in /usr/lib/postgresql/*/bin or on the path).");
        return new PostgreSqlPrograms(folder!);
    }

    /// <summary>Another major version, in the folder that DBBACKUP_TEST_POSTGRESQL_17 (or the like) names; the test is skipped where there is none.</summary>
    public static PostgreSqlPrograms OfMajor(int major)
    {
        string variable = string.Create(CultureInfo.InvariantCulture, $"DBBACKUP_TEST_POSTGRESQL_{major}");
        string? folder = Environment.GetEnvironmentVariable(variable);
        Require.That(
            !string.IsNullOrEmpty(folder) && IsComplete(Path.Join(folder, "bin")),
            $"PostgreSQL {major} is not there: {variable} does not name a folder with bin/initdb, bin/postgres and bin/pg_dump (tests/environment/prepare.sh makes one).");
        return new PostgreSqlPrograms(Path.Join(folder, "bin"));
    }

    /// <summary>The path of a program of this version.</summary>
    public string this[string program] => Path.Join(Folder, program);

    private static bool IsComplete(string folder) => new[] { "initdb", "postgres", "pg_dump", "psql" }.All(program => File.Exists(Path.Join(folder, program)));

    // The newest first: Debian and its kin, the PostgreSQL project's RPMs, Homebrew, then whatever the path has.
    private static IEnumerable<string> InstalledFolders()
    {
        string[] patterns = ["/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"];
        IEnumerable<string> versions = patterns.SelectMany(pattern => Versions(pattern)).OrderByDescending(found => found.Major).Select(found => found.Folder);
        return versions.Concat((Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
    }

    private static IEnumerable<(int Major, string Folder)> Versions(string pattern)
    {
        string versions = Path.GetDirectoryName(pattern)!;
        string parent = Path.GetDirectoryName(versions)!;
        if (!Directory.Exists(parent))
            yield break;
        foreach (string folder in Directory.EnumerateDirectories(parent, Path.GetFileName(versions)))
        {
            string digits = new([.. Path.GetFileName(folder).SkipWhile(c => !char.IsAsciiDigit(c)).TakeWhile(char.IsAsciiDigit)]);
            if (int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int major))
                yield return (major, Path.Join(folder, Path.GetFileName(pattern)));
        }
    }
}
