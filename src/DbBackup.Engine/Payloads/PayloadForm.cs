using System.Buffers;
using System.Security.Cryptography;
using DbBackup.Engine.Payloads.Patches;

namespace DbBackup.Engine.Payloads;

/// <summary>How the blocks of a payload are laid one after the other in its file.</summary>
internal abstract class PayloadForm
{
    /// <summary>The form that options ask for.</summary>
    /// <param name="options">How the payload is compressed.</param>
    /// <param name="parent">The payload of which it is stored as the difference; null for none.</param>
    public static PayloadForm Create(PayloadWriteOptions options, ParentPayload? parent) =>
        parent is not null ? new PatchForm(options, parent)
        : options.Compression == PayloadCompression.Zstd ? new ZstdForm(options)
        : new PlainForm(options);

    /// <summary>True if it is the difference to another payload.</summary>
    public virtual bool IsDifference => false;

    /// <summary>The bytes of a block, in its turn.</summary>
    public abstract IEnumerable<ReadOnlyMemory<byte>> Write(PayloadBlock block);

    /// <summary>The bytes behind the last block.</summary>
    /// <param name="catalog">What the payload was made of; empty if that is not to be known.</param>
    public abstract IEnumerable<ReadOnlyMemory<byte>> End(ReadOnlyMemory<byte> catalog);

    /// <summary>The SHA-256 of the payload's <see cref="PayloadCatalog"/>; null before the end, and if it has none.</summary>
    public string? CatalogSha256 { get; private protected set; }

    /// <summary>A compressor for one thread.</summary>
    public abstract BlockCompressor CreateCompressor();

    /// <summary>Blocks one after the other, and nothing else.</summary>
    private sealed class PlainForm(PayloadWriteOptions options) : PayloadForm
    {
        public override BlockCompressor CreateCompressor() => BlockCompressor.Create(options);

        public override IEnumerable<ReadOnlyMemory<byte>> Write(PayloadBlock block) => [block.Stored];

        public override IEnumerable<ReadOnlyMemory<byte>> End(ReadOnlyMemory<byte> catalog) => [];
    }

    /// <summary>zstd frames, and behind them the index by which a later backup finds what is unchanged.</summary>
    private sealed class ZstdForm(PayloadWriteOptions options) : PayloadForm
    {
        private readonly long _seed = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));
        private readonly List<IndexedBlock> _blocks = [];
        private readonly ArrayBufferWriter<byte> _hashes = new();

        public override BlockCompressor CreateCompressor() => new IndexingCompressor(BlockCompressor.Create(options), _seed);

        public override IEnumerable<ReadOnlyMemory<byte>> Write(PayloadBlock block)
        {
            _blocks.Add(new IndexedBlock(block.Stored.Length, block.Length, block.Hash, block.TakeSamples()));
            if (options.IsCataloged)
                _hashes.Write(SHA256.HashData(block.Stored.Span));
            return [block.Stored];
        }

        // One block is found without an index, and small files stay small.
        public override IEnumerable<ReadOnlyMemory<byte>> End(ReadOnlyMemory<byte> catalog)
        {
            if (_blocks.Count < 2)
                return [];
            if (!options.IsCataloged || catalog.IsEmpty)
                return [PayloadIndex.Write(_seed, options.BlockSize, _blocks)];
            byte[] listed = PayloadCatalog.Write(_hashes.WrittenSpan, catalog.Span, out string sha256);
            CatalogSha256 = sha256;
            return [listed, PayloadIndex.Write(_seed, options.BlockSize, _blocks, listed.Length)];
        }
    }

    /// <summary>A tar of the parts that differ. Neighbours that were copied are one part.</summary>
    private sealed class PatchForm(PayloadWriteOptions options, ParentPayload parent) : PayloadForm
    {
        private static readonly byte[] s_zeros = new byte[2 * PatchEntry.TarBlock];
        private PatchEntry _copied;
        private long _number;

        public override bool IsDifference => true;

        public override BlockCompressor CreateCompressor() => new ZstdPatchCompressor(parent, options.Zstd, options.EffectiveLevel);

        public override IEnumerable<ReadOnlyMemory<byte>> Write(PayloadBlock block)
        {
            foreach ((PatchEntry entry, Range range) in block.Parts)
            {
                if (entry.Kind == PatchKind.Copy && _copied.Length > 0 && entry.Offset == _copied.Offset + _copied.Length)
                {
                    _copied = _copied with { Length = _copied.Length + entry.Length };
                    continue;
                }

                foreach (ReadOnlyMemory<byte> each in Copied())
                    yield return each;
                if (entry.Kind == PatchKind.Copy)
                {
                    _copied = entry;
                    continue;
                }

                ReadOnlyMemory<byte> stored = block.Stored[range];
                yield return entry.WriteHeader(_number++, stored.Length);
                yield return stored;
                yield return s_zeros.AsMemory(0, PatchEntry.PaddingOf(stored.Length));
            }
        }

        public override IEnumerable<ReadOnlyMemory<byte>> End(ReadOnlyMemory<byte> catalog) => [.. Copied(), s_zeros];

        private IEnumerable<ReadOnlyMemory<byte>> Copied()
        {
            if (_copied.Length > 0)
                yield return _copied.WriteHeader(_number++, 0);
            _copied = default;
        }
    }

    /// <summary>Hashes blocks for the index while they are in the processor's cache.</summary>
    private sealed class IndexingCompressor(BlockCompressor compressor, long seed) : BlockCompressor
    {
        internal override void Compress(PayloadBlock block, CancellationToken cancellationToken)
        {
            ReadOnlySpan<byte> content = block.Original.AsSpan(0, block.Length);
            block.Hash = PayloadIndex.HashOf(content, seed);
            ContentSamples.Take(content, block.Original.Length, block.Samples);
            compressor.Compress(block, cancellationToken);
        }

        public override void Dispose() => compressor.Dispose();
    }
}
