namespace DbBackup.Engine.Platform;

/// <summary>What is done with a program's streams.</summary>
internal enum ToolUse
{
    /// <summary>Its input is empty, and what it writes is short.</summary>
    Ask,

    /// <summary>Its <see cref="ToolProcess.Input"/> will be written.</summary>
    Feed,

    /// <summary>Its input is empty, and what it writes may be gigabytes: the fastest way out is worth a start that takes longer.</summary>
    Stream,
}
