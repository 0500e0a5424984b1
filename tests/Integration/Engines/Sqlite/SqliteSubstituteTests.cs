using System.Runtime.InteropServices;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Engines.Sqlite;

/// <summary>Systems whose glibc is older than the bundled library's.</summary>
[Trait("Category", "Tool")]
public sealed class SqliteSubstituteTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Where_the_bundled_library_does_not_load_the_systems_own_is_used()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux has systems that are too old for the bundled library.");
        Require.That(NativeLibrary.TryLoad("libsqlite3.so.0", out _), "The system has no libsqlite3.so.0.");
        SampleDatabase.Create(_bench["app.db"]);
        string program = CopyOfTheHelper();
        foreach (string library in Directory.EnumerateFiles(Path.GetDirectoryName(program)!, "libe_sqlite3.so", SearchOption.AllDirectories))
            File.WriteAllText(library, "as unloadable as one that was built for a newer glibc");

        (int exitCode, string output) = OtherProcess.Run("dotnet", "exec", program, "backup", _bench["app.db"], _bench.RepositoryPath, "0");

        Assert.True(exitCode == 0, output);
        string version = Assert.Single(await _bench.ListAsync()).Manifest!.Source.EngineVersion!;
        Assert.Matches(@"^3\.\d+\.\d+$", version);
        Assert.NotEqual(SqliteLibrary.Version, version);
    }

    private string CopyOfTheHelper()
    {
        string from = AppContext.BaseDirectory, to = _bench["program"];
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string relative = Path.GetRelativePath(from, file);
            if (relative.Contains("runtimes" + Path.DirectorySeparatorChar, StringComparison.Ordinal)
                ? !relative.Contains(RuntimeInformation.RuntimeIdentifier, StringComparison.Ordinal)
                : Path.GetDirectoryName(relative)!.Length > 0 || Path.GetExtension(file) is not (".dll" or ".json"))
            {
                continue;
            }

            Directory.CreateDirectory(Path.GetDirectoryName(Path.Join(to, relative))!);
            File.Copy(file, Path.Join(to, relative));
        }

        return Path.Join(to, "DbBackup.TestHost.dll");
    }
}
