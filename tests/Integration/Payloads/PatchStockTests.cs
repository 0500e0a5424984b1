using System.Security.Cryptography;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Payloads.Patches;
using DbBackup.Testing;
using static DbBackup.Testing.PayloadSample;

namespace DbBackup.Tests.Integration.Payloads;

/// <summary>Payloads with an index and differences to them, read by the stock programs; and what those programs wrote.</summary>
[Trait("Category", "Tool")]
public sealed class PatchStockTests
{
    [Theory]
    [MemberData(nameof(ZstdPaths), MemberType = typeof(PayloadSample))]
    public async Task Stock_tools_put_a_difference_together(string path)
    {
        foreach (string tool in (string[])["zstd", "tar", "sh"])
            Require.Tool(tool);
        using var folder = new TempFolder();
        byte[] before = [.. Text(40 * Block), .. Noise(20 * Block)];
        byte[] after = [.. before[..(3 * Block)], .. "inserted"u8, .. before[(3 * Block)..(30 * Block)], .. before[(33 * Block)..], .. RandomNumberGenerator.GetBytes(12 * Block)];
        (byte[] full, Payload parent) = await PackAsync(before, Zstd(Zstd(path)));
        using var patch = new MemoryStream();
        using (ParentPayload opened = (await OpenAsync(full, parent))!)
        {
            await using var writer = new PayloadWriter(patch, Zstd(Zstd(path)), null, CancellationToken.None, opened);
            await writer.CopyFromAsync(new MemoryStream(after), null, CancellationToken.None);
            await writer.CompleteAsync();
        }

        await File.WriteAllBytesAsync(folder["full.zst"], full);
        await File.WriteAllBytesAsync(folder["x.patch.tar"], patch.ToArray());

        Shell.Run("sh", "-ec", $"""
            cd '{folder.Path}'
            zstd -q -t full.zst
            zstd -q -dc full.zst > full.content
            mkdir parts && tar -xf x.patch.tar -C parts
            for f in parts/*; do set -- $(basename "$f" .zst | tr - ' '); case $2 in copy) tail -c +$(($3 + 1)) full.content | head -c $4;; patch) tail -c +$(($3 + 1)) full.content | head -c $4 > prefix; zstd -q -dc --patch-from=prefix "$f";; new) zstd -q -dc "$f";; esac; done > joined
            """);

        Assert.Equal(before, await File.ReadAllBytesAsync(folder["full.content"]));
        Assert.Equal(after, await File.ReadAllBytesAsync(folder["joined"]));
        string[] kinds = [.. Directory.GetFiles(folder["parts"]).Select(file => Path.GetFileName(file).Split('-')[1]).Distinct().Order()];
        Assert.Equal(["copy", "new", "patch"], kinds);
    }

    [Fact]
    public async Task What_the_stock_program_compressed_has_no_index_and_is_no_parent()
    {
        Require.Tool("zstd");
        byte[] content = Noise(80 * Block);
        byte[] stored = await FilterAsync(content, "zstd", "-q", "-c");
        Assert.Null(await OpenAsync(stored, Describe(PayloadCompression.Zstd, stored, content)));
    }

    private static Task<ParentPayload?> OpenAsync(byte[] full, Payload parent) => ParentPayload.OpenAsync(
        parent, (offset, length, _) => Task.FromResult<Stream>(new MemoryStream(full, (int)offset, (int)Math.Min(length, full.Length - offset))), null, 2, ZstdLibrary.Best, CancellationToken.None);
}
