using System.Formats.Tar;
using DbBackup.Engine.Engines.Files;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Engines.Files;

public sealed class HostileArchiveTests : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData("../evil")]
    [InlineData("a/../../evil")]
    [InlineData("/tmp/dbbackup-evil")]
    [InlineData("..")]
    public Task A_name_that_leads_outside_is_refused(string name) => RefusedAsync(writer => AddFile(writer, name));

    [Fact]
    public Task Writing_through_a_link_is_refused() => RefusedAsync(writer =>
    {
        writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "door") { LinkName = ".." });
        AddFile(writer, "door/evil");
    });

    [Fact]
    public Task A_folder_in_the_place_of_a_link_is_refused() => RefusedAsync(writer =>
    {
        writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "door") { LinkName = ".." });
        writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "door/"));
    });

    [Theory]
    [InlineData("../victim")]
    [InlineData("/etc/passwd")]
    public Task A_second_name_for_something_outside_is_refused(string target) => RefusedAsync(
        writer => writer.WriteEntry(new PaxTarEntry(TarEntryType.HardLink, "mine") { LinkName = target }));

    [Fact]
    public Task A_second_name_through_a_link_is_refused() => RefusedAsync(writer =>
    {
        writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "door") { LinkName = ".." });
        writer.WriteEntry(new PaxTarEntry(TarEntryType.HardLink, "mine") { LinkName = "door/victim" });
    });

    [Fact]
    public async Task A_file_after_a_link_of_the_same_name_replaces_the_link_and_not_what_it_leads_to()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such names.");
        File.WriteAllText(_temp["victim"], "untouched");
        using var tar = Tar(writer =>
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "x") { LinkName = "../victim" });
            AddFile(writer, "x");
        });
        await FolderExtractor.ExtractAsync(tar, _temp["out"]);
        Assert.Equal("untouched", await File.ReadAllTextAsync(_temp["victim"]));
        Assert.Null(new FileInfo(_temp["out/x"]).LinkTarget);
    }

    [Fact]
    public async Task An_archive_cut_anywhere_is_damaged()
    {
        using var tar = Tar(writer =>
        {
            AddFile(writer, "a");
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "zeros") { DataStream = new MemoryStream(new byte[4096]) });
        });
        var whole = tar.ToArray();
        for (var length = 0; length < whole.Length; length += 256)
        {
            var failure = await Assert.ThrowsAsync<BackupFailure>(() => TarInspector.ReadToEndAsync(new MemoryStream(whole, 0, length)));
            Assert.Equal(ErrorCodes.BackupDamaged, failure.Code);
        }

        Assert.Equal(2, (await TarInspector.ReadToEndAsync(new MemoryStream(whole))).Entries);
    }

    [Fact]
    public async Task Garbage_is_damaged()
    {
        var bytes = new byte[10_240];
        new Random(1).NextBytes(bytes);
        var failure = await Assert.ThrowsAsync<BackupFailure>(() => TarInspector.ReadToEndAsync(new MemoryStream(bytes), requireEndMark: false));
        Assert.Equal(ErrorCodes.BackupDamaged, failure.Code);
    }

    private async Task RefusedAsync(Action<TarWriter> write)
    {
        File.WriteAllText(_temp["victim"], "untouched");
        using var tar = Tar(write);
        var failure = await Assert.ThrowsAsync<BackupFailure>(() => FolderExtractor.ExtractAsync(tar, _temp["out"]));
        Assert.Equal(ErrorCodes.UnsafeContent, failure.Code);
        Assert.Equal(["out", "victim"], Directory.GetFileSystemEntries(_temp.Path).Select(Path.GetFileName).Order());
        Assert.False(File.Exists("/tmp/dbbackup-evil"));
        Assert.Equal("untouched", await File.ReadAllTextAsync(_temp["victim"]));
    }

    private static void AddFile(TarWriter writer, string name) =>
        writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream("evil"u8.ToArray()) });

    private static MemoryStream Tar(Action<TarWriter> write)
    {
        var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true))
            write(writer);
        tar.Position = 0;
        return tar;
    }
}
