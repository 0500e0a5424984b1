using System.Globalization;
using System.Text.Json;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Plans.Runs;

/// <summary>The record of the run at hand, replaced as a whole at each step, and its log. While it is open, no other run of the plan begins.</summary>
internal sealed class RunJournal : IDisposable
{
    private readonly string _path;
    private readonly FileStream _lock;
    private readonly StreamWriter _log;
    private readonly TimeProvider _clock;

    public RunJournal(string folder, FileStream @lock, TimeProvider clock, BackupRun run)
    {
        _path = Path.Combine(folder, run.Id + ".json");
        _lock = @lock;
        _clock = clock;
        Run = run;
        string log = run.Log!;
        File.Delete(log);
        _log = new StreamWriter(PrivateFiles.CreateNew(log)) { AutoFlush = true };
    }

    /// <summary>The run as it is now.</summary>
    public BackupRun Run { get; private set; }

    /// <summary>Changes the run and saves it.</summary>
    public void Update(Func<BackupRun, BackupRun> change)
    {
        Run = change(Run);
        Save();
    }

    /// <summary>Writes a line into the log.</summary>
    public void Log(string text)
    {
        // One line each: a program's words may have several.
        string shown = ForeignText.ShownLine(string.Join(' ', SecretText.Masked(text).Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)));
        _log.WriteLine($"{_clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)} {shown}");
    }

    /// <summary>Replaces the record durably.</summary>
    public void Save()
    {
        string part = _path + ".part";
        File.Delete(part);
        using (FileStream file = PrivateFiles.CreateNew(part))
        {
            JsonSerializer.Serialize(file, new RunRecord(Run, ProcessIdentity.Current));
            file.Flush(flushToDisk: true);
        }

        File.Move(part, _path, overwrite: true);
        DurableFiles.FlushDirectory(Path.GetDirectoryName(_path)!);
    }

    public void Dispose()
    {
        _log.Dispose();
        _lock.Dispose();
    }
}
