using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DbBackup.Engine.Platform;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Fuzz.Targets.Records;

/// <summary>Owners of records: a process that has ended, so that what it left is looked at.</summary>
internal static class Owners
{
    /// <summary>A process of this machine that is no more.</summary>
    public static ProcessIdentity Dead { get; } = ProcessIdentity.Current with { ProcessId = int.MaxValue - 1, StartTicks = 1 };
}

/// <summary>A lease that another process left in the repository.</summary>
internal sealed class LeaseTarget : FuzzTarget
{
    private const string Leased = "app/one";

    private static readonly string s_hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Leased)))[..32];

    public override InputForm Form => InputForm.Json;

    public override IReadOnlyList<string> Words => ["Read", "Write", "Remove", "../..", "app/one", "app/"];

    public override IEnumerable<byte[]> Seeds() =>
        [JsonSerializer.SerializeToUtf8Bytes(new LeaseContent(Leased, LeasePurpose.Write, Owners.Dead, DateTimeOffset.UnixEpoch), RepositoryJsonContext.Default.LeaseContent)];

    public override object? Run(byte[] input)
    {
        var bucket = new MemoryBucket();
        bucket.PutAsync($"{RepositoryKeys.Leases}{s_hash}.1.json", input, CancellationToken.None).GetAwaiter().GetResult();
        bucket.PutAsync($"{RepositoryKeys.Leases}{s_hash}.r-x.json", input, CancellationToken.None).GetAwaiter().GetResult();
        var leases = new Leases(bucket);
        bool shared = leases.IsSharedAsync(Leased, CancellationToken.None).GetAwaiter().GetResult();
        bool removed = leases.IsBeingRemovedAsync(Leased, CancellationToken.None).GetAwaiter().GetResult();
        int swept = leases.SweepAsync(CancellationToken.None).GetAwaiter().GetResult().Count;
        Lease? taken = leases.TryTakeAsync(Leased, LeasePurpose.Write, CancellationToken.None).GetAwaiter().GetResult();
        return (shared, removed, swept, taken is null);
    }
}

/// <summary>The repository's own file.</summary>
internal sealed class RepositoryFileTarget : FuzzTarget
{
    public override InputForm Form => InputForm.Json;

    public override IEnumerable<byte[]> Seeds() =>
        [JsonSerializer.SerializeToUtf8Bytes(new RepositoryFile(1, new Guid("7b0b3f0c-0000-4000-8000-000000000001"), DateTimeOffset.UnixEpoch), RepositoryJsonContext.Default.RepositoryFile)];

    public override object? Run(byte[] input)
    {
        var bucket = new MemoryBucket();
        bucket.PutAsync(RepositoryKeys.Identity, input, CancellationToken.None).GetAwaiter().GetResult();
        var identity = new RepositoryIdentity(bucket, null);
        identity.RequireReadableAsync(CancellationToken.None).GetAwaiter().GetResult();
        identity.RequireWritableAsync(allowNew: false, CancellationToken.None).GetAwaiter().GetResult();
        return null;
    }
}

/// <summary>What a user's folder remembers of a repository.</summary>
internal sealed class KnownRepositoryTarget : FuzzTarget
{
    private const string Location = "/mnt/backups";

    public override InputForm Form => InputForm.Json;

    public override IEnumerable<byte[]> Seeds() =>
        [JsonSerializer.SerializeToUtf8Bytes(new KnownRepository(Location, [new Guid("7b0b3f0c-0000-4000-8000-000000000001")]), RepositoryJsonContext.Default.KnownRepository)];

    public override object? Run(byte[] input)
    {
        var known = new KnownRepositories(Folder.Path);
        if (!Directory.EnumerateFiles(Folder.Path).Any())
            known.Remember(Location, Guid.NewGuid());
        File.WriteAllBytes(Directory.EnumerateFiles(Folder.Path).Single(), input);
        int ids = known.IdsAt(Location).Count;
        var id = Guid.NewGuid();
        known.Remember(Location, id);
        Require(known.IdsAt(Location).Contains(id), "what is remembered is known");
        return ids;
    }
}

/// <summary>The record of a restore that can be undone.</summary>
internal sealed class RestoreRecordTarget : FuzzTarget
{
    public override InputForm Form => InputForm.Json;

    public override IReadOnlyList<string> Words => ["Source", "Replaced", "SetAside", "../../x"];

    public override IEnumerable<byte[]> Seeds() =>
    [
        JsonSerializer.SerializeToUtf8Bytes(new RestoreRecord
        {
            Id = "20260101T000000Z-abcd",
            Source = "app",
            Backup = "20251231T000000Z-full",
            Restored = DateTimeOffset.UnixEpoch,
            Host = "host",
            Replaced = ["/srv/app.db"],
            Created = ["/srv/uploads"],
            SafetyBackup = "20260101T000000Z-safety",
            Retained = ["app"],
            LeftStopped = ["web"],
        }),
    ];

    public override object? Run(byte[] input)
    {
        var bucket = new MemoryBucket();
        bucket.PutAsync(".dbbackup/restores/app/foreign.json", input, CancellationToken.None).GetAwaiter().GetResult();
        var repository = new BackupRepository(bucket);
        IReadOnlyList<RestoreRecord> records = RestoreUndo.ListAsync(repository, "app", CancellationToken.None).GetAwaiter().GetResult();
        foreach (RestoreRecord record in records)
        {
            Require(record.ToString().Length > 0, "a record can be shown");
            PreparedRestore undo = RestoreUndo.PrepareAsync(repository, new UndoRequest { Record = record }, changeNothing: true, SilentObserver.Instance, CancellationToken.None).GetAwaiter().GetResult();
            _ = undo.ToString();
        }

        return records.Count;
    }
}
