using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Payloads.Patches;

namespace DbBackup.Engine.Payloads;

/// <summary>
/// Takes in a payload's bytes, hashes them, compresses them block by block on several threads, writes the blocks in order to a target
/// and hashes what it wrote. Memory is bounded by the number of workers, not by the payload.
/// </summary>
/// <remarks>
/// <para>One thread hashes the original, each worker has a thread, and one task hashes and writes what is stored; a block is hashed and
/// compressed at the same time. A full set of blocks makes the next write wait: that is the back pressure.</para>
/// <para>The first failure of any stage stops all of them and comes out, unchanged, of the next call. Without
/// <see cref="CompleteAsync()"/> the payload is abandoned: disposing stops and awaits every stage. The target is never disposed nor
/// flushed. As with any stream, one call at a time.</para>
/// </remarks>
[SuppressMessage("Naming", "CA1710", Justification = "Named after what it writes, as StreamWriter is; the pair is PayloadReader.")]
internal sealed partial class PayloadWriter : Stream, ICopyTarget
{
    // Written in pieces, so that a cancellation is heard between them even by a target that does not listen.
    private const int WritePiece = 1024 * 1024;
    private const int ProgressStep = 1024 * 1024;

    private readonly Stream _target;
    private readonly StoredStream _stored;
    private readonly AgeEncryptionStream? _sealing;
    private readonly PayloadWriteOptions _options;
    private readonly PayloadForm _form;
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenSource _stop;
    private readonly int _workerLimit;
    private readonly long _largest;
    private readonly int _blockLimit;
    private readonly HandoffQueue<PayloadBlock> _free = new();
    private readonly HandoffQueue<PayloadBlock> _toHash = new();
    private readonly HandoffQueue<PayloadBlock> _toCompress = new();
    private readonly HandoffQueue<PayloadBlock> _toWrite = new();
    private readonly Queue<CopiedRange> _copied = new();
    private readonly List<Task> _stages = [];
    private readonly IncrementalHash _originalHash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private ExceptionDispatchInfo? _failure;
    private PayloadBlock? _current;
    private int _workers;
    private int _blocks;
    private long _originalSize;
    private ReadOnlyMemory<byte> _catalog;
    private bool _ended;
    private bool _disposed;

    /// <summary>Starts a payload.</summary>
    /// <param name="target">Where the stored bytes go; it stays the caller's.</param>
    /// <param name="options">How to compress.</param>
    /// <param name="cancellationToken">Stops everything.</param>
    /// <exception cref="BackupFailure">An option is out of its range.</exception>
    public PayloadWriter(Stream target, PayloadWriteOptions options, CancellationToken cancellationToken)
        : this(target, options, null, cancellationToken)
    {
    }

