using System.Globalization;

namespace DbBackup;

/// <summary>Keeps a backup from being removed: by every policy, and by Remove-DbBackup without -Force.</summary>
public sealed record BackupHold
{
    /// <summary>Why it is held; null if no reason was given, or if it cannot be read.</summary>
    public string? Reason { get; init; }

    /// <summary>When it was locked (UTC); null if it cannot be read.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>When the hold ends (UTC); null for one that ends with Unlock-DbBackup only.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>The computer on which it was locked.</summary>
    public string? Host { get; init; }

    /// <summary>True if the hold holds at a moment: one that has ended does not.</summary>
    public bool HoldsAt(DateTimeOffset moment) => Until is null || Until > moment;

    /// <inheritdoc/>
    public override string ToString() =>
        (Reason ?? "no reason given") + (Until is { } until ? string.Create(CultureInfo.InvariantCulture, $", until {until.ToLocalTime():yyyy-MM-dd HH:mm}") : string.Empty);
}
