using System.Globalization;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Restores.Files;

/// <summary>A database file that is restored: how it is staged and checked, and how the present one is held and kept.</summary>
/// <param name="engine">Its engine.</param>
/// <param name="target">The database that it replaces.</param>
/// <param name="within">Its path in the folder that is restored with it; empty for a database of its own.</param>
/// <param name="content">What makes the restored file.</param>
/// <param name="lockTimeout">How long to wait for a locked database.</param>
internal sealed class StagedDatabase(IFileEngine engine, RestoreTarget target, string within, IDatabaseContent content, TimeSpan lockTimeout) : IDisposable
{
    private IHeldFile? _lock;

    public IFileEngine Engine => engine;

    public RestoreTarget Target => target;

    public string Within => within;

    public TimeSpan LockTimeout => lockTimeout;

    /// <summary>How far it proved itself.</summary>
    public BackupStatus Status { get; private set; } = BackupStatus.Restored;

    /// <summary>Restores the database into a new file, with the owner and mode that the application needs.</summary>
    public async Task StageAsync(string staged, RestoreStage stage, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(staged)!);
        Status = await content.WriteAsync(target.Payload, staged, stage, cancellationToken).ConfigureAwait(false);
        ApplyAttributes(staged);
        DurableFiles.FlushFile(staged);
        stage.Observer.Verbose($"Restored {target.Payload.RestoreName} beside its place: {Status}.");
    }

    /// <summary>Adds what belongs to the file besides it, once it is in place.</summary>
    public void Accompany() => content.Accompany(target.Path);

    /// <summary>Holds writers off, so that nothing is committed between the safety backup and the swap.</summary>
    public PresentState Hold(CancellationToken cancellationToken)
    {
        if (target.Action == RestoreAction.Create)
            return PresentState.None;
        if (target.Action == RestoreAction.Replace && (_lock = engine.TryHold(target.Path, lockTimeout, cancellationToken)) is null)
            return new PresentState([], IsDamaged: true);
        return new PresentState([engine.PresentState(target.Path, lockTimeout)]);
    }

    /// <summary>
    /// Copies a damaged database, which cannot be backed up, as it is: perhaps something can still be saved from it.
    /// </summary>
    /// <param name="damage">The safety backup's failure; null if no lock could be taken.</param>
    /// <param name="folder">Where the copies go.</param>
    public SetAsideState? SetAside(BackupException? damage, string folder)
    {
        // The failure may name a copy in the workspace, and perhaps another database of the same backup.
        bool isDamaged = damage is null ? target.Action == RestoreAction.Replace && _lock is null : target.Action != RestoreAction.Create && (damage.Target?.ToString() == target.Path || engine.IsDamaged(target.Path, lockTimeout));
        if (!isDamaged)
            return null;
        // Copying the file would end our own lock on it (POSIX locks end with the first close); a damaged database has no writers that
        // could be kept from anything.
        Release();
        string stem = Path.Combine(folder, $"{Path.GetFileName(target.Path)}.before-restore-{DateTimeOffset.UtcNow.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}");
        var copies = new List<string>();
        foreach (string file in engine.Companions.Select(ending => target.Path + ending).Prepend(target.Path).Where(Presence.IsFile))
        {
            string copy = stem + file[target.Path.Length..];
            File.Copy(file, copy, overwrite: false);
            DurableFiles.FlushFile(copy);
            copies.Add(copy);
        }

        return new SetAsideState(engine.Name, target.Path, copies);
    }

    /// <summary>Makes the present database complete in its one file, right before it is replaced.</summary>
    public void MakeSelfContained()
    {
        _lock?.MakeSelfContained();
        // Windows does not rename over an open file; elsewhere the lock is kept until the new file is in place.
        if (OperatingSystem.IsWindows())
            Release();
    }

    /// <summary>Lets writers in again.</summary>
    public void Release()
    {
        _lock?.Dispose();
        _lock = null;
    }

    public void Dispose() => Release();

    // The restored file belongs to whom the present one belongs, else to whom it belonged: the application must be able to open it.
    private void ApplyAttributes(string staged)
    {
        if (OperatingSystem.IsWindows())
            return;
        bool exists = Presence.IsFile(target.Path);
        if (exists)
            File.SetUnixFileMode(staged, File.GetUnixFileMode(target.Path));
        else if (target.Payload.UnixMode is { } mode)
            File.SetUnixFileMode(staged, UnixAttributes.ModeOf(mode));
        if (UnixFile.EffectiveUserId != 0)
            return;
        if (exists && UnixFile.TryStatFollow(target.Path, out UnixFileFacts facts))
        {
            UnixFile.TrySetOwner(staged, facts.UserId, facts.GroupId);
        }
        else if (UnixAttributes.TryOwnerOf(target.Payload.UnixOwner, out uint userId, out uint groupId))
        {
            UnixFile.TrySetOwner(staged, userId, groupId);
        }
    }
}