    /// <summary>Starts a payload that may be encrypted.</summary>
    /// <param name="target">Where the stored bytes go; it stays the caller's.</param>
    /// <param name="options">How to compress.</param>
    /// <param name="recipient">The key to which what is stored is sealed, as an age file; null for none.</param>
    /// <param name="cancellationToken">Stops everything.</param>
    /// <param name="parent">The payload of which it is stored as the difference, with zstd; null to store it whole.</param>
    /// <param name="largest">The stored bytes beyond which all stages stop with a <see cref="DifferenceTooLargeException"/>.</param>
    /// <exception cref="BackupFailure">An option is out of its range.</exception>
    public PayloadWriter(Stream target, PayloadWriteOptions options, X25519Recipient? recipient, CancellationToken cancellationToken, ParentPayload? parent = null, long largest = long.MaxValue)
    {
        _largest = largest;
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        // Blocks are compared with those of the other payload, so they begin where those do.
        _options = options = parent is null ? options : options with { BlockSize = parent.Index.BlockSize, Compression = PayloadCompression.Zstd };
        _form = PayloadForm.Create(options, parent);
        // What is stored as it came is hashed once.
        _stored = new StoredStream(target, isHashed: recipient is not null || options.Compression != PayloadCompression.None);
        _sealing = recipient is null ? null : new AgeEncryptionStream(_stored, [recipient]);
        _target = _sealing ?? (Stream)_stored;
        _cancellation = cancellationToken;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _workerLimit = Compresses ? options.EffectiveWorkers : 0;

        // One being filled and one being written beside those that are compressed.
        _blockLimit = _workerLimit + 2;
        CancellationToken stop = _stop.Token;
        StartThread(() => HashOriginal(stop));
        _stages.Add(Task.Run(() => GuardAsync(() => WriteStoredAsync(stop)), CancellationToken.None));
    }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => !_ended && !_disposed;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => _originalSize;
        set => throw new NotSupportedException();
    }

    /// <summary>How many block buffers were ever made.</summary>
    internal int BlocksMade => _blocks;

    /// <summary>The stages, for tests that none outlives the writer.</summary>
    internal IReadOnlyList<Task> Stages => _stages;

    private bool Compresses => _options.Compression != PayloadCompression.None;

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ThrowIfNotWritable();
        while (!buffer.IsEmpty)
        {
            PayloadBlock block = _current ??= TakeBlock();
            int taken = Fill(block, buffer);
            buffer = buffer[taken..];
        }
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ThrowIfNotWritable();
        while (!buffer.IsEmpty)
        {
            PayloadBlock block = _current ??= await TakeBlockAsync(cancellationToken).ConfigureAwait(false);
            int taken = Fill(block, buffer.Span);
            buffer = buffer[taken..];
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public void NoteCopied(CopiedRange range)
    {
        if (_form.IsDifference && range.Length > 0)
            _copied.Enqueue(range);
    }

    /// <inheritdoc/>
    public override void WriteByte(byte value) => Write([value]);

    /// <summary>Takes in a stream to its end, read straight into the blocks.</summary>
    /// <param name="source">The bytes; it stays the caller's.</param>
    /// <param name="bytesDone">Receives, about every MiB, how many bytes of this source were read.</param>
    /// <param name="cancellationToken">Stops the copy.</param>
    public async Task CopyFromAsync(Stream source, IProgress<long>? bytesDone, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        ThrowIfNotWritable();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, cancellationToken);
        long done = 0;
        long reported = 0;
        while (true)
        {
            PayloadBlock block = _current ??= await TakeBlockAsync(cancellationToken).ConfigureAwait(false);
            int read;
            try
            {
                read = await source.ReadAsync(block.Original.AsMemory(block.Length), either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                ThrowIfStopped();
                throw;
            }

            if (read == 0)
                break;
            Advance(block, read);
            done += read;
            if (done - reported >= ProgressStep)
            {
                bytesDone?.Report(done);
                reported = done;
            }
        }

        if (done > reported)
            bytesDone?.Report(done);
    }

    /// <summary>Ends the payload: everything is compressed and written to the target when this returns.</summary>
    /// <returns>Its sizes and hashes.</returns>
    public Task<PayloadDigest> CompleteAsync() => CompleteAsync(default);

    /// <summary>Ends the payload: everything is compressed and written to the target when this returns.</summary>
    /// <param name="catalog">What it was made of, for a later incremental backup; empty if that is not to be known.</param>
    /// <returns>Its sizes and hashes.</returns>
    public async Task<PayloadDigest> CompleteAsync(ReadOnlyMemory<byte> catalog)
    {
        ThrowIfNotWritable();
        _catalog = catalog;
        _ended = true;

        // A compressed file with nothing in it still needs one frame, or no tool would accept it.
        if (_current is null && _originalSize == 0 && Compresses)
            _current = await TakeBlockAsync(CancellationToken.None).ConfigureAwait(false);
        if (_current is { } last && (last.Length > 0 || (_originalSize == 0 && Compresses)))
            Submit(last);
        _current = null;
        _toHash.Complete();
        _toCompress.Complete();
        _toWrite.Complete();
        await Task.WhenAll(_stages).ConfigureAwait(false);
        ThrowIfStopped();

        string original = Convert.ToHexStringLower(_originalHash.GetHashAndReset());
        return new PayloadDigest(_originalSize, _stored.Size, original, _stored.TakeHash() ?? original) { CatalogSha256 = _form.CatalogSha256 };
    }

    /// <summary>Does nothing: a block is written when it is full, and the last one by <see cref="CompleteAsync()"/>.</summary>
    public override void Flush()
    {
    }

    /// <inheritdoc cref="Flush"/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (!_disposed)
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(_stages).ConfigureAwait(false);
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            _stop.Cancel();

            // The target is the caller's to close as soon as this returns: no stage may still write to it. Stages keep their failures.
            Task.WaitAll(_stages);
            _stop.Dispose();
            _free.Dispose();
            _toHash.Dispose();
            _toCompress.Dispose();
            _toWrite.Dispose();
            _originalHash.Dispose();
            _sealing?.Dispose();
            _stored.Dispose();
        }

        base.Dispose(disposing);
    }
}
