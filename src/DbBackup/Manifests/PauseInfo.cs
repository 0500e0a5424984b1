namespace DbBackup;

/// <summary>How the application was paused while its snapshot was taken.</summary>
/// <param name="Mode">Paused or Stopped.</param>
/// <param name="Milliseconds">For how long it was paused.</param>
/// <param name="Containers">The containers that did; those that were off already are not among them.</param>
public sealed record PauseInfo(PauseMode Mode, double Milliseconds, IReadOnlyList<string>? Containers = null)
{
    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Mode} for {Milliseconds:0} ms: {string.Join(", ", Containers ?? [])}");
}

/// <summary>How an application is paused.</summary>
public enum PauseMode
{
    /// <summary>Its processes were frozen where they were.</summary>
    Paused,

    /// <summary>It was shut down and started again.</summary>
    Stopped,
}
