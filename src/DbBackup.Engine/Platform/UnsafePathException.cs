namespace DbBackup.Engine.Platform;

/// <summary>What lies at a path is not what this module puts there, and is neither followed nor opened: a link, a FIFO, a device.</summary>
/// <param name="path">The path.</param>
/// <param name="reason">What it is, as in "is a link".</param>
internal sealed class UnsafePathException(string path, string reason) : IOException($"'{path}' {reason}")
{
    /// <summary>The path.</summary>
    public string Path { get; } = path;

    /// <summary>What it is.</summary>
    public string Reason { get; } = reason;
}
