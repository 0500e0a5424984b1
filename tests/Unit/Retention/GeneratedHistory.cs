using CsCheck;
using DbBackup.Engine.Repository;
using DbBackup.Testing.Retention;

namespace DbBackup.Tests.Unit.Retention;

/// <summary>What happens in one night of a generated history.</summary>
/// <param name="Gap">Hours since the run before: mostly a night, at times an hour or a season.</param>
/// <param name="Kind">What the run makes: mostly a whole backup, at times none.</param>
/// <param name="Clock">How the clock changes before it, in minutes.</param>
/// <param name="Later">What happens to an older backup: it rots, is tested, locked or unlocked.</param>
/// <param name="Which">Which older one.</param>
internal sealed record Night(int Gap, int Kind, int Clock, int Later, int Which);

/// <summary>Nightly runs over years, with everything that goes wrong in them.</summary>
internal sealed class GeneratedHistory
{
    // With daylight saving in both hemispheres, by half an hour, and without.
    private static readonly string[] s_zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"];
    private readonly List<Made> _made = [];
    private long _sequence;

    private sealed record Made(
        DateTimeOffset Created, long Sequence, string Reason, string Scope, bool IsCollapsed, bool IsKept, BackupStatus Status, BackupHold? Hold, Made? Parent)
    {
        public string Name { get; } = $"n{Sequence:D5}";

        public Backup Listed { get; } = SampleBackups.Make(Created, Sequence, $"n{Sequence:D5}", reason: Reason, scope: Scope, status: Status, isCollapsed: IsCollapsed, hold: Hold, isKept: IsKept);
    }

    /// <summary>Generates the nights of one history.</summary>
    public static Gen<Night[]> Nights(int least, int most) => Gen.Select(
        Gen.Frequency((6, Gen.Const(24)), (2, Gen.Int[1, 30]), (1, Gen.Int[40, 200]), (1, Gen.Int[500, 2500])),
        Gen.Int[0, 99],
        Gen.Frequency((20, Gen.Const(0)), (1, Gen.Int[-300, 300]), (1, Gen.Int[-40_000, 40_000])),
        Gen.Int[0, 39],
        Gen.Int[0, 1000],
        (gap, kind, clock, later, which) => new Night(gap, kind, clock, later, which)).Array[least, most];

    /// <summary>Generates a policy that keeps something.</summary>
    public static Gen<RetentionPolicy> Policies { get; } = Gen.Select(
        Gen.Int[0, 3].Array[6],
        Gen.Int[0, 9],
        Gen.Int[0, 6],
        Gen.Int[0, s_zones.Length - 1],
        Gen.Frequency((6, Gen.Const(BackupStatus.Written)), (1, Gen.Const(BackupStatus.Checked))),
        Gen.Int[0, 3],
        (counts, within, day, zone, status, reasons) => new RetentionPolicy
        {
            Last = counts.All(count => count == 0) && within > 3 ? 1 : counts[0] / 2,
            Hourly = counts[1],
            Daily = counts[2],
            Weekly = counts[3],
            Monthly = counts[4],
            Yearly = counts[5] / 2,
            Within = within <= 3 ? TimeSpan.FromDays(1 + (within * 10)) : null,
            WeeklyOn = (DayOfWeek)day,
            TimeZone = s_zones[zone],
            RequiredStatus = status,
            ByReason = reasons switch
            {
                0 => new Dictionary<string, TimeSpan>(),
                1 => new Dictionary<string, TimeSpan> { ["Manual"] = TimeSpan.FromDays(3), ["Safety"] = TimeSpan.FromDays(1) },
                _ => RetentionPolicy.DefaultByReason,
            },
        });

    /// <summary>The moment; the clock of the machine may have been set.</summary>
    public DateTimeOffset Now { get; private set; } = new(2024, 1, 1, 1, 30, 0, TimeSpan.Zero);

    /// <summary>All that is there, newest first.</summary>
    public IReadOnlyList<Backup> List() => BackupRepository.NewestFirst([.. _made.Select(each => each.Listed)]);

    /// <summary>The backup that an incremental one is made on.</summary>
    public IEnumerable<Backup> ParentsOf(Backup backup) =>
        _made.Find(each => each.Listed == backup)?.Parent is { } parent && _made.Find(each => each.Sequence == parent.Sequence) is { } present ? [present.Listed] : [];

    /// <summary>True if a parent of a backup that is there is gone.</summary>
    public bool IsOrphaned => _made.Exists(each => each.Parent is { } parent && !_made.Exists(other => other.Sequence == parent.Sequence));

    /// <summary>The newest whole good backup.</summary>
    public string? LastWholeGood() => List().FirstOrDefault(each =>
        each is { IsGood: true, IsCollapsed: false, Scope: BackupScope.Whole, KeptOnServer: null } && each.Reason is not (BackupReason.Safety or BackupReason.Rehearsal))?.Name;

    /// <summary>The backups that are locked.</summary>
    public IReadOnlyList<string> Held() => [.. _made.Where(each => each.Hold?.HoldsAt(Now) == true).Select(each => each.Name)];

    /// <summary>Lets one night happen.</summary>
    public void Live(Night night)
    {
        Now = Now.AddHours(night.Gap).AddMinutes(night.Clock);
        if (_made.Count > 0)
            Change(night.Which % _made.Count, night.Later);
        Made? parent = night.Which % 3 > 0 ? _made.LastOrDefault(each => each.Status >= BackupStatus.Written && each.Scope == BackupScope.Whole && !each.IsKept) : null;
        Made whole = new(Now, ++_sequence, BackupReason.Scheduled, BackupScope.Whole, false, false, BackupStatus.Written, null, null);
        Made? made = night.Kind switch
        {
            < 50 => whole with { Status = (BackupStatus)(night.Which % 4) },
            < 60 => whole with { Parent = parent },
            < 72 => null,
            < 76 => whole with { Reason = BackupReason.PreMigration },
            < 80 => whole with { Reason = BackupReason.Safety },
            < 84 => whole with { Scope = BackupScope.Partial },
            < 87 => whole with { IsCollapsed = true },
            < 90 => whole with { Reason = BackupReason.Manual, Hold = Hold(night.Which) },
            < 92 => whole with { Status = BackupStatus.Mismatched },
            < 94 => whole with { Status = BackupStatus.Damaged },
            < 95 => whole with { Reason = BackupReason.Rehearsal },
            < 96 => whole with { IsKept = true, Reason = BackupReason.Safety },
            < 97 => whole with { Status = BackupStatus.Unreadable },
            _ => whole with { Sequence = _sequence },
        };
        if (made is not null)
            _made.Add(Fresh(made));
    }

    /// <summary>Removes what was not kept.</summary>
    public void Keep(ISet<string> names) => _made.RemoveAll(each => !names.Contains(each.Name));

    private BackupHold Hold(int which) => new() { Reason = "audit", Since = Now, Until = which % 2 == 0 ? Now.AddDays(which % 60) : null };

    private void Change(int index, int later)
    {
        Made old = _made[index];
        _made[index] = Fresh(later switch
        {
            0 => old with { Status = BackupStatus.Damaged },
            1 => old with { Status = BackupStatus.Mismatched },
            2 or 3 => old with { Status = BackupStatus.Matched },
            4 => old with { Hold = Hold(index) },
            5 => old with { Hold = null },
            _ => old,
        });
    }

    // A record copies what it has computed.
    private static Made Fresh(Made made) => new(made.Created, made.Sequence, made.Reason, made.Scope, made.IsCollapsed, made.IsKept, made.Status, made.Hold, made.Parent);
}
