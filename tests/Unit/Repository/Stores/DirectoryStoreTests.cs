using DbBackup.Engine.Repository.Stores;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Repository.Stores;

public sealed class DirectoryStoreTests : ObjectStoreContract, IDisposable
{
    private readonly TempFolder _folder = new();

    public DirectoryStoreTests()
    {
        Store = new DirectoryStore(_folder["repository"]);
        Directory.CreateDirectory(Store.Location);
    }

    internal override IObjectStore Store { get; }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_it_writes_is_private_whatever_the_folder_above_allows()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("There are no modes.");
            return;
        }

        File.SetUnixFileMode(_folder.Path, (UnixFileMode)0x1FF);
        Directory.Delete(Store.Location);
        await Store.PutAsync("app/one/backup.json", "x"u8.ToArray(), CancellationToken.None);
        await Store.WriteAsync("app/one/app.db", stream => stream.WriteAsync(new byte[1]).AsTask(), CancellationToken.None);

        foreach (string file in Directory.EnumerateFiles(Store.Location, "*", SearchOption.AllDirectories))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        foreach (string folder in Directory.EnumerateDirectories(Store.Location, "*", SearchOption.AllDirectories).Append(Store.Location))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
    }

    [Fact]
    public async Task A_listing_reads_no_folder_whose_files_are_named()
    {
        await Store.PutAsync("app/one/app.db", "x"u8.ToArray(), CancellationToken.None);

        Assert.Equal(["app/one/backup.json"], (await Store.FindAsync([new("*", "*", "backup.json"), new("*", "*", "tests", "*")], CancellationToken.None)).Select(each => each.Key));
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("app/../../outside")]
    [InlineData("app\\..\\outside")]
    public void A_key_does_not_lead_out_of_the_folder(string key) => Assert.Throws<ArgumentException>(() => Store.Locate(key));
}
