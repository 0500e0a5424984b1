using System.Diagnostics;
using System.Runtime.CompilerServices;
using DbBackup.Engine.Backups.Instructions;
using DbBackup.Engine.Docker.Pausing;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Payloads.Patches;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Restores;
using DbBackup.Engine.Retention;

namespace DbBackup.Engine.Backups;

/// <summary>Makes backups: ties sources to a repository. A backup is published whole, or nothing of it is left.</summary>
public sealed class BackupService
{
    private readonly BackupRepository _repository;
    private readonly TimeProvider _clock;

    /// <summary>Creates the service for a repository.</summary>
    /// <param name="repository">Where the backups go.</param>
    /// <param name="clock">The clock; the system's by default.</param>
    public BackupService(BackupRepository repository, TimeProvider? clock = null)
    {
        _repository = repository;
        _clock = clock ?? TimeProvider.System;
    }

    /// <summary>Makes a backup.</summary>
    /// <param name="request">What and how.</param>
    /// <param name="observer">The progress observer.</param>
    /// <param name="cancellationToken">Stops the work; nothing is left then.</param>
    /// <returns>The published backup.</returns>
    /// <exception cref="BackupException">Nothing was published, and the exception says why.</exception>
    public Task<Backup> CreateAsync(BackupRequest request, IOperationObserver observer, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(observer);
        string source = ResolveSourceName(request);
        return DiskFailures.GuardAsync(_repository.Location, $"backing up '{source}'", async () =>
        {
            string known = await KnownNameAsync(request, source, cancellationToken).ConfigureAwait(false);
            try
            {
                return await CreateAsync(request, known, observer, cancellationToken).ConfigureAwait(false);
            }
            catch (ParentDamagedException exception)
            {
                observer.Warning($"A full backup is made: {exception.Message}. Test the other one: Test-DbBackup -Source '{known}' -Level Checksum.");
                return await CreateAsync(request with { Method = new MethodChoice() }, known, observer, cancellationToken).ConfigureAwait(false);
            }
        });
    }

    /// <summary>Checks whether a backup can be made, as far as that shows without reading the sources whole. Changes nothing.</summary>
    /// <param name="request">What and how.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">It cannot be made, and the exception says why.</exception>
    public Task CheckAsync(BackupRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        string source = ResolveSourceName(request);
        return DiskFailures.GuardAsync(_repository.Location, $"checking '{source}'", async () =>
        {
            _ = WriteOptions(request);
            IReadOnlyList<SourcePreview> previews = await InspectAsync(request, new LeftOutSources(request), cancellationToken).ConfigureAwait(false);
            string known = await KnownNameAsync(request, source, cancellationToken).ConfigureAwait(false);
            IReadOnlyList<Backup> history = await _repository.CheckAsync(known, request.AllowNewRepository, cancellationToken).ConfigureAwait(false);
            await RequireFitAsync(request, known, previews, history, cancellationToken).ConfigureAwait(false);
            return true;
        });
    }

    private static PayloadWriteOptions WriteOptions(BackupRequest request)
    {
        var options = new PayloadWriteOptions { Compression = PayloadCompressionChoice.Resolve(request.Compression), Level = request.CompressionLevel };
        options.Validate();
        return options;
    }

    private static async Task<IReadOnlyList<SourcePreview>> InspectAsync(BackupRequest request, LeftOutSources leftOut, CancellationToken cancellationToken)
    {
        var previews = new List<SourcePreview>();
        foreach (IBackupSource each in request.Sources)
        {
            if (await leftOut.TryAsync(each, () => each.InspectAsync(cancellationToken)).ConfigureAwait(false) is { } preview)
                previews.Add(preview);
        }

        return previews;
    }

    private async Task RequireFitAsync(
        BackupRequest request, string source, IReadOnlyList<SourcePreview> previews, IReadOnlyList<Backup> history, CancellationToken cancellationToken)
    {
        RequireOwnName(request, source, history);
        RequireFreeName(request.Name, source, history);
        bool isFull = BackupParent.Choose(request, WriteOptions(request).Compression, history, _clock.GetUtcNow()).Parent is null;
        await BackupSpace.RequireAsync(_repository, request.StagingPath, previews, history, request.Verify, isFull, cancellationToken).ConfigureAwait(false);
    }

