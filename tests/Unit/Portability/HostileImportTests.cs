using System.Formats.Tar;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.PostgreSql.Dump;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Portability;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Portability;

/// <summary>Files and folders that somebody hands over. FIFOs among them are a legitimate case; none is waited for, and no link leads out.</summary>
public sealed class HostileImportTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_folder_with_a_FIFO_a_device_and_links_in_it_is_imported()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "FIFOs are Linux's.");
        string folder = Directory.CreateDirectory(_bench["data"]).FullName;
        SampleDatabase.Create(Path.Join(folder, "app.db"));
        Assert.True(UnixFile.TryMakeFifo(Path.Join(folder, "fifo")));
        Assert.True(UnixFile.TryMakeFifo(Path.Join(folder, "other.db")));
        File.CreateSymbolicLink(Path.Join(folder, "endless"), "/dev/zero");
        File.CreateSymbolicLink(Path.Join(folder, "toc.dat"), "fifo");

        Backup backup = await ImportAsync(folder);

        Assert.Equal([PayloadKind.Database, PayloadKind.Files], backup.Manifest!.Payloads.Select(payload => payload.Kind).Order());
    }

    [Theory]
    [InlineData("a FIFO")]
    [InlineData("a link to a device")]
    [InlineData("endless")]
    public void Metadata_of_PATS_that_is_no_small_file_is_refused_at_once(string kind)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "FIFOs are Linux's.");
        string path = _bench[Engine.Engines.Sqlite.PatsMetadata.FileName];
        if (kind == "a FIFO")
            Assert.True(UnixFile.TryMakeFifo(path));
        else if (kind == "a link to a device")
            File.CreateSymbolicLink(path, "/dev/zero");
        else
            using (FileStream file = File.Create(path))
                file.SetLength(1L << 40);

        BackupException failure = Assert.ThrowsAny<BackupException>(() => Engine.Engines.Sqlite.PatsMetadata.Read(Path.GetDirectoryName(path)!));

        Assert.Equal(ErrorCodes.ImportNotRecognized, failure.Code);
        Assert.Contains(path, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a FIFO")]
    [InlineData("a link to a device")]
    [InlineData("a socket")]
    public async Task What_is_no_file_is_refused_at_once(string kind)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "FIFOs are Linux's.");
        string path = _bench["shop.dump"];
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        if (kind == "a FIFO")
            Assert.True(UnixFile.TryMakeFifo(path));
        else if (kind == "a socket")
            socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
        else
            File.CreateSymbolicLink(path, "/dev/zero");

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => ImportAsync(path));

        Assert.Equal(ErrorCodes.ImportNotRecognized, failure.Code);
        Assert.Contains("not a file", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a FIFO")]
    [InlineData("a device")]
    [InlineData("a root that is a link")]
    public async Task A_tar_leads_to_nothing_of_this_machine(string kind)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "FIFOs are Linux's.");
        string secret = Directory.CreateDirectory(_bench["secret"]).FullName;
        SampleDatabase.Create(Path.Join(secret, "secret.db"));
        string database = SampleDatabase.Create(_bench["app.db"]);
        string tar = _bench["data.tar"];
        using (var writer = new TarWriter(File.Create(tar), TarEntryFormat.Pax))
        {
            if (kind == "a root that is a link")
            {
                writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "data") { LinkName = secret });
            }
            else
            {
                writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "data/"));
                writer.WriteEntry(database, "data/app.db");
                writer.WriteEntry(kind == "a FIFO"
                    ? new PaxTarEntry(TarEntryType.Fifo, "data/fifo")
                    : new PaxTarEntry(TarEntryType.CharacterDevice, "data/zero") { DeviceMajor = 1, DeviceMinor = 5 });
            }
        }

        if (kind != "a root that is a link")
        {
            Assert.Equal(2, (await ImportAsync(tar)).Manifest!.Payloads.Count);
            return;
        }

        // The link is kept as the link that it is.
        Backup backup = await ImportAsync(tar);
        Payload files = Assert.Single(backup.Manifest!.Payloads);
        Assert.Equal(PayloadKind.Files, files.Kind);
        Assert.True(files.OriginalSize < new FileInfo(database).Length);
    }

    [Theory]
    [InlineData("a link")]
    [InlineData("a FIFO")]
    [InlineData("a folder's link")]
    public async Task A_dumps_folder_holds_files_alone(string kind)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "FIFOs are Linux's.");
        string folder = Directory.CreateDirectory(_bench["dump"]).FullName;
        File.WriteAllBytes(Path.Join(folder, "toc.dat"), [.. "PGDMP"u8, 1, 14, 0, 4, 8, 3, 0, 0, 0, 0]);
        File.WriteAllText(_bench["private"], "root's own");
        string data = Path.Join(folder, "3338.dat");
        if (kind == "a FIFO")
            Assert.True(UnixFile.TryMakeFifo(data));
        else
            File.CreateSymbolicLink(data, kind == "a link" ? _bench["private"] : _bench.Folder.Path);

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => ImportAsync(folder));
        Assert.Equal(ErrorCodes.UnsafeContent, failure.Code);
        Assert.Contains("3338.dat", failure.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.UnsafeContent, Assert.Throws<BackupFailure>(() => DumpFolder.RequireFiles(folder)).Code);
        File.Delete(data);
        DumpFolder.RequireFiles(folder);
    }

    private Task<Backup> ImportAsync(string path) => new BackupImporter(_bench.Repository)
        .ImportAsync(path, new BackupRequest { Sources = [], Created = DateTimeOffset.UtcNow }, _bench.Observer, CancellationToken.None)
        .WaitAsync(TimeSpan.FromSeconds(60));
}
