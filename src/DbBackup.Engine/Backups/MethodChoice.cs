namespace DbBackup.Engine.Backups;

/// <summary>Whether a backup is stored whole, or as its difference to a full one.</summary>
public sealed record MethodChoice
{
    /// <summary>A full backup of this age is followed by another full one, unless another age is asked for.</summary>
    public static readonly TimeSpan UsualFullAfter = TimeSpan.FromDays(7);

    /// <summary>A difference of this share of its full backup is followed by a full one, unless another share is asked for.</summary>
    public const double UsualFullAbove = 0.3;

    /// <summary>The method; null to choose by <see cref="FullAfter"/> and <see cref="FullAbove"/>. One of <see cref="BackupMethod"/>.</summary>
    public string? Method { get; init; } = BackupMethod.Full;

    /// <summary>How old a full backup may be from which others differ, where the method is chosen.</summary>
    public TimeSpan FullAfter { get; init; } = UsualFullAfter;

    /// <summary>How large a difference may be, as a share of its full backup's stored bytes, where the method is chosen.</summary>
    public double FullAbove { get; init; } = UsualFullAbove;
}