    private async Task<Backup> CreateAsync(BackupRequest request, string source, IOperationObserver observer, CancellationToken cancellationToken)
    {
        var duration = Stopwatch.StartNew();
        IBackupSource primary = request.Sources[0];
        PayloadWriteOptions options = WriteOptions(request);

        // A restore that was killed in the middle is put right before anything is captured from where it worked.
        await RestoreRecovery.RunAsync(request.Sources.Select(each => each.PathHere).OfType<string>(), observer, cancellationToken).ConfigureAwait(false);
        await ContainerPause.RecoverAsync(observer, cancellationToken).ConfigureAwait(false);
        var leftOut = new LeftOutSources(request);
        IReadOnlyList<SourcePreview> previews = await InspectAsync(request, leftOut, cancellationToken).ConfigureAwait(false);

        await _repository.PrepareAsync(request.AllowNewRepository, cancellationToken).ConfigureAwait(false);
        IReadOnlyList<Backup> history = await _repository.ListAsync(source, cancellationToken).ConfigureAwait(false);
        await RequireFitAsync(request, source, previews, history, cancellationToken).ConfigureAwait(false);
        WarnOfClock(history, observer);

        string activity = $"Backing up {source}";
        string name = request.Name ?? BackupName.Automatic(request.Import?.Created ?? _clock.GetUtcNow(), request.Reason);
        using LocalWorkspace scratch = await _repository.OpenScratchAsync(request.StagingPath, 0, cancellationToken).ConfigureAwait(false);
        BackupDraft draft = await BackupDraft.ReserveAsync(_repository.Store, new BackupKey(source, name), request.Name is null, cancellationToken).ConfigureAwait(false);
        await using ConfiguredAsyncDisposable reserved = draft.ConfigureAwait(false);
        SequenceNumber sequence = request.Import is null
            ? await SequenceNumber.TakeAsync(_repository.Store, source, history, cancellationToken).ConfigureAwait(false)
            : SequenceNumber.None;
        await using ConfiguredAsyncDisposable ordered = sequence.ConfigureAwait(false);
        var context = new CaptureContext(
            scratch.Path, observer, activity, request.Fingerprint, request.Verify, Exclusions(request, _repository.LocalFolder))
        { Clock = _clock };
        var collected = new CollectedBackup();
        if (options.Compression == PayloadCompression.Zstd)
            collected.Tools["zstd"] = PayloadCompressionChoice.ZstdVersion;
        // Each backup has a key of its own. Its secret half is in this process until the end, so the backup can be proved at once.
        X25519Identity? key = request.Sealing is null ? null : X25519Identity.Create();
        BackupParent? parent = await BackupParent.FindAsync(_repository, request, options.Compression, history, _clock.GetUtcNow(), observer, cancellationToken).ConfigureAwait(false);
        // Until the new backup is published: then its manifest says that the other is needed.
        await using ConfiguredAsyncDisposable needed = new Claim(parent).ConfigureAwait(false);
        var capture = new SourceCapture(context, draft, options, collected, leftOut, key?.Recipient, parent);
        await (request.Pause is null
            ? capture.RunAsync(leftOut.Remaining, cancellationToken)
            : capture.RunTogetherAsync(leftOut.Remaining, request.Pause, cancellationToken)).ConfigureAwait(false);
        leftOut.RequireAny();
        collected.Notes.AddRange(leftOut.Notes);

        Manifest manifest = Describe(request, draft.Key, primary, collected, sequence.Value, duration);
        if (parent is not null && manifest.Payloads.Any(payload => payload.Parent is not null))
            manifest = manifest with { Method = BackupMethod.Incremental, Parent = parent.Info };
        else
            parent?.TellFull(observer);
        manifest = CompareWithLast(manifest, request, history, observer);
        // The last backup that has all databases must not go for the sake of one that lacks some.
        if (!request.AllowCollapse)
            manifest = manifest with { Collapsed = [.. manifest.Collapsed, .. leftOut.Notes] };
        // Before the proof, which may go there again.
        if (manifest.ImportedFrom is null)
            KnownServers.OfUser.Remember([manifest.Source.Location, .. manifest.Payloads.Select(payload => payload.OriginalPath)]);
        Proof? proof = request.Verify
            ? await Proof.RunAsync(_repository, request, draft, scratch.Path, manifest, key, observer, cancellationToken).ConfigureAwait(false)
            : null;
        observer.Progress(new OperationProgress(activity, "flushing to disk"));
        cancellationToken.ThrowIfCancellationRequested();
        // The claim keeps it from being removed by the product, and by nothing else.
        if (manifest.Parent is not null)
            await parent!.RequirePresentAsync(draft.Key, cancellationToken).ConfigureAwait(false);
        manifest = manifest with { DurationSeconds = duration.Elapsed.TotalSeconds, Completed = _clock.GetUtcNow() };
        manifest = await WriteCompanionsAsync(draft, manifest, key, request.Sealing).ConfigureAwait(false);
        await draft.PublishAsync(manifest, await _repository.WriteManifestAsync(manifest, key?.Recipient, observer, CancellationToken.None).ConfigureAwait(false)).ConfigureAwait(false);
        if (key is not null)
            _repository.Keys.Remember(manifest.Id, key);
        observer.Verbose($"Published '{draft.Key}' in {duration.Elapsed.TotalSeconds:0.0} s.");
        Backup backup = await FinishAsync(draft.Key, manifest, proof?.Record, observer).ConfigureAwait(false);
        if (backup.Problem is { } problem)
        {
            throw new BackupFailure(
                ErrorCodes.BackupDamaged,
                FailureCategory.InvalidData,
                $"Backup '{draft.Key}' was written to '{_repository.Location}', but is not readable there: {problem}",
                $"Check the repository's disk or share, then test it (Test-DbBackup -Source '{draft.Key.Source}' -Name '{draft.Key.Name}') or make another one.")
            { Target = draft.Key.ToString() };
        }

        return proof?.Failure is null ? backup : throw proof.Unproved(backup);
    }

