using System.Text;
using System.Text.Json;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Docker.Pausing;

/// <summary>What a journal holds.</summary>
/// <param name="Owner">The process that paused.</param>
/// <param name="Guard">The process that resumes when the owner dies; null where there is none.</param>
/// <param name="Endpoint">The engine; its certificates are named by their folder only.</param>
/// <param name="Mode">Paused or stopped.</param>
/// <param name="Containers">The containers, in the order in which they are started.</param>
internal sealed record PauseNote(ProcessIdentity? Owner, ProcessIdentity? Guard, DockerEndpoint Endpoint, PauseMode Mode, IReadOnlyList<PausedContainer> Containers);

/// <summary>A file that names the containers a run is about to pause, so that the next run can resume them if this one is killed.</summary>
internal sealed class PauseJournal : IDisposable
{
    private const string Prefix = "pause-";
    private const string Suffix = ".json";

    // A second line: its owner lives, but has given up.
    private const string GivenUp = "given up";

    // Between the creation of a journal and its first line there is a moment.
    private static readonly TimeSpan UnreadableTimeout = TimeSpan.FromMinutes(1);
    private const long LongestJournal = 1 << 20;
    private readonly FileStream _file;
    private bool _keep;

    private PauseJournal(string path, FileStream file, PauseNote note)
    {
        Path = path;
        _file = file;
        Note = note;
    }

    /// <summary>What it holds.</summary>
    public PauseNote Note { get; }

    /// <summary>Where it lies.</summary>
    public string Path { get; }

    /// <summary>Writes it durably, before anything is paused.</summary>
    /// <exception cref="BackupFailure">It cannot be written.</exception>
    public static PauseJournal Begin(PauseFolder folder, PauseNote note)
    {
        string path = System.IO.Path.Combine(folder.Path, $"{Prefix}{Guid.NewGuid():N}{Suffix}");
        FileStream? file = null;
        try
        {
            // Locked for as long as this process lives: the first sign for others that it is no leftover.
            file = PrivateFiles.CreateLocked(path);
            var journal = new PauseJournal(path, file, note);
            journal.WriteLine(JsonSerializer.Serialize(note));
            DurableFiles.FlushDirectory(folder.Path);
            return journal;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (file is not null)
            {
                file.Dispose();
                File.Delete(path);
            }

            throw PauseFolder.Unwritable(folder.Path, exception.Message, exception);
        }
    }

    /// <summary>The journals of dead owners. Each is locked until it is disposed, so that two runs do not work on one.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="reportForeign">Receives files that are named like journals and are not this user's own.</param>
    public static IEnumerable<PauseJournal> Abandoned(PauseFolder folder, Action<string>? reportForeign = null)
    {
        if (!Directory.Exists(folder.Path))
            yield break;
        var readable = new EnumerationOptions { IgnoreInaccessible = true, AttributesToSkip = 0 };
        foreach (string path in Directory.EnumerateFileSystemEntries(folder.Path, Prefix + "*" + Suffix, readable).ToList())
        {
            if (TryOpenAbandoned(path, reportForeign) is { } journal)
                yield return journal;
        }
    }

    /// <summary>Leaves it for the next run, unless it is finished.</summary>
    public void Keep() => _keep = true;

    /// <summary>Everything that it names is resumed.</summary>
    public void Finish() => _keep = false;

    /// <summary>Leaves it for the next run, be it of this very process: what it names could not be resumed.</summary>
    public void GiveUp()
    {
        _keep = true;
        try
        {
            WriteLine(GivenUp);
        }
        catch (IOException)
        {
            // It counts when this process has ended.
        }
    }

    /// <summary>Deletes it, unless it is kept.</summary>
    public void Dispose()
    {
        // First closed, then deleted: Windows does not delete an open file.
        _file.Dispose();
        if (!_keep)
            File.Delete(Path);
    }

    private static PauseJournal? TryOpenAbandoned(string path, Action<string>? reportForeign)
    {
        FileStream? file = null;
        try
        {
            // Where HOME stayed as it was, root meets the journals of that user here, and that user root's: neither works on the other's.
            file = OwnFile.OpenLocked(path, out bool foreign);
            if (file is null || file.Length > LongestJournal)
            {
                if (foreign || file is not null)
                    reportForeign?.Invoke(path);
                file?.Dispose();
                return null;
            }

            using var reader = new StreamReader(file, leaveOpen: true);
            string[] lines = reader.ReadToEnd().Split('\n');
            PauseNote note = RecordJson.Read<PauseNote>(lines[0]);
            // They name lock files too.
            if (!note.Containers.All(container => container.Id.Length > 0 && container.Id.All(char.IsAsciiLetterOrDigit)))
                throw new JsonException("a container has no id.");
            if (lines.Contains(GivenUp) || IsDead(note.Owner))
                return new PauseJournal(path, file, note);
        }
        catch (JsonException) when (DateTime.UtcNow - File.GetLastWriteTimeUtc(path) > UnreadableTimeout)
        {
            // Its owner died while it wrote this very file, before it paused anything.
            file?.Dispose();
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            // Its owner lives, or another run works on it.
        }

        file?.Dispose();
        return null;
    }

    // Of a process in another container nothing is known, but on the same boot of the same machine its lock would be seen. On a share of
    // several machines the other one's engine is another engine: its notes are not for here.
    private static bool IsDead(ProcessIdentity? owner) => owner?.IsAlive() switch
    {
        Liveness.Dead => true,
        Liveness.Unknown => owner.BootId.Length > 0 && owner.BootId == ProcessIdentity.Current.BootId,
        _ => false,
    };

    private void WriteLine(string line)
    {
        _file.Seek(0, SeekOrigin.End);
        _file.Write(Encoding.UTF8.GetBytes(line + "\n"));
        _file.Flush(flushToDisk: true);
    }
}
