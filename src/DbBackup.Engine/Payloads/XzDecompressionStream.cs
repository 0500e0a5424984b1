using SharpCompress.Compressors.Xz;
using ReadOnlyStream = DbBackup.Engine.Platform.ReadOnlyStream;

namespace DbBackup.Engine.Payloads;

/// <summary>Reads xz streams one after the other, and the padding between them, to the very end of the file.</summary>
internal sealed class XzDecompressionStream(Stream stored) : DecoderStream(stored, "an xz stream")
{
    // As of zstd: a backup must not take more memory than that. xz -9 asks for 64 MiB.
    private const long LargestDictionary = 128L << 20;
    private const int StreamHeaderBytes = 12;
    private const ulong Lzma2 = 0x21;

    // The .xz file format 1.2.1, section 2.2: zeros behind a stream come in fours.
    private protected override int ReadFirst(Stream stored, bool isBetween)
    {
        int zeros = 0;
        int first;
        while ((first = stored.ReadByte()) == 0 && isBetween)
            zeros++;
        return zeros % 4 == 0 ? first : throw new InvalidDataException("the padding behind an xz stream is cut off");
    }

    private protected override Stream? Begin(byte first, Stream stored)
    {
        // The stream's header, and the size of the first block's; zero if the index follows, and the stream has no block.
        byte[] start = new byte[StreamHeaderBytes + 1];
        start[0] = first;
        stored.ReadExactly(start.AsSpan(1));
        if (!start.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0]))
            return null;
        byte[] block = new byte[start[^1] * 4];
        stored.ReadExactly(block);
        if (start[^1] > 0 && DictionaryOf(block) is > LargestDictionary and var bytes)
            throw new InvalidDataException($"to decompress it takes a dictionary of {ByteSize.Format(bytes)} (xz --lzma2=dict=…); decompress it with xz first");
        return new XZStream(new CountedStream(new PrefixedStream((byte[])[.. start, .. block], stored, null, leaveOpen: true)));
    }

    // Section 3.1, without the byte of its size: flags, perhaps two sizes, the filters; LZMA2 is the last.
    private static long DictionaryOf(ReadOnlySpan<byte> block)
    {
        int position = 1;
        for (int size = 0x40; size <= 0x80; size <<= 1)
        {
            if ((block[0] & size) != 0)
                Number(block, ref position);
        }

        for (int filter = 0; filter <= (block[0] & 3); filter++)
        {
            ulong id = Number(block, ref position);
            int properties = (int)Math.Min(Number(block, ref position), (ulong)block.Length);
            if (id == Lzma2 && properties == 1)
                return block[position] is var bits and < 40 ? (2L | (uint)(bits & 1)) << ((bits / 2) + 11) : uint.MaxValue;
            position += properties;
        }

        return 0;
    }

    // Section 1.2: seven bits to a byte, the lowest first.
    private static ulong Number(ReadOnlySpan<byte> bytes, ref int position)
    {
        ulong number = 0;
        for (int shift = 0; shift < 63; shift += 7)
        {
            byte part = bytes[position++];
            number |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80)
                break;
        }

        return number;
    }

    // The decoder takes the padding of blocks from where it stands.
    private sealed class CountedStream(Stream inner) : ReadOnlyStream
    {
        private long _position;

        public override long Position
        {
            get => _position;
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            int read = inner.Read(buffer);
            _position += read;
            return read;
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            _position += read;
            return read;
        }
    }
}