    // What lies beside the payloads: the instructions and, of an encrypted backup, its key for those who can open it.
    private static async Task<Manifest> WriteCompanionsAsync(BackupDraft draft, Manifest manifest, X25519Identity? key, BackupSealing? sealing)
    {
        if (key is null)
        {
            (byte[] plain, manifest) = RestoreInstructions.WriteFor(manifest);
            await draft.WriteAsync(RepositoryKeys.Instructions, plain).ConfigureAwait(false);
            return manifest;
        }

        manifest = manifest with { Requires = [.. manifest.Requires, Manifest.Age] };
        (byte[] instructions, byte[] full, manifest) = SealedInstructions.WriteFor(manifest, key.Recipient, byPassphrase: sealing!.Names.Contains(BackupSealing.PassphraseName));
        (byte[] keyFile, byte[] record) = BackupKeyFiles.Seal(key, sealing);
        await draft.WriteAsync(RepositoryKeys.Instructions, instructions).ConfigureAwait(false);
        await draft.WriteAsync(RepositoryKeys.SealedInstructions, full).ConfigureAwait(false);
        await draft.WriteAsync(RepositoryKeys.Key, keyFile).ConfigureAwait(false);
        await draft.WriteAsync(RepositoryKeys.KeyRecord, record).ConfigureAwait(false);
        return manifest;
    }

    private static Manifest CompareWithLast(Manifest manifest, BackupRequest request, IReadOnlyList<Backup> history, IOperationObserver observer)
    {
        // What a restore replaces, or a rehearsal copies, may well be little.
        if (request.AllowCollapse || request.Import is not null || request.Reason is BackupReason.Safety or BackupReason.Rehearsal || manifest.Scope != BackupScope.Whole
            || BackupCollapse.Last(history) is not { } last || BackupCollapse.Find(manifest, last.Manifest!) is not { Count: > 0 } collapsed)
            return manifest;
        observer.Warning(
            $"There is far less in this backup than in '{last}' ({string.Join("; ", collapsed)}), so it does not count as the last good one. Check that everything is mounted and the right database is named; if it is, make it again with -AllowCollapse.");
        return manifest with { Collapsed = collapsed };
    }

