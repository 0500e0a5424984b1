using DbBackup.Engine.Engines.Files;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Engines.Files;

/// <summary>Our archives and those of GNU tar, both ways.</summary>
[Trait("Category", "Tool")]
public sealed class GnuTarTests : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    private async Task<string> ArchiveAsync(string source, string name = "our.tar")
    {
        using var file = File.Create(_temp[name]);
        var summary = await new FolderArchiver().WriteAsync(source, file);
        Assert.Empty(summary.Warnings);
        return _temp[name];
    }

    [Fact]
    public async Task Gnu_tar_extracts_our_archive_to_an_equal_folder()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The sample has owners, modes and links that only Linux keeps.");
        var source = SampleTree.Create(_temp);
        var tar = await ArchiveAsync(source);
        Directory.CreateDirectory(_temp["gnu"]);

        Shell.Run("tar", "-xpf", tar, "-C", _temp["gnu"]);

        Assert.Equal(TreeSnapshot.Of(source), TreeSnapshot.Of(_temp["gnu/uploads"]));
    }

    [Theory]
    [InlineData("posix", false)]
    [InlineData("gnu", true)]
    public async Task An_archive_of_gnu_tar_is_extracted_to_an_equal_folder(string format, bool wholeSeconds)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The sample has owners, modes and links that only Linux keeps.");
        var source = SampleTree.Create(_temp);
        Shell.Run("tar", "--format=" + format, "-cf", _temp["gnu.tar"], "-C", _temp.Path, "uploads");

        using var stream = File.OpenRead(_temp["gnu.tar"]);
        var summary = await FolderExtractor.ExtractAsync(stream, _temp["back"], new ExtractOptions { StripFirstFolder = true });

        Assert.Empty(summary.Warnings);
        Assert.Equal(TreeSnapshot.Of(source, wholeSeconds), TreeSnapshot.Of(_temp["back"], wholeSeconds));
    }

    [Theory]
    [InlineData("ustar")]
    [InlineData("v7")]
    [InlineData("oldgnu")]
    public async Task Older_formats_and_an_archive_of_dot_are_extracted(string format)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The sample has owners, modes and links that only Linux keeps.");
        Directory.CreateDirectory(_temp["uploads/sub/empty"]);
        File.WriteAllText(_temp["uploads/sub/a.txt"], "a");
        File.CreateSymbolicLink(_temp["uploads/link"], "sub/a.txt");
        Shell.Run("tar", "--format=" + format, "-cf", _temp["old.tar"], "-C", _temp["uploads"], ".");

        using var stream = File.OpenRead(_temp["old.tar"]);
        await FolderExtractor.ExtractAsync(stream, _temp["back"], new ExtractOptions { StripFirstFolder = true });

        Assert.Equal(TreeSnapshot.Of(_temp["uploads"], wholeSeconds: true), TreeSnapshot.Of(_temp["back"], wholeSeconds: true));
    }
}
