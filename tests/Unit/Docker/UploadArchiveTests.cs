using System.Formats.Tar;
using System.Security.Cryptography;
using DbBackup.Engine.Docker.Restore;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Docker;

/// <summary>What goes to a container's engine to be unpacked there is held to the same promise as what is unpacked here.</summary>
public sealed class UploadArchiveTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("data/../live.txt")]
    [InlineData("data/a/../../../live.txt")]
    [InlineData("/data/live.txt")]
    [InlineData("other/live.txt")]
    [InlineData("..")]
    public Task A_name_that_leads_out_of_the_folder_is_refused(string name) => RefusedAsync(writer => AddFile(writer, name));

    [Fact]
    public Task Writing_through_a_link_is_refused() => RefusedAsync(writer =>
    {
        AddLink(writer, "data/door", "..");
        AddFile(writer, "data/door/live.txt");
    });

    [Fact]
    public Task A_folder_in_the_place_of_a_link_is_refused() => RefusedAsync(writer =>
    {
        AddLink(writer, "data/door", "..");
        writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "data/door/"));
    });

    [Theory]
    [InlineData("data/../live.txt")]
    [InlineData("/etc/passwd")]
    [InlineData("data/door/live.txt")]
    public Task A_second_name_for_something_outside_is_refused(string target) => RefusedAsync(writer =>
    {
        AddLink(writer, "data/door", "..");
        writer.WriteEntry(new PaxTarEntry(TarEntryType.HardLink, "data/mine") { LinkName = target });
    });

    [Theory]
    [InlineData("door/app.db")]
    [InlineData("door")]
    public Task A_database_that_would_be_written_through_a_link_is_refused(string place) => RefusedAsync(writer => AddLink(writer, "data/door", ".."), place);

    [Fact]
    public async Task What_is_sound_goes_as_it_is_and_devices_stay_here()
    {
        List<string> sent = await SendAsync(writer =>
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "data/sub/"));
            AddFile(writer, "data/sub/..odd..name");
            AddLink(writer, "data/link", "../elsewhere");
            writer.WriteEntry(new PaxTarEntry(TarEntryType.HardLink, "data/second") { LinkName = "data/sub/..odd..name" });
            writer.WriteEntry(new PaxTarEntry(TarEntryType.CharacterDevice, "data/sda") { DeviceMajor = 8 });
            // As in every tar, the last entry of a name counts: here the link is gone before anything passes through it.
            AddFile(writer, "data/link");
        }, "sub/app.db");

        Assert.Equal(["new/", "new/sub/", "new/sub/..odd..name", "new/link", "new/second", "new/link", "new/sub/app.db"], sent);
    }

    [Fact]
    public async Task Names_and_attributes_go_with_all_their_bytes()
    {
        string name = RawName.Decode([(byte)'f', 0xe9]);
        Assert.True(PosixAcl.TryParse("user::rw-,user:1234:r--,group::---,mask::r--,other::---", out byte[]? acl));
        using var tar = new MemoryStream();
        var writer = new PaxWriter(tar);
        var file = new TarItem(TarEntryType.RegularFile, "data/" + name, string.Empty, 1, (UnixFileMode)0b110_100_100, 3_000_000_000, 1, DateTime.UnixEpoch)
        {
            Attributes = [new("user.x", [0, 255]), new(ExtendedAttributes.AccessAcl, acl)],
        };
        await writer.WriteAsync(file with { EntryType = TarEntryType.Directory, Name = "data/", Length = 0, Attributes = [] }, null, TestContext.Current.CancellationToken);
        await writer.WriteAsync(file, new MemoryStream("x"u8.ToArray()), TestContext.Current.CancellationToken);
        await writer.WriteAsync(file with { EntryType = TarEntryType.SymbolicLink, Name = "data/link", LinkName = name, Length = 0, Attributes = [] }, null, TestContext.Current.CancellationToken);
        await writer.CompleteAsync(TestContext.Current.CancellationToken);
        byte[] bytes = tar.ToArray();
        Payload files = PayloadOf("data.tar", PayloadKind.Files, PayloadFormat.Tar, bytes) with { RestoreName = "data" };
        using var sent = new MemoryStream();

        var upload = new UploadArchive("new", null);
        await upload.WriteAsync(sent, new BackupContent(null!, _ => new MemoryStream(bytes)), files, [], TestContext.Current.CancellationToken);

        // The engine reads the kernel's form of an ACL, and no text.
        Assert.True(sent.ToArray().AsSpan().IndexOf("SCHILY.xattr.system.posix_acl_access="u8) > 0);
        sent.Position = 0;
        Assert.Null(await upload.FindDifferenceAsync(sent, TestContext.Current.CancellationToken));
        sent.Position = 0;
        var reader = new TarScan(sent, requireEndMark: true);
        await reader.NextAsync(TestContext.Current.CancellationToken);
        TarItem arrived = (await reader.NextAsync(TestContext.Current.CancellationToken))!;
        Assert.Equal(("new/" + name, 3_000_000_000u), (arrived.Name, arrived.UserId));
        Assert.Equal(file.Attributes.Select(each => Convert.ToHexString(each.Value)), arrived.Attributes.Select(each => Convert.ToHexString(each.Value)));
        Assert.Equal(name, (await reader.NextAsync(TestContext.Current.CancellationToken))!.LinkName);
    }

    private async Task RefusedAsync(Action<TarWriter> write, string database = "app.db")
    {
        BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(() => SendAsync(write, database));
        Assert.Equal(ErrorCodes.UnsafeContent, failure.Code);
    }

    private async Task<List<string>> SendAsync(Action<TarWriter> write, string database)
    {
        var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true))
        {
            writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, "data/"));
            write(writer);
        }

        byte[] bytes = tar.ToArray();
        Payload files = PayloadOf("data.tar", PayloadKind.Files, PayloadFormat.Tar, bytes) with { RestoreName = "data" };
        File.WriteAllText(_folder["app.db"], "database");
        Payload inside = PayloadOf("app.db", PayloadKind.Database, PayloadFormat.SqliteFile, "database"u8.ToArray()) with { UnixMode = "104755", UnixOwner = "4294967294:0" };
        var content = new BackupContent(null!, _ => new MemoryStream(bytes));
        var sent = new MemoryStream();

        await new UploadArchive("new", null).WriteAsync(sent, content, files, [(inside, _folder["app.db"], database)], TestContext.Current.CancellationToken);

        sent.Position = 0;
        var names = new List<string>();
        var reader = new TarScan(sent, requireEndMark: true);
        while (await reader.NextAsync(TestContext.Current.CancellationToken) is { } entry)
        {
            names.Add(entry.Name);
            if (entry.Name.EndsWith(".db", StringComparison.Ordinal))
                Assert.Equal(((UnixFileMode)0b111_101_101, 4294967294u), (entry.Mode, entry.UserId));
        }

        return names;
    }

    private static Payload PayloadOf(string name, string kind, string format, byte[] bytes) => new()
    {
        FileName = name,
        Kind = kind,
        Format = format,
        Compression = PayloadCompression.None,
        OriginalSize = bytes.Length,
        StoredSize = bytes.Length,
        OriginalSha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)),
        StoredSha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)),
        RestoreName = name,
    };

    private static void AddFile(TarWriter writer, string name) =>
        writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream("x"u8.ToArray()) });

    private static void AddLink(TarWriter writer, string name, string target) =>
        writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, name) { LinkName = target });
}
