using HelpBuilder;

namespace DbBackup.Tests.Unit.Help;

public sealed class HelpFilesTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("help");
    private readonly string _source;
    private readonly string _target;

    public HelpFilesTests()
    {
        _source = _folder.CreateSubdirectory("docs/en-US").FullName;
        _target = Path.Combine(_folder.FullName, "out");
    }

    private string Maml => Path.Combine(_target, "en-US", "DbBackup.PowerShell.dll-Help.xml");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Unchanged_help_is_not_written_again()
    {
        Put("Get-Thing.md", HelpText.Command);
        Put("about_Thing.md", HelpText.About);
        Assert.Empty(HelpFiles.Build(_source, _target));
        DateTime longAgo = new(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(Maml, longAgo);

        Assert.Empty(HelpFiles.Build(_source, _target));

        Assert.Equal(longAgo, File.GetLastWriteTimeUtc(Maml));
        Assert.True(File.Exists(Path.Combine(_target, "en-US", "about_Thing.help.txt")));
    }

    [Fact]
    public void Changed_help_is_written()
    {
        Put("Get-Thing.md", HelpText.Command);
        Assert.Empty(HelpFiles.Build(_source, _target));
        Put("Get-Thing.md", HelpText.Command.Replace("Insists.", "Insists firmly.", StringComparison.Ordinal));

        Assert.Empty(HelpFiles.Build(_source, _target));

        Assert.Contains("Insists firmly.", File.ReadAllText(Maml), StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_written_when_one_file_has_a_fault()
    {
        Put("Get-Thing.md", HelpText.Command);
        Put("Get-Other.md", HelpText.Command);

        string fault = Assert.Single(HelpFiles.Build(_source, _target));

        Assert.StartsWith(Path.Combine(_source, "Get-Other.md") + "(1): error", fault, StringComparison.Ordinal);
        Assert.False(File.Exists(Maml));
    }

    [Fact]
    public void A_folder_without_help_is_a_fault() => Assert.Single(HelpFiles.Build(_source, _target));

    private void Put(string name, string text) => File.WriteAllText(Path.Combine(_source, name), text);
}
