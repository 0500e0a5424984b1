using DbBackup.Engine.Repository;

namespace DbBackup.Testing.Retention;

/// <summary>Backups as a repository lists them, without one.</summary>
internal static class SampleBackups
{
    /// <summary>Makes one backup.</summary>
    public static Backup Make(
        DateTimeOffset created,
        long sequence = 0,
        string? name = null,
        string source = "app",
        string reason = BackupReason.Scheduled,
        string scope = BackupScope.Whole,
        BackupStatus status = BackupStatus.Written,
        bool isCollapsed = false,
        BackupHold? hold = null,
        bool isKept = false,
        long size = 1000)
    {
        name ??= BackupName.Automatic(created, reason);
        var payload = new Payload
        {
            FileName = "app.db",
            Kind = PayloadKind.Database,
            Format = PayloadFormat.SqliteFile,
            Compression = PayloadCompression.None,
            Scope = scope,
            OriginalSize = size,
            StoredSize = size,
            OriginalSha256 = new string('0', 64),
            StoredSha256 = new string('0', 64),
            RestoreName = "app.db",
        };
        var manifest = new Manifest
        {
            Id = Guid.NewGuid(),
            Name = name,
            Reason = reason,
            Created = created.ToUniversalTime(),
            Completed = created.ToUniversalTime(),
            Sequence = sequence,
            Source = new SourceInfo { Name = source, Engine = "Sqlite" },
            Payloads = isKept ? [] : [payload],
            Collapsed = isCollapsed ? ["app.db: 1 rows instead of 1000"] : [],
            Kept = isKept ? new KeptDatabase("localhost/app_kept", 1, "app", "app", size, "x") : null,
        };
        bool isUnreadable = status == BackupStatus.Unreadable;
        return new Backup(manifest, source, name, "/repository", $"/repository/{source}/{name}", TestsFor(created, status), isUnreadable ? "it needs a newer version of DbBackup" : null, hold: hold);
    }

    /// <summary>Makes backups at such moments, newest first.</summary>
    public static IReadOnlyList<Backup> At(IEnumerable<DateTimeOffset> moments) =>
        BackupRepository.NewestFirst([.. moments.Select((moment, index) => Make(moment, index + 1, $"b{index + 1}"))]);

    private static IReadOnlyList<TestRecord> TestsFor(DateTimeOffset created, BackupStatus status) => status switch
    {
        BackupStatus.Written or BackupStatus.Unreadable => [],
        _ => [new TestRecord { Tested = created, Level = BackupTestLevel.Restore, Passed = status > BackupStatus.Written, Reached = status }],
    };
}
