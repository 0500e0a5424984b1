using System.Globalization;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Engines.Sqlite;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Verification;

namespace DbBackup.Engine.Restores.Files;

/// <summary>A SQLite database that is restored: how it is staged and checked, and how the present one is held and kept.</summary>
/// <param name="target">The database that it replaces.</param>
/// <param name="within">Its path in the folder that is restored with it; empty for a database of its own.</param>
/// <param name="content">The backup.</param>
/// <param name="lockTimeout">How long to wait for a locked database.</param>
internal sealed class StagedSqlite(RestoreTarget target, string within, BackupContent content, TimeSpan lockTimeout) : IDisposable
{
    private SqliteWriterLock? _lock;

    public RestoreTarget Target => target;

    public string Within => within;

    public TimeSpan LockTimeout => lockTimeout;

    /// <summary>How far it proved itself.</summary>
    public BackupStatus Status { get; private set; } = BackupStatus.Restored;

    /// <summary>Restores the database into a new file and compares it with its fingerprint.</summary>
    public async Task StageAsync(string staged, RestoreStage stage, CancellationToken cancellationToken)
    {
        Payload payload = target.Payload;
        var progress = new PayloadProgress(stage.Observer, stage.Activity, $"restoring {payload.RestoreName} beside", payload.OriginalSize);
        Directory.CreateDirectory(Path.GetDirectoryName(staged)!);
        await DatabaseRestorer.RestoreAsync(content, payload, staged, progress, cancellationToken).ConfigureAwait(false);
        stage.Report($"checking {payload.RestoreName}");
        await Task.Run(() => DatabaseRestorer.RequireEqual(content.Manifest, payload, staged, cancellationToken), cancellationToken).ConfigureAwait(false);
        Status = content.Manifest.FingerprintOf(payload) is null ? BackupStatus.Restored : BackupStatus.Matched;
        ApplyAttributes(staged);
        DurableFiles.FlushFile(staged);
        stage.Observer.Verbose($"Restored {payload.RestoreName} beside its place: {Status}.");
    }

    /// <summary>Holds writers off, so that nothing is committed between the safety backup and the swap.</summary>
    public PresentState Hold(CancellationToken cancellationToken)
    {
        if (target.Action == RestoreAction.Create)
            return PresentState.None;
        if (target.Action == RestoreAction.Replace && (_lock = SqliteWriterLock.TryTake(target.Path, lockTimeout, cancellationToken)) is null)
            return new PresentState([], [], IsDamaged: true);
        return new PresentState([new SqliteSource(target.Path, SqliteFormat.Native, lockTimeout, allowEmpty: true)], []);
    }

    /// <summary>
    /// Copies a damaged database, which cannot be backed up through SQLite, as it is: perhaps something can still be saved from it.
    /// </summary>
    /// <param name="damage">The safety backup's failure; null if no lock could be taken.</param>
    /// <param name="folder">Where the copies go.</param>
    public SetAsideState? SetAside(BackupException? damage, string folder)
    {
        if (target.Action == RestoreAction.Create || (damage is null ? _lock is not null || target.Action != RestoreAction.Replace : damage.Target?.ToString() != target.Path))
            return null;
        // Copying the file would end our own lock on it (POSIX locks end with the first close); a damaged database has no writers that
        // could be kept from anything.
        Release();
        string stem = Path.Combine(folder, $"{Path.GetFileName(target.Path)}.before-restore-{DateTimeOffset.UtcNow.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}");
        var copies = new List<string>();
        foreach (string file in SqliteFile.Sidecars(target.Path).Prepend(target.Path).Where(File.Exists))
        {
            string copy = stem + file[target.Path.Length..];
            File.Copy(file, copy, overwrite: false);
            DurableFiles.FlushFile(copy);
            copies.Add(copy);
        }

        return new SetAsideState(target.Path, copies);
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
        bool exists = File.Exists(target.Path);
        if (exists)
            File.SetUnixFileMode(staged, File.GetUnixFileMode(target.Path));
        else if (target.Payload.UnixMode is { } mode)
            File.SetUnixFileMode(staged, (UnixFileMode)Convert.ToInt32(mode, 8));
        if (UnixFile.EffectiveUserId != 0)
            return;
        if (exists && UnixFile.TryStatFollow(target.Path, out UnixFileFacts facts))
        {
            UnixFile.TrySetOwner(staged, facts.UserId, facts.GroupId);
        }
        else if (target.Payload.UnixOwner?.Split(':') is [var user, var group]
            && uint.TryParse(user, CultureInfo.InvariantCulture, out uint userId) && uint.TryParse(group, CultureInfo.InvariantCulture, out uint groupId))
        {
            UnixFile.TrySetOwner(staged, userId, groupId);
        }
    }
}
