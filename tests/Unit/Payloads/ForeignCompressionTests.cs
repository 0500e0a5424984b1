using System.Text;
using DbBackup.Engine.Payloads;

namespace DbBackup.Tests.Unit.Payloads;

/// <summary>Files of xz and bzip2 are read whole, or are damaged.</summary>
public sealed class ForeignCompressionTests
{
    private const string Original = "CREATE TABLE notes (id integer);\nINSERT INTO notes VALUES (1);\n";

    // As `xz -c` and `bzip2 -c` of XZ Utils 5.4 and bzip2 1.0.8 wrote them.
    private static readonly Dictionary<string, byte[]> s_files = new()
    {
        [ForeignCompression.Xz] = Convert.FromBase64String("/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQA+Q1JFQVRFIFRBQkxFIG5vdGVzIChpZCBpbnRlZ2VyKTsKSU5TRVJUIElOVE8gbm90ZXMgVkFMVUVTICgxKTsKAADllQ9/JxE67wABVz+FUxpjH7bzfQEAAAAABFla"),
        [ForeignCompression.Bzip2] = Convert.FromBase64String("QlpoOTFBWSZTWSM7O44AAArfgAAQQGAgCDolnwAGoZwAIABIaoyaPSeUyZPImQRA0AAACAnmiOV1CB5NBFilLaqzaHVSURUwxlw9H+/Y1GLCQegghfB8XckU4UJAjOzuOA=="),
    };

    [Theory]
    [InlineData(ForeignCompression.Xz)]
    [InlineData(ForeignCompression.Bzip2)]
    public async Task Streams_one_after_the_other_are_read_to_the_end(string compression)
    {
        byte[] file = s_files[compression];
        Assert.Equal(Original, Read(file, compression));
        Assert.Equal(Original + Original, Read([.. file, .. file], compression));

        using Stream stream = DecompressionStreams.Open(new MemoryStream(file), compression);
        var copy = new MemoryStream();
        await stream.CopyToAsync(copy, TestContext.Current.CancellationToken);
        Assert.Equal(Original, Encoding.UTF8.GetString(copy.ToArray()));
    }

    [Theory]
    [InlineData(ForeignCompression.Xz)]
    [InlineData(ForeignCompression.Bzip2)]
    public void What_is_cut_off_changed_or_followed_by_something_else_is_damaged(string compression)
    {
        byte[] file = s_files[compression];
        for (int length = 0; length < file.Length; length++)
        {
            Assert.Throws<InvalidDataException>(() => Read(file[..length], compression));
            if (length > 0)
                Assert.Throws<InvalidDataException>(() => Read([.. file, .. file[..length]], compression));
        }

        Assert.Throws<InvalidDataException>(() => Read([.. file, .. "garbage, and more of it"u8], compression));
        for (int bit = 0; bit < 8 * file.Length; bit++)
        {
            byte[] changed = [.. file];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            // Some bits say nothing of the content: the index and its padding.
            Assert.True(ReadOrNull(changed, compression) is null or Original, $"bit {bit}");
        }
    }

    [Fact]
    public void Padding_behind_xz_comes_in_fours()
    {
        byte[] file = s_files[ForeignCompression.Xz];
        Assert.Equal(Original + Original, Read([.. file, 0, 0, 0, 0, .. file, 0, 0, 0, 0, 0, 0, 0, 0], ForeignCompression.Xz));
        Assert.Throws<InvalidDataException>(() => Read([.. file, 0, 0, 0], ForeignCompression.Xz));
    }

    [Fact]
    public void A_dictionary_that_takes_too_much_memory_is_refused()
    {
        // xz --lzma2=preset=0,dict=192MiB
        byte[] file = Convert.FromBase64String("/Td6WFoAAATm1rRGAgAhAR8AAAD+YO3e4AA+AD1dACGUhKxOyLQaXH2QajIpwqY6NgJmj/UIEMtvnTUCuCVqbsXyr3jn6tNQVp4URFbLioq3N2VVBp5yULLXdAAAAAAA5ZUPfycROu8AAVk/C36Z/R+2830BAAAAAARZWg==");

        Assert.Contains("192 MB", Assert.Throws<InvalidDataException>(() => Read(file, ForeignCompression.Xz)).Message, StringComparison.Ordinal);
    }

    private static string? ReadOrNull(byte[] file, string compression)
    {
        try
        {
            return Read(file, compression);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static string Read(byte[] file, string compression)
    {
        using Stream stream = DecompressionStreams.Open(new MemoryStream(file), compression);
        using var text = new StreamReader(stream, Encoding.UTF8);
        return text.ReadToEnd();
    }
}
