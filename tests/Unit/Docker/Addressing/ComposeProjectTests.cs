using DbBackup.Engine.Docker.Addressing;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Docker.Addressing;

/// <summary>What names a compose project: a name, or a path.</summary>
public sealed class ComposeProjectTests
{
    [Theory]
    [InlineData("shop", false)]
    [InlineData("my_shop-2", false)]
    [InlineData(".", true)]
    [InlineData("..", true)]
    [InlineData("./shop", true)]
    [InlineData("shop/", true)]
    [InlineData("a/b", true)]
    [InlineData("/srv/shop", true)]
    [InlineData("C:\\shop", true)]
    [InlineData("~", true)]
    [InlineData("compose.prod.yml", true)]
    public void Name_is_told_from_a_path_by_its_form(string text, bool isPath) => Assert.Equal(isPath, ComposeProject.IsPath(text));

    // The folder of a project may hold one of the same name.
    [Fact]
    public void Name_is_no_folder_where_there_is_one_of_that_name()
    {
        using var folder = new TempFolder();
        string name = Path.GetFileName(Directory.CreateDirectory(Path.Join(Environment.CurrentDirectory, "project" + Guid.NewGuid().ToString("N"))).FullName);
        try
        {
            Assert.Null(ComposeProject.FolderOf(name));
            Assert.Equal(Path.GetFullPath(name), ComposeProject.FolderOf("./" + name));
        }
        finally
        {
            Directory.Delete(name);
        }
    }

    [Fact]
    public void File_names_its_folder()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["compose.prod.yml"], "services: {}");
        Assert.Equal(Path.GetDirectoryName(folder["compose.prod.yml"]), ComposeProject.FolderOf(folder["compose.prod.yml"]));
        Assert.Equal(folder["compose.prod.yml"], ComposeProject.FileOf(folder["compose.prod.yml"]));
        Assert.Null(ComposeProject.FileOf(Path.GetDirectoryName(folder["compose.prod.yml"])!));
        Assert.Null(ComposeProject.FolderOf(folder["none"]));
    }
}
