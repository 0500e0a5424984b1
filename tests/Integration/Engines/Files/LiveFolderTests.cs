using System.Net.Sockets;
using System.Runtime.InteropServices;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Engines.Files;

[Trait("Category", "Tool")]
public sealed partial class LiveFolderTests : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task A_folder_that_changes_all_the_time_gives_an_archive_that_tar_reads()
    {
        Require.Tool("tar");
        Directory.CreateDirectory(_temp["live"]);
        using var stop = new CancellationTokenSource();
        var writer = Task.Factory.StartNew(() => Change(stop.Token), TaskCreationOptions.LongRunning);
        try
        {
            for (var run = 0; run < 20; run++)
            {
                using (var file = File.Create(_temp["live.tar"]))
                    await new FolderArchiver().WriteAsync(_temp["live"], file);
                Shell.Run("tar", "-tf", _temp["live.tar"]);
                using var tar = File.OpenRead(_temp["live.tar"]);
                await TarInspector.ReadToEndAsync(tar);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await writer;
        }
    }

    [Fact]
    public async Task A_file_that_shrinks_while_it_is_read_is_filled_with_zeros_and_reported()
    {
        Directory.CreateDirectory(_temp["live"]);
        var path = _temp["live/a"];
        File.WriteAllBytes(path, Enumerable.Repeat((byte)1, 4_000_000).ToArray());
        using var target = new MemoryStream();
        var shrink = new Heard(() =>
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            file.SetLength(1_500_000);
        });

        var summary = await new FolderArchiver().WriteAsync(_temp["live"], target, shrink);

        Assert.Contains("shrank", Assert.Single(summary.Warnings), StringComparison.Ordinal);
        target.Position = 0;
        Assert.Equal(4_000_000, (await TarInspector.ReadToEndAsync(target)).ContentBytes);
    }

    [Fact]
    public async Task A_socket_is_left_out_and_reported()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs files that only Linux makes.");
        Directory.CreateDirectory(_temp["live"]);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(_temp["live/sock"]));
        var summary = await new FolderArchiver().WriteAsync(_temp["live"], Stream.Null);
        Assert.Contains("socket", Assert.Single(summary.Warnings), StringComparison.Ordinal);
        Assert.Equal((1, 0), (summary.Entries, summary.UnreadableCount));
    }

    [Fact]
    public void A_file_that_may_not_be_read_is_counted_as_missing()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs files that only Linux makes.");
        Directory.CreateDirectory(_temp["live"]);
        File.WriteAllText(_temp["live/secret"], "secret");
        if (OperatingSystem.IsLinux())
        {
            File.SetUnixFileMode(_temp["live/secret"], UnixFileMode.None);
            File.SetUnixFileMode(_temp.Path, (UnixFileMode)0b111_101_101);
        }

        ArchiveSummary? summary = null;

        // Root reads everything; on Linux the user that files are checked for can be changed for one thread.
        var thread = new Thread(() =>
        {
            if (UnixFile.EffectiveUserId == 0)
                _ = SetFileUser(65534);
            using var target = new MemoryStream();
            summary = new FolderArchiver().WriteAsync(_temp["live"], target).GetAwaiter().GetResult();
        });
        thread.Start();
        thread.Join();
        Assert.NotNull(summary);
        Assert.Equal((1, 1), (summary.Entries, summary.UnreadableCount));
        Assert.Contains("live/secret", Assert.Single(summary.Warnings), StringComparison.Ordinal);
    }

    private void Change(CancellationToken stop)
    {
        var random = new Random(7);
        while (!stop.IsCancellationRequested)
        {
            var folder = _temp[$"live/{random.Next(5)}"];
            var path = Path.Join(folder, $"{random.Next(20)}");
            Directory.CreateDirectory(folder);
            switch (random.Next(10))
            {
                case 0:
                    Directory.Delete(folder, recursive: true);
                    break;
                case 1:
                    File.Delete(path);
                    break;
                default:
                    using (var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
                        file.SetLength(random.Next(3_000_000));
                    break;
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "setfsuid")]
    private static partial int SetFileUser(uint userId);

    private sealed class Heard(Action first) : IProgress<long>
    {
        private bool _done;

        public void Report(long value)
        {
            if (_done)
                return;
            _done = true;
            first();
        }
    }
}
