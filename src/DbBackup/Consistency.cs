namespace DbBackup;

/// <summary>What is asked of an application in containers while the snapshot of its files is taken.</summary>
public enum Consistency
{
    /// <summary>What is right for the source: for files, a short pause.</summary>
    Auto,

    /// <summary>Its processes are frozen for a moment.</summary>
    Pause,

    /// <summary>It is shut down and started again.</summary>
    Stop,

    /// <summary>It goes on. Each database is whole by itself, but files may be newer than the rows that name them.</summary>
    Live,
}
