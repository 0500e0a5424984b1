using DbBackup.Upgrades.Deployments.ComposeFiles;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Upgrades.Deployments;

public sealed class ComposeFileRecordTests
{
    private const string Text = "image: postgres:15\n";
    private static readonly TextEdit[] s_edits = [new(16, "15", "18")];

    [Fact]
    public void File_is_changed_and_changed_back_once_with_its_mode_and_through_a_link()
    {
        using var folder = new TempFolder();
        (string path, string link) = (folder["compose.yaml"], folder["link.yaml"]);
        File.WriteAllText(path, Text);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        File.CreateSymbolicLink(link, path);
        ComposeFileRecord record = ComposeFileRecord.Of(link, Text, s_edits);
        for (int round = 0; round < 2; round++)
        {
            record.Make();
            Assert.Equal("image: postgres:18\n", File.ReadAllText(path));
        }

        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(path));
        Assert.NotNull(new FileInfo(link).LinkTarget);
        for (int round = 0; round < 2; round++)
        {
            record.Revert();
            Assert.Equal(Text, File.ReadAllText(path));
        }

        Assert.Equal(2, Directory.GetFileSystemEntries(folder.Path).Length);
    }

    [Fact]
    public void What_someone_else_has_changed_stays()
    {
        using var folder = new TempFolder();
        string path = folder["compose.yaml"];
        File.WriteAllText(path, Text);
        ComposeFileRecord record = ComposeFileRecord.Of(path, Text, s_edits);
        File.WriteAllText(path, Text + "# mine\n");
        Assert.Contains("changed since", Assert.Throws<FormatException>(record.Make).Message, StringComparison.Ordinal);
        Assert.Throws<FormatException>(record.Revert);
        Assert.Equal(Text + "# mine\n", File.ReadAllText(path));
        File.WriteAllBytes(path, [0xFF, 0xFE, 0x00]);
        Assert.Contains("UTF-8", Assert.Throws<FormatException>(record.Make).Message, StringComparison.Ordinal);
    }
}
