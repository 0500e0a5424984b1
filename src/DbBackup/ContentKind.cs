namespace DbBackup;

/// <summary>The part of a backup that <c>-Content</c> selects.</summary>
public enum ContentKind
{
    /// <summary>The databases.</summary>
    Database,

    /// <summary>The files.</summary>
    Files,

    /// <summary>A server's roles and settings.</summary>
    Globals,
}