    // The backup is made: what fails now is told, and is no failure of the backup.
    private async Task<Backup> FinishAsync(BackupKey key, Manifest manifest, TestRecord? proof, IOperationObserver observer)
    {
        var backup = new Backup(manifest, key.Source, key.Name, _repository.Location, _repository.Store.Locate(RepositoryKeys.FolderOf(key)), []);
        try
        {
            backup = Opened(await FindReadableAsync(key).ConfigureAwait(false), manifest) ?? backup;
            if (proof is null || backup.Problem is not null)
                return backup;
            await _repository.RecordAsync(backup, proof, CancellationToken.None).ConfigureAwait(false);
            return Opened(await FindReadableAsync(key).ConfigureAwait(false), manifest) ?? backup;
        }
        catch (Exception exception) when (exception is BackupException or IOException or UnauthorizedAccessException)
        {
            observer.Warning($"The backup '{key}' was made, and then the repository failed{(proof is null ? string.Empty : ", so its test may not be recorded")}: {exception.Message}");
            return backup;
        }
    }

    // This process knows what it has sealed.
    private static Backup? Opened(Backup? backup, Manifest manifest) => backup is { Manifest.IsSealed: true, Problem: null } ? backup.WithManifest(manifest) : backup;

    // A disk or share may fail once: what can be read a moment later is no damage.
    private async Task<Backup?> FindReadableAsync(BackupKey key) =>
        await _repository.FindAsync(key, CancellationToken.None).ConfigureAwait(false) is { Problem: null } found
            ? found
            : await _repository.FindAsync(key, CancellationToken.None).ConfigureAwait(false);

