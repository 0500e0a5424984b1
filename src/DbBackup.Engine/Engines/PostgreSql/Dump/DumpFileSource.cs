namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>A dump made elsewhere, or a part of one, which is imported as it is: it has been read to its end before.</summary>
/// <param name="location">The file or folder.</param>
/// <param name="name">The database that it holds, or what stands for it.</param>
/// <param name="size">Its bytes.</param>
/// <param name="payload">What is stored of it.</param>
/// <param name="facts">What the dump says of its database; null where it holds none.</param>
/// <param name="stamp">What the file was like when it was read.</param>
internal sealed class DumpFileSource(string location, string name, long size, CapturedPayload payload, CaptureFacts? facts, FileStamp stamp) : IBackupSource
{
    /// <inheritdoc/>
    public string Engine => PostgreSqlSource.EngineName;

    /// <inheritdoc/>
    public string DefaultName => name;

    /// <inheritdoc/>
    public string Location => location;

    // The place of the file is not that of the database.
    /// <inheritdoc/>
    public bool IsPath => false;

    /// <summary>What is known of the database; null where there is none.</summary>
    public CaptureFacts? Facts => facts;

    /// <inheritdoc/>
    public Task<SourcePreview> InspectAsync(CancellationToken cancellationToken) => Task.FromResult(new SourcePreview(size, 0));

    /// <inheritdoc/>
    public Task<Capture> CaptureAsync(CaptureContext context, CancellationToken cancellationToken) => Task.FromResult(new Capture
    {
        Taken = stamp.LastWritten,
        EngineVersion = facts?.Database?.ServerVersion,
        Payloads = [payload with { OpenRead = null, WriteTo = StoreAsync, CollectFacts = facts is null ? null : _ => Task.FromResult(facts) }],
        Tools = facts?.Database?.ClientVersion is { } client ? new Dictionary<string, string> { ["pg_dump"] = client } : [],
    });

    private async Task<StreamSummary> StoreAsync(Stream target, IProgress<long> progress, CancellationToken cancellationToken)
    {
        StreamSummary summary = new(null, []);
        if (payload.WriteTo is { } write)
        {
            summary = await write(target, progress, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            using Stream content = payload.OpenRead!();
            if (target is Payloads.PayloadWriter writer)
                await writer.CopyFromAsync(content, progress, cancellationToken).ConfigureAwait(false);
            else
                await content.CopyToAsync(target, 1 << 20, cancellationToken).ConfigureAwait(false);
        }

        stamp.RequireUnchanged();
        return summary;
    }
}
