using DbBackup.Engine.Engines;
using DbBackup.Engine.Portability;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Backups;

/// <summary>Nobody else reads a private database out of a backup, an export or a restore, whatever the folders above allow.</summary>
public sealed class PrivateFilesTests : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Open = Private | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Backups_exports_and_restores_are_private_in_a_folder_that_others_may_read()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no modes.");
        if (OperatingSystem.IsWindows())
            return;
        Directory.CreateDirectory(_bench.RepositoryPath);
        Directory.CreateDirectory(_bench["shared"]);
        foreach (string folder in (string[])[_bench.Folder.Path, _bench.RepositoryPath, _bench["shared"]])
            File.SetUnixFileMode(folder, Open);
        string path = SampleDatabase.Create(_bench["app.db"], rows: 2000);
        File.SetUnixFileMode(path, Private);
        var seen = new List<(string File, UnixFileMode Mode)>();
        _bench.Observer.At = _ => seen.AddRange(Directory.EnumerateFiles(_bench["shared"], "*", SearchOption.AllDirectories).Select(file => (file, ModeOf(file))));

        Backup backup = await _bench.BackUpAsync(path);
        await _bench.TestAsync(backup, BackupTestLevel.Restore);
        foreach (ExportFormat format in (ExportFormat[])[ExportFormat.Native, ExportFormat.Sql])
        {
            if (format == ExportFormat.Sql && !Require.Has("sqlite3"))
                continue;
            foreach (string name in format == ExportFormat.Sql ? (string[])["app.sql", "app.sql.gz"] : ["export.db"])
            {
                await new BackupExporter(_bench.Repository).ExportAsync(
                    new ExportRequest { Backup = backup, Destination = _bench["shared/" + name], Format = format }, _bench.Observer, CancellationToken.None);
            }
        }

        await _bench.RestoreAsync(new RestoreRequest { Backup = backup, Destination = _bench["shared/restored.db"] });

        Assert.All(
            Directory.EnumerateFiles(_bench.RepositoryPath, "*", SearchOption.AllDirectories).Concat(Directory.EnumerateFiles(_bench["shared"])),
            file => Assert.Equal((file, Private), (file, ModeOf(file))));
        Assert.All(
            Directory.EnumerateDirectories(_bench.RepositoryPath, "*", SearchOption.AllDirectories),
            folder => Assert.Equal(Private | UnixFileMode.UserExecute, ModeOf(folder)));
        Assert.All(seen, file => Assert.Equal((file.File, Private), file));
    }

    private static UnixFileMode ModeOf(string path) => OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(path);
}
