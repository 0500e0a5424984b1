using System.Diagnostics;
using System.Reflection;

namespace DbBackup.Bench;

/// <summary>One run: its data, its work folder, its shell.</summary>
internal sealed class BenchRun : IDisposable
{
    private readonly Lazy<string> _database;
    private readonly Lazy<ModuleShell> _shell;
    private readonly Lazy<BenchServer> _server;
    private readonly Lazy<ModuleShell> _serverShell;

    public BenchRun(BenchOptions options)
    {
        Options = options;
        WorkFolder = Path.Combine(options.DataFolder, $"work-{Environment.ProcessId}");
        Directory.CreateDirectory(WorkFolder);
        _database = new Lazy<string>(() => SampleDatabase.Ensure(options.DataFolder, options.SizeMB));
        _shell = new Lazy<ModuleShell>(() => new ModuleShell(ModulePath));
        _server = new Lazy<BenchServer>(() => BenchServer.Start(Path.Combine(options.DataFolder, $"postgresql-{options.SizeMB}")));
        // Its environment names the server, so it starts after it.
        _serverShell = new Lazy<ModuleShell>(() =>
        {
            _ = Server;
            return new ModuleShell(ModulePath);
        });
    }

    /// <summary>What was asked for.</summary>
    public BenchOptions Options { get; }

    /// <summary>Where the results of what is measured go; emptied between the rounds, gone in the end.</summary>
    public string WorkFolder { get; }

    /// <summary>The sample database.</summary>
    public string Database => _database.Value;

    /// <summary>A shell that lives as long as the run, with the module imported.</summary>
    public ModuleShell Shell => _shell.Value;

    /// <summary>The PostgreSQL server.</summary>
    public BenchServer Server => _server.Value;

    /// <summary>Makes a sample database on the server, unless it is there, and gives its name.</summary>
    public string OnServer(string database)
    {
        SampleServerDatabases.Ensure(Server, database, Options.SizeMB);
        return database;
    }

    /// <summary>A shell as <see cref="Shell"/> is, whose environment names <see cref="Server"/>.</summary>
    public ModuleShell ServerShell => _serverShell.Value;

    /// <summary>The module's manifest, found upwards from this program.</summary>
    public static string ModulePath { get; } = FindModule();

    /// <summary>A path in the work folder.</summary>
    public string Work(string name) => Path.Combine(WorkFolder, name);

    /// <summary>Empties the work folder and lets the disk come to rest: what one contender left to be written must not slow the next.</summary>
    public void Clean(params ReadOnlySpan<string> keep)
    {
        foreach (FileSystemInfo entry in new DirectoryInfo(WorkFolder).EnumerateFileSystemInfos())
        {
            if (keep.Contains(entry.Name))
                continue;
            if (entry is DirectoryInfo folder)
                folder.Delete(recursive: true);
            else
                entry.Delete();
        }

        Settle();
    }

    /// <summary>Waits until everything that was written has reached the disk.</summary>
    public static void Settle()
    {
        if (OperatingSystem.IsWindows())
            return;
        using Process? sync = Process.Start("sync");
        sync?.WaitForExit();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_shell.IsValueCreated)
            _shell.Value.Dispose();
        if (_serverShell.IsValueCreated)
            _serverShell.Value.Dispose();
        if (_server.IsValueCreated)
            _server.Value.Dispose();
        Directory.Delete(WorkFolder, recursive: true);
    }

    private static string FindModule()
    {
        for (DirectoryInfo? folder = new(Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location)!); folder is not null; folder = folder.Parent)
        {
            string manifest = Path.Combine(folder.FullName, "DbBackup.psd1");
            if (File.Exists(manifest))
                return RequireThisBuild(manifest);
        }

        throw new FileNotFoundException("DbBackup.psd1 was not found above this program: run it from a clone of the repository.");
    }

    // Each build replaces the module, also one for tests, which is not optimized: its figures would be those of another program.
    private static string RequireThisBuild(string manifest)
    {
        string own = typeof(DbBackup.Engine.Repository.BackupRepository).Assembly.Location;
        string module = Path.Combine(Path.GetDirectoryName(manifest)!, "module", "bin", "engine", Path.GetFileName(own));
        return File.Exists(module) && File.ReadAllBytes(module).AsSpan().SequenceEqual(File.ReadAllBytes(own)) ? manifest : throw new InvalidOperationException(
            "The module is not of this build: another build has replaced it. Build the benchmark again (dotnet build -c Release bench/DbBackup.Bench), then run it.");
    }
}
