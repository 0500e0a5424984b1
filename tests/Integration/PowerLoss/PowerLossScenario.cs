using DbBackup.Testing;
using DbBackup.Testing.PowerLoss;

namespace DbBackup.Tests.Integration.PowerLoss;

/// <summary>A command whose files the power loss takes: an application's database and uploads, and a repository with two backups of them, or none yet.</summary>
internal sealed class PowerLossScenario : IDisposable
{
    private readonly TempFolder _folder = TempFolder.InMemory();

    private PowerLossScenario(string name)
    {
        Name = name;
        Disk = _folder["disk"];
        Directory.CreateDirectory(Disk);
    }

    /// <summary>The commands.</summary>
    public static IReadOnlyList<string> Names { get; } = ["New-DbBackup", "first New-DbBackup", "Remove-DbBackup", "Test-DbBackup", "Restore-DbBackup", "Undo-DbRestore"];

    public string Name { get; }

    /// <summary>The folder that the power loss is simulated of.</summary>
    public string Disk { get; }

    public string Database => Path.Join(Disk, "app.db");

    public string Uploads => Path.Join(Disk, "uploads");

    public string RepositoryPath => Path.Join(Disk, "backups");

    /// <summary>The backups before the command.</summary>
    public IReadOnlyList<string> Backups { get; private set; } = [];

    /// <summary>The backup that the command is about.</summary>
    public string Subject { get; private set; } = string.Empty;

    /// <summary>The application's state before the command, and after it.</summary>
    public string OldState { get; private set; } = string.Empty;

    /// <inheritdoc cref="OldState"/>
    public string NewState { get; private set; } = string.Empty;

    public FileRecording Recording { get; private set; } = null!;

    /// <summary>Makes the state before the command, runs the command and records it.</summary>
    public static async Task<PowerLossScenario> RecordAsync(string name)
    {
        var scenario = new PowerLossScenario(name);
        using var bench = new Workbench(scenario.RepositoryPath);
        scenario.Change("first");
        string first = scenario.State();
        Backup subject = await bench.BackUpAsync(scenario.Database, scenario.Uploads);
        scenario.Change("second");
        string second = scenario.State();
        await bench.BackUpAsync(scenario.Database, scenario.Uploads);
        scenario.Change("third");
        scenario.Subject = subject.ToString();
        if (name == "first New-DbBackup")
            Directory.Delete(scenario.RepositoryPath, recursive: true);
        if (name == "Undo-DbRestore")
            await bench.RestoreAsync(subject);
        scenario.OldState = scenario.State();
        scenario.Backups = !Directory.Exists(scenario.RepositoryPath) ? [] : [.. (await bench.ListAsync()).Select(backup => backup.ToString())];
        string[] command = name switch
        {
            "New-DbBackup" or "first New-DbBackup" => ["backup", scenario.Database, scenario.RepositoryPath, "0", scenario.Uploads],
            "Remove-DbBackup" => ["remove", scenario.RepositoryPath, subject.Source, subject.Name],
            "Test-DbBackup" => ["test", scenario.RepositoryPath, subject.Source, subject.Name],
            "Restore-DbBackup" => ["restore", scenario.RepositoryPath, subject.Source, subject.Name, "0", "force"],
            _ => ["undorestore", scenario.RepositoryPath, subject.Source],
        };
        scenario.Recording = FileRecording.Of(scenario.Disk, scenario._folder["trace"], OtherProcess.Command(command));
        scenario.NewState = scenario.State();
        // What the command is for was done: otherwise there is nothing to prove.
        Assert.Equal(name is "Restore-DbBackup" or "Undo-DbRestore", scenario.NewState != scenario.OldState);
        if (name == "Restore-DbBackup")
            Assert.Equal(first, scenario.NewState);
        Assert.NotEqual(second, first);
        return scenario;
    }

    /// <summary>The content of the database and of the uploads.</summary>
    public string State() =>
        SampleDatabase.Content(Database) + "\n" + string.Join('\n', Directory.EnumerateFiles(Uploads).Order(StringComparer.Ordinal).Select(file => $"{Path.GetFileName(file)}: {File.ReadAllText(file)}"));

    public void Dispose() => _folder.Dispose();

    private void Change(string mark)
    {
        foreach (string file in new[] { Database, Database + "-journal" })
            File.Delete(file);
        SampleDatabase.Create(Database, rows: 20, mark: mark);
        Directory.CreateDirectory(Uploads);
        File.WriteAllText(Path.Join(Uploads, "picture"), $"the {mark} picture {new string('x', 3000)}");
        File.WriteAllText(Path.Join(Uploads, mark), mark);
    }
}
