using System.Formats.Tar;
using System.Text;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Engines.Files;

/// <summary>Names of any bytes, and what an archive keeps beside content.</summary>
public sealed class RawNameTests
{
    [Fact]
    public void Any_bytes_are_a_text_that_gives_them_back()
    {
        var random = new Random(7);
        for (int round = 0; round < 2000; round++)
        {
            byte[] name = new byte[random.Next(1, 12)];
            random.NextBytes(name);
            string text = RawName.Decode(name);
            Assert.Equal(name, RawName.Encode(text));
            Assert.Equal(name.Length, RawName.ByteCount(text));
            Assert.Equal(!System.Text.Unicode.Utf8.IsValid(name), RawName.IsRaw(text));
        }

        foreach (string text in (string[])["", "café", "日本🎉", "\uFFFD"])
            Assert.Equal((text, false), (RawName.Decode(Encoding.UTF8.GetBytes(text)), RawName.IsRaw(text)));
        // Surrogates in UTF-8 are not valid, and no other bytes lead to them.
        Assert.Equal([0xed, 0xb2, 0x80], RawName.Encode(RawName.Decode([0xed, 0xb2, 0x80])));
        Assert.Equal([0xf0, 0x9f, 0x8e, 0x89, 0xe9], RawName.Encode(RawName.Decode([0xf0, 0x9f, 0x8e, 0x89, 0xe9])));
    }

    [Fact]
    public void A_name_is_shown_in_bytes()
    {
        string name = RawName.Decode([.. "caf"u8, 0xe9, .. " 🎉\n"u8]);
        Assert.Equal(@"caf\xe9 🎉\x0a", ForeignText.ShownLine(name));
        Assert.Equal("🎉 é", ForeignText.ShownLine("🎉 é"));
        Assert.Equal(@"\ud83c", ForeignText.ShownLine("\ud83c"));
    }