    /// <summary>The name under which a request's source is kept.</summary>
    /// <exception cref="BackupException">The name that was given cannot be one.</exception>
    public static string ResolveSourceName(BackupRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.SourceName is null)
            return BackupName.From(request.Sources[0].DefaultName);
        BackupName.Require(request.SourceName, "source");
        return request.SourceName;
    }

    // The same data named in another way go on with the source that they have: two histories would each lack the other's backups.
    private async Task<string> KnownNameAsync(BackupRequest request, string source, CancellationToken cancellationToken)
    {
        IReadOnlyList<SourceAlias> aliases = request.SourceName is null && request.Import is null ? request.Sources[0].Aliases : [];
        if (aliases.Count == 0)
            return source;
        try
        {
            if ((await _repository.ListAsync(source, cancellationToken).ConfigureAwait(false)).Count > 0)
                return source;
            foreach (SourceAlias alias in aliases)
            {
                string name = BackupName.From(alias.Name);
                IReadOnlyList<Backup> history = await _repository.ListAsync(name, cancellationToken).ConfigureAwait(false);
                if (history.Any(backup => BackupSelection.IsOrdinary(backup) && backup.Manifest?.Source.Location is { } location && SamePath(location, alias.Location)))
                    return name;
            }
        }
        catch (BackupFailure failure) when (failure.Code == ErrorCodes.RepositoryNotFound)
        {
            // The first backup creates it.
        }

        return source;
    }

    /// <summary>Fails where the source's name belongs to another source, as the backup itself would.</summary>
    /// <exception cref="BackupException">The name is another source's (<see cref="ErrorCodes.SourceNameTaken"/>).</exception>
    internal static void RequireOwnName(BackupRequest request, IReadOnlyList<Backup> history)
    {
        ArgumentNullException.ThrowIfNull(request);
        RequireOwnName(request, ResolveSourceName(request), history);
    }

    private Manifest Describe(
        BackupRequest request, BackupKey key, IBackupSource primary, CollectedBackup collected, long sequence, Stopwatch duration)
    {
        DateTimeOffset created = request.Import?.Created ?? collected.Taken;
        if (request.Import?.SchemaRevision is { } stated)
            collected.TakeStatedRevision(stated);
        string? folder = !primary.IsPath ? null : Directory.Exists(primary.Location) ? primary.Location : Path.GetDirectoryName(primary.Location);
        return new Manifest
        {
            Id = Guid.NewGuid(),
            Name = key.Name,
            Reason = request.Reason,
            Created = created.ToUniversalTime(),
            Completed = _clock.GetUtcNow(),
            DurationSeconds = duration.Elapsed.TotalSeconds,
            Sequence = sequence,
            Source = new SourceInfo
            {
                Name = key.Source,
                Engine = primary.Engine,
                EngineVersion = collected.EngineVersion,
                Location = request.Import is null ? primary.Location : null,
            },
            Payloads = [.. collected.PlacedPayloads().Select(payload => request.Import is null ? payload : payload with { OriginalPath = null })],
            Git = request.Import is null && folder is not null ? GitWorkTree.Describe(folder) : null,
            Tags = request.Tags,
            Host = Environment.MachineName,
            ModuleVersion = typeof(BackupService).Assembly.GetName().Version?.ToString(3),
            Tools = collected.Tools,
            ImportedFrom = request.Import?.ImportedFrom,
            ImportedSha256 = request.Import?.Sha256,
            Pause = collected.Pause,
            Notes = [.. collected.Notes, .. (request.Import?.Copies ?? []).Select(copy => $"The same file lay at '{copy}' too.")],
        };
    }

    // A source is an exact identity: two databases called app.db must not share a history.
    private static void RequireOwnName(BackupRequest request, string source, IReadOnlyList<Backup> history)
    {
        if (request.SourceName is not null || request.Import is not null)
            return;
        // A safety backup was taken where a restore went, which may be another place, or only the folder beside the database.
        Backup? other = history.FirstOrDefault(backup => BackupSelection.IsOrdinary(backup) && backup.Manifest?.Source.Location is not null);
        if (other is null || (IsSame(other.Manifest!.Source.Location!, request.Sources[0]) && (!request.Sources[0].IsOfThisMachine || other.Manifest.Host == Environment.MachineName)))
            return;
        throw new BackupFailure(
            ErrorCodes.SourceNameTaken,
            FailureCategory.AlreadyExists,
            $"In this repository the source '{source}' is '{other.Manifest!.Source.Location}' on {other.Manifest.Host}, not '{request.Sources[0].Location}' on {Environment.MachineName}.",
            $"Give this one a name of its own (-Source {source}2); if it is the same database that has moved, say so with -Source {source}.")
        { Target = request.Sources[0].Location };
    }

    private static void RequireFreeName(string? name, string source, IReadOnlyList<Backup> history)
    {
        if (name is null)
            return;
        BackupName.Require(name, "backup");
        // Without regard to case: a repository may be copied to a file system that has none.
        if (history.Any(backup => string.Equals(backup.Name, name, StringComparison.OrdinalIgnoreCase)))
            throw BackupDraft.NameExists(new BackupKey(source, name));
    }

    private void WarnOfClock(IReadOnlyList<Backup> history, IOperationObserver observer)
    {
        DateTimeOffset now = _clock.GetUtcNow();
        if (history.FirstOrDefault(backup => backup.Manifest is { Sequence: > 0 } manifest && manifest.Created > now + TimeSpan.FromMinutes(5)) is { } future)
        {
            observer.Warning(
                $"Backup '{future}' is dated {future.Created:yyyy-MM-dd HH:mm}, in the future: a clock was set back. The new backup still counts as the newer one.");
        }
    }

    // What is captured otherwise, or is the repository itself, does not belong into an archive of the folder around it.
    private static Func<string, bool> Exclusions(BackupRequest request, string? repository)
    {
        var excludes = new FolderExcludes();
        if (repository is not null)
            excludes.Add(repository);
        if (request.StagingPath is { } staging)
            excludes.Add(staging);
        foreach (IBackupSource source in request.Sources.Where(source => source.IsPath))
        {
            if (DatabaseEngines.TryFileNamed(source.Engine) is { } engine)
                excludes.AddDatabase(source.Location, engine.Companions);
        }

        return excludes.IsExcluded;
    }

    private static bool IsSame(string location, IBackupSource source) => SamePath(location, source.Location) || source.Aliases.Any(alias => SamePath(location, alias.Location));

    private static bool SamePath(string left, string right) =>
        string.Equals(left, right, OperatingSystem.IsLinux() ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase);

    // There may be nothing to let go.
    private sealed class Claim(IAsyncDisposable? held) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => held?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
