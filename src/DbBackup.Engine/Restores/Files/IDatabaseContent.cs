using DbBackup.Engine.Engines;
using DbBackup.Engine.Payloads;

namespace DbBackup.Engine.Restores.Files;

/// <summary>What a restored database file is made of.</summary>
internal interface IDatabaseContent
{
    /// <summary>Makes the file.</summary>
    /// <returns>How far it proved itself.</returns>
    Task<BackupStatus> WriteAsync(Payload payload, string file, RestoreStage stage, CancellationToken cancellationToken);

    /// <summary>Adds what belongs to the file besides it, once it is in place.</summary>
    void Accompany(string file);
}

/// <summary>A payload of a backup: compared with its fingerprint.</summary>
internal sealed class BackedUpDatabase(BackupContent content) : IDatabaseContent
{
    public async Task<BackupStatus> WriteAsync(Payload payload, string file, RestoreStage stage, CancellationToken cancellationToken)
    {
        var progress = new PayloadProgress(stage.Observer, stage.Activity, $"restoring {payload.RestoreName} beside", payload.OriginalSize);
        await DatabaseEngines.FileOf(payload).RestoreAsync(content, payload, file, progress, cancellationToken).ConfigureAwait(false);
        stage.Report($"checking {payload.RestoreName}");
        await Task.Run(() => DatabaseEngines.FileOf(payload).RequireEqual(payload, file, cancellationToken), cancellationToken).ConfigureAwait(false);
        return payload.Fingerprint is null ? BackupStatus.Restored : BackupStatus.Matched;
    }

    public void Accompany(string file)
    {
    }
}

/// <summary>The copies of a database that was too damaged to be backed up: given back as they are.</summary>
internal sealed class SetAsideDatabase(IReadOnlyList<string> copies) : IDatabaseContent
{
    public Task<BackupStatus> WriteAsync(Payload payload, string file, RestoreStage stage, CancellationToken cancellationToken)
    {
        File.Copy(copies[0], file);
        return Task.FromResult(BackupStatus.Restored);
    }

    // A log would be replayed into another file: it follows the one that it belongs to.
    public void Accompany(string file)
    {
        foreach (string copy in copies.Skip(1))
            File.Copy(copy, file + copy[copies[0].Length..], overwrite: true);
    }
}
