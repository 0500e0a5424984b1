using System.Diagnostics;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Payloads.Patches;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Backups;

/// <summary>Captures the sources of one backup and stores what they give.</summary>
/// <param name="context">What the sources are given; each gets a folder of its own below the staging folder.</param>
/// <param name="draft">Where the payloads go.</param>
/// <param name="options">How they are compressed.</param>
/// <param name="collected">What is known of them afterwards.</param>
/// <param name="leftOut">The sources that may fail.</param>
/// <param name="key">The backup's own key, to which its payloads are sealed; null for a plain backup.</param>
/// <param name="parent">The full backup to which payloads are stored as the difference; null to store them whole.</param>
internal sealed class SourceCapture(
    CaptureContext context, BackupDraft draft, PayloadWriteOptions options, CollectedBackup collected, LeftOutSources leftOut, X25519Recipient? key, BackupParent? parent)
{
    /// <summary>Captures and stores one source after the other, while the application runs.</summary>
    public async Task RunAsync(IReadOnlyList<IBackupSource> sources, CancellationToken cancellationToken)
    {
        for (int index = 0; index < sources.Count; index++)
        {
            CaptureContext own = ContextOf(index);
            IBackupSource source = sources[index];
            await leftOut.TryAsync(source, async () =>
            {
                Capture capture = await source.CaptureAsync(own, cancellationToken).ConfigureAwait(false);
                await StoreAsync(capture, cancellationToken).ConfigureAwait(false);
                return capture;
            }).ConfigureAwait(false);
            FolderRemoval.Delete(own.StagingFolder);
        }
    }

    /// <summary>Captures all sources in one pause of their application, which is resumed before anything is stored.</summary>
    public async Task RunTogetherAsync(IReadOnlyList<IBackupSource> sources, IApplicationPause pause, CancellationToken cancellationToken)
    {
        CaptureContext[] contexts = [.. sources.Select((_, index) => ContextOf(index) with { IsPaused = true })];
        for (int index = 0; index < sources.Count; index++)
            await sources[index].PrepareAsync(contexts[index], cancellationToken).ConfigureAwait(false);
        var captures = new List<Capture>();
        int stored = 0;
        try
        {
            IPausedApplication paused = await pause.BeginAsync(context.Observer, cancellationToken).ConfigureAwait(false);
            await using (paused.ConfigureAwait(false))
            {
                var held = Stopwatch.StartNew();
                for (int index = 0; index < sources.Count; index++)
                    captures.Add(await sources[index].CaptureAsync(contexts[index], cancellationToken).ConfigureAwait(false));
                // Not to be cancelled. Where a capture has failed, its failure is the one to report, and the application is still resumed.
                await paused.EndAsync().ConfigureAwait(false);

                collected.Pause = paused.Describe(held.Elapsed);
                context.Observer.Verbose($"{string.Join(", ", paused.Containers)} paused for {held.Elapsed.TotalMilliseconds:0} ms.");
            }

            for (; stored < captures.Count; stored++)
                await StoreAsync(captures[stored], cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            foreach (Capture capture in captures.Skip(stored))
                capture.Abandon?.Invoke();
            throw;
        }
    }

    private CaptureContext ContextOf(int index)
    {
        string folder = Path.Combine(context.StagingFolder, FormattableString.Invariant($"source-{index}"));
        Directory.CreateDirectory(folder);
        return context with
        {
            StagingFolder = folder,
            Earlier = parent?.Earlier(options.EffectiveWorkers, context.Observer),
        };
    }

    private async Task StoreAsync(Capture capture, CancellationToken cancellationToken)
    {
        if (capture.Finish is { } finish)
            capture = await finish(cancellationToken).ConfigureAwait(false);
        collected.Add(capture);
        foreach (CapturedPayload part in capture.Payloads)
        {
            // The facts are taken from the copy while it is compressed; whichever fails ends the other.
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            Task<CaptureFacts?> facts = StopOnFailure(CollectFactsAsync(part, both.Token), both);
            Task<bool> store = StopOnFailure(StoreAsync(part, both.Token), both);
            try
            {
                await Task.WhenAll(facts, store).ConfigureAwait(false);
            }
            catch when (cancellationToken.IsCancellationRequested)
            {
                // The one that is cancelled first closes its session or ends its program, and the other may fail for that before it is cancelled too.
                throw new OperationCanceledException(cancellationToken);
            }

            if (await facts.ConfigureAwait(false) is { } found)
                collected.Add(found);
        }
    }

    private static async Task<CaptureFacts?> CollectFactsAsync(CapturedPayload part, CancellationToken cancellationToken) =>
        part.CollectFacts is null ? null : await part.CollectFacts(cancellationToken).ConfigureAwait(false);

    private static async Task<T> StopOnFailure<T>(Task<T> work, CancellationTokenSource stop)
    {
        try
        {
            return await work.ConfigureAwait(false);
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<bool> StoreAsync(CapturedPayload part, CancellationToken cancellationToken)
    {
        if (parent is null || await parent.OpenAsync(part, options.EffectiveWorkers, context.Observer, cancellationToken).ConfigureAwait(false) is not var (content, before))
            return await StoreAsync(part, null, null, cancellationToken).ConfigureAwait(false);
        using (content)
        {
            try
            {
                if (!await IsTooLittleAsync(part, content, cancellationToken).ConfigureAwait(false))
                    return await StoreAsync(part, content, before, cancellationToken).ConfigureAwait(false);
                parent.StoredWhole($"most of '{part.FileName}' has moved since '{parent.Info.Name}', as after a VACUUM, and its difference would save little", context.Observer);
            }
            catch (DifferenceTooLargeException)
            {
                parent.StoredWhole($"the difference of '{part.FileName}' to '{parent.Info.Name}' would take more than {100 * parent.Largest:0} % of it", context.Observer);
            }
            catch (ParentDamagedException exception)
            {
                throw new ParentDamagedException($"'{before.FileName}' of '{parent.Info.Name}' is damaged: {exception.Message.TrimEnd('.')}", exception);
            }
        }

        return await StoreAsync(part, null, null, cancellationToken).ConfigureAwait(false);
    }

    // The pages of a database stay in their places; what moves in a text or an archive is found again at little cost.
    private async Task<bool> IsTooLittleAsync(CapturedPayload part, ParentPayload before, CancellationToken cancellationToken) =>
        part is { Format: PayloadFormat.SqliteFile, OpenRead: { } open }
        && await Resemblance.IsTooLittleAsync(before, open, options, Math.Min(parent!.Largest, BackupParent.LargestOfMoved), cancellationToken).ConfigureAwait(false);

    private async Task<bool> StoreAsync(CapturedPayload part, ParentPayload? before, Payload? beforePayload, CancellationToken cancellationToken)
    {
        string compression = before is null ? options.Compression : PayloadCompression.ZstdPatch;
        string fileName = collected.FreeFileName(part.FileName + FileEnding(compression), compression, key is null ? string.Empty : ".age");
        // What lies in a file is read again where the difference is too large; of a stream the next backup is a full one.
        long largest = beforePayload is null || part.OpenRead is null ? long.MaxValue : (long)(parent!.Largest * beforePayload.StoredSize);
        var progress = new PayloadProgress(context.Observer, context.Activity, $"storing {part.FileName}", part.Length);
        StreamSummary? summary = null;
        PayloadDigest? written = null;
        await WriteAsync(
            fileName,
            async target =>
            {
                int? level = options.Level ?? (options.Compression == PayloadCompression.Zstd ? part.ZstdLevel : null);
                using var writer = new PayloadWriter(target, options with { Level = level, IsCataloged = part.IsCataloged }, key, cancellationToken, before, largest);
                if (part.OpenRead is not null)
                {
                    using Stream content = part.OpenRead();
                    await writer.CopyFromAsync(content, progress, cancellationToken).ConfigureAwait(false);
                }
                else
                {
                    summary = await part.WriteTo!(writer, progress, cancellationToken).ConfigureAwait(false);
                }

                written = await writer.CompleteAsync(summary?.Catalog ?? default).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        PayloadDigest digest = written!;
        context.Observer.Verbose(
            $"Stored {fileName}: {ByteSize.Format(digest.OriginalSize)} as {ByteSize.Format(digest.StoredSize)}.");
        ParentPayloadInfo? differs = before is null ? null : new ParentPayloadInfo { FileName = beforePayload!.FileName, StoredSha256 = beforePayload.StoredSha256 };
        collected.Add(part, new StoredFile(fileName, compression, digest, key is not null, differs), summary, context.Observer);
        return true;
    }

    // Another source may go on where this one fails, and a part of a payload is none.
    private async Task WriteAsync(string fileName, Func<Stream, Task> write, CancellationToken cancellationToken)
    {
        try
        {
            await draft.WriteAsync(fileName, write, cancellationToken).ConfigureAwait(false);
        }
        catch (BackupException)
        {
            await draft.DeleteAsync(fileName).ConfigureAwait(false);
            throw;
        }
    }

    private static string FileEnding(string compression) => compression switch
    {
        PayloadCompression.Zstd => ".zst",
        PayloadCompression.ZstdPatch => ".patch.tar",
        PayloadCompression.Gzip => ".gz",
        _ => string.Empty,
    };
}