    [Theory]
    [InlineData(@"caf\xe9.txt", true)]
    [InlineData("caf?.txt", true)]
    [InlineData(@"/sub/caf\xe9*", true)]
    [InlineData(@"caf\xe8.txt", false)]
    [InlineData("café.txt", false)]
    public void A_pattern_names_bytes(string pattern, bool matches)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "A backslash parts a path there.");
        Assert.Equal(matches, new FolderPatterns([pattern]).Exclude("sub/" + RawName.Decode([.. "caf"u8, 0xe9, .. ".txt"u8])));
    }

    [Fact]
    public void A_pattern_that_a_name_has_literally_still_matches()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "A backslash parts a path there.");
        Assert.True(new FolderPatterns([@"caf\xe9.txt"]).Exclude(@"caf\xe9.txt"));
        Assert.True(new FolderPatterns([@"caf\xc3\xa9.txt"]).Exclude("café.txt"));
    }

    [Fact]
    public async Task An_entry_comes_back_with_its_bytes_numbers_and_attributes()
    {
        string name = "data/" + RawName.Decode([0xe9, (byte)'\n', (byte)'=', 0xff]) + new string('n', 120);
        var entry = new TarItem(TarEntryType.RegularFile, name, string.Empty, 3, (UnixFileMode)0b110_100_000, uint.MaxValue - 1, 3_000_000_000, new DateTime(1965, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddTicks(7))
        {
            Attributes = [new("user.a=b%3Dc", [0, 10, 255, 61]), new("user.empty", []), new(ExtendedAttributes.AccessAcl, Acl("user::rw-,user:1234:r--,group::---,mask::r--,other::---"))],
        };
        TarItem link = entry with { EntryType = TarEntryType.SymbolicLink, Name = "data/link", LinkName = RawName.Decode([0xe9, (byte)'/', 0x80]), Length = 0, Attributes = [] };
        using var tar = new MemoryStream();
        var writer = new PaxWriter(tar);
        await writer.WriteAsync(entry, new MemoryStream("abc"u8.ToArray()), CancellationToken.None);
        await writer.WriteAsync(link, null, CancellationToken.None);
        await writer.CompleteAsync(CancellationToken.None);
        tar.Position = 0;
        var scan = new TarScan(tar, requireEndMark: true);

        TarItem first = (await scan.NextAsync(CancellationToken.None))!;
        TarItem second = (await scan.NextAsync(CancellationToken.None))!;

        Assert.Null(await scan.NextAsync(CancellationToken.None));
        Assert.Equal(entry, first with { Attributes = entry.Attributes });
        Assert.Equal(entry.Attributes.Select(Text).Order(StringComparer.Ordinal), first.Attributes.Select(Text).Order(StringComparer.Ordinal));
        Assert.Equal(link.LinkName, second.LinkName);
        Assert.Empty(second.Attributes);
    }

    [Fact]
    public async Task Two_archives_of_the_same_content_are_equal()
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["data/sub"]);
        File.WriteAllText(folder["data/sub/a.txt"], "a");
        using var first = new MemoryStream();
        using var second = new MemoryStream();
        await new FolderArchiver().WriteAsync(folder["data"], first);
        await Task.Delay(20, TestContext.Current.CancellationToken);
        await new FolderArchiver().WriteAsync(folder["data"], second);
        Assert.Equal(first.ToArray(), second.ToArray());
    }

    [Theory]
    [InlineData("user::rw-\nuser:1000:rw-\ngroup::r--\nmask::rw-\nother::r--\n")]
    [InlineData("other::r--,mask::rw-,user:root:rw-:1000,user::rw-,group::r--")]
    [InlineData("u::rw-, u:1000:rw- #effective:rw-, g::r--, m:rw-, o:r--")]
    public void Acls_of_all_makes_are_read(string text)
    {
        Assert.True(PosixAcl.TryParse(text, out byte[]? acl));
        Assert.Equal("user::rw-\nuser:1000:rw-\ngroup::r--\nmask::rw-\nother::r--\n", PosixAcl.ToText(acl));
    }

    [Theory]
    [InlineData("")]
    [InlineData("user::rw-,nonsense")]
    [InlineData("user::rwz")]
    [InlineData("user:no such account at all:rw-")]
    public void What_is_no_acl_is_refused(string text) => Assert.False(PosixAcl.TryParse(text, out _));

    [Fact]
    public void Without_its_acl_a_file_gives_its_group_no_more_than_the_acl_did() => Assert.Equal(
        (UnixFileMode)0b110_100_100, PosixAcl.ModeWithout(Acl("user::rw-,user:1234:rwx,group::r-x,mask::rw-,other::r--"), (UnixFileMode)0b110_110_100));

    [Theory]
    [InlineData("../")]
    [InlineData("/")]
    public async Task A_name_of_such_bytes_leads_nowhere_outside(string start)
    {
        using var folder = new TempFolder();
        using var tar = new MemoryStream();
        var writer = new PaxWriter(tar);
        await writer.WriteAsync(new TarItem(TarEntryType.RegularFile, start + RawName.Decode([0xe9]), string.Empty, 0, 0, 0, 0, DateTime.UnixEpoch), null, CancellationToken.None);
        await writer.CompleteAsync(CancellationToken.None);
        tar.Position = 0;

        BackupFailure failure = await Assert.ThrowsAsync<BackupFailure>(() => FolderExtractor.ExtractAsync(tar, folder["out"]));

        Assert.Equal(ErrorCodes.UnsafeContent, failure.Code);
        Assert.Contains(@"\xe9", failure.Message, StringComparison.Ordinal);
        Assert.False(RawName.IsRaw(failure.Target?.ToString()));
    }

    [Fact]
    public async Task Nothing_is_written_through_a_link_of_such_a_name()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems have no such names.");
        using var folder = new TempFolder();
        string link = "data/" + RawName.Decode([0xe9]);
        using var tar = new MemoryStream();
        var writer = new PaxWriter(tar);
        await writer.WriteAsync(new TarItem(TarEntryType.SymbolicLink, link, folder.Path, 0, 0, 0, 0, DateTime.UnixEpoch), null, CancellationToken.None);
        await writer.WriteAsync(new TarItem(TarEntryType.RegularFile, link + "/victim", string.Empty, 0, 0, 0, 0, DateTime.UnixEpoch), null, CancellationToken.None);
        await writer.CompleteAsync(CancellationToken.None);
        tar.Position = 0;

        Assert.Equal(ErrorCodes.UnsafeContent, (await Assert.ThrowsAsync<BackupFailure>(() => FolderExtractor.ExtractAsync(tar, folder["out"]))).Code);
        Assert.False(File.Exists(folder["victim"]));
        FolderRemoval.Delete(folder["out"]);
    }

    private static byte[] Acl(string text) => PosixAcl.TryParse(text, out byte[]? acl) ? acl : throw new InvalidOperationException(text);

    private static string Text(ExtendedAttribute attribute) => $"{attribute.Name} {Convert.ToHexString(attribute.Value)}";
}
