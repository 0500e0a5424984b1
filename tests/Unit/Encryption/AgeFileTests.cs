using System.Security.Cryptography;
using DbBackup.Engine.Encryption;

namespace DbBackup.Tests.Unit.Encryption;

/// <summary>Sealing and opening: every length, every bit, every order of chunks.</summary>
public sealed class AgeFileTests
{
    private const int QuickWork = 10;
    private static readonly X25519Identity s_identity = X25519Identity.Create();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(AgeChunks.PlainSize - 1)]
    [InlineData(AgeChunks.PlainSize)]
    [InlineData(AgeChunks.PlainSize + 1)]
    [InlineData(3 * AgeChunks.PlainSize)]
    [InlineData((17 * AgeChunks.PlainSize) + 5)]
    public void WhatIsSealedIsOpened(int length)
    {
        byte[] content = RandomNumberGenerator.GetBytes(length);
        Assert.Equal(content, AgeFile.Open(AgeFile.Seal(content, [s_identity.Recipient]), [s_identity]));
    }

    [Fact]
    public async Task WritesAndReadsOfAnySizeGiveTheSame()
    {
        byte[] content = RandomNumberGenerator.GetBytes((3 * AgeChunks.PlainSize) + 1234);
        using var file = new MemoryStream();
        using (var sealing = new AgeEncryptionStream(file, [s_identity.Recipient]))
        {
            for (int at = 0, size = 1; at < content.Length; at += size, size = Math.Min((size * 7) + 1, content.Length - at))
                await sealing.WriteAsync(content.AsMemory(at, Math.Min(size, content.Length - at)), TestContext.Current.CancellationToken);
            await sealing.CompleteAsync(TestContext.Current.CancellationToken);
        }

        using var opening = new AgeDecryptionStream(new Dribble(file.ToArray()), [s_identity]);
        using var read = new MemoryStream();
        byte[] piece = new byte[1777];
        while (await opening.ReadAsync(piece, TestContext.Current.CancellationToken) is > 0 and var count)
            read.Write(piece, 0, count);
        Assert.Equal(content, read.ToArray());
    }

    [Fact]
    public void EachRecipientOpensIt()
    {
        var other = X25519Identity.Create();
        byte[] file = AgeFile.Seal("two"u8.ToArray(), [s_identity.Recipient, other.Recipient]);
        Assert.Equal("two"u8.ToArray(), AgeFile.Open(file, [s_identity]));
        Assert.Equal("two"u8.ToArray(), AgeFile.Open(file, [other]));
        Assert.Throws<NoMatchingIdentityException>(() => AgeFile.Open(file, [X25519Identity.Create()]));
    }

    [Fact]
    public void OnlyItsPassphraseOpensIt()
    {
        byte[] file = AgeFile.Seal("secret"u8.ToArray(), [new Passphrase("correct horse", QuickWork)]);
        Assert.True(AgeFile.NeedsPassphrase(file));
        Assert.Equal("secret"u8.ToArray(), AgeFile.Open(file, [new Passphrase("correct horse")]));
        Assert.Throws<NoMatchingIdentityException>(() => AgeFile.Open(file, [new Passphrase("correct hors")]));
    }

    [Fact]
    public void EveryBitFlipIsFound()
    {
        byte[] file = AgeFile.Seal("a short secret"u8.ToArray(), [s_identity.Recipient]);
        int found = 0;
        for (int bit = 0; bit < file.Length * 8; bit++)
        {
            byte[] changed = [.. file];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.ThrowsAny<AgeException>(() => AgeFile.Open(changed, [s_identity]));
            found++;
        }

        Assert.Equal(file.Length * 8, found);
    }

    [Fact]
    public void EveryTruncationIsFound()
    {
        byte[] file = AgeFile.Seal("a short secret"u8.ToArray(), [s_identity.Recipient]);
        for (int length = 0; length < file.Length; length++)
            Assert.ThrowsAny<AgeException>(() => AgeFile.Open(file.AsMemory(0, length), [s_identity]));
        Assert.ThrowsAny<AgeException>(() => AgeFile.Open((byte[])[.. file, 0], [s_identity]));
    }

    [Fact]
    public void ChunksThatAreSwappedRemovedOrDoubledAreFound()
    {
        byte[] file = AgeFile.Seal(new byte[4 * AgeChunks.PlainSize], [s_identity.Recipient]);
        int start = file.Length - (4 * AgeChunks.StoredSize);
        byte[] Chunk(int number) => file.AsSpan(start + (number * AgeChunks.StoredSize), AgeChunks.StoredSize).ToArray();
        int[][] orders = [[1, 0, 2, 3], [0, 2, 1, 3], [0, 1, 2], [0, 1, 3], [0, 3], [3], [0, 1, 2, 3, 3], [0, 0, 1, 2, 3], [0, 1, 2, 2]];
        foreach (int[] order in orders)
            Assert.Throws<AgeFormatException>(() => AgeFile.Open((byte[])[.. file.AsSpan(0, start), .. order.SelectMany(Chunk)], [s_identity]));
        Assert.Equal(4 * AgeChunks.PlainSize, AgeFile.Open((byte[])[.. file.AsSpan(0, start), .. new[] { 0, 1, 2, 3 }.SelectMany(Chunk)], [s_identity]).Length);
    }

    [Fact]
    public void BothCiphersGiveTheSame()
    {
        byte[] key = RandomNumberGenerator.GetBytes(ChaChaCipher.KeySize);
        byte[] nonce = RandomNumberGenerator.GetBytes(ChaChaCipher.NonceSize);
        byte[] plain = RandomNumberGenerator.GetBytes(100_000);
        byte[] one = new byte[plain.Length + ChaChaCipher.TagSize], other = new byte[one.Length], opened = new byte[plain.Length];
        using ChaChaCipher best = ChaChaCipher.Create(key), managed = ChaChaCipher.CreateManaged(key);
        best.Seal(nonce, plain, one);
        managed.Seal(nonce, plain, other);
        Assert.Equal(one, other);
        Assert.True(managed.TryOpen(nonce, one, opened));
        Assert.Equal(plain, opened);
        one[5] ^= 1;
        Assert.False(managed.TryOpen(nonce, one, opened));
        Assert.False(best.TryOpen(nonce, one, opened));
    }

    [Fact]
    public void KeysAreReadAsTheyAreWritten()
    {
        Assert.Equal(s_identity.Recipient, X25519Identity.TryParse(s_identity.ToSecretText())!.Recipient);
        Assert.Equal(s_identity.Recipient, X25519Recipient.TryParse(s_identity.Recipient.ToString()));
        // Of the specification.
        Assert.Equal(
            "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
            X25519Identity.TryParse("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX")!.Recipient.ToString());
        Assert.Null(X25519Recipient.TryParse("age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwx"));
        Assert.Null(X25519Recipient.TryParse("Age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"));
        Assert.DoesNotContain("SECRET", s_identity.ToString(), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("horse", new Passphrase("horse").ToString(), StringComparison.Ordinal);
    }

    // A store that gives a few bytes at a time.
    private sealed class Dribble(byte[] content) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(base.Read(buffer.Span[..Math.Min(buffer.Length, 333)]));
    }
}
