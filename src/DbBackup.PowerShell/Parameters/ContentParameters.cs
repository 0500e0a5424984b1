namespace DbBackup.PowerShell.Parameters;

/// <summary>The part of a backup.</summary>
internal sealed class ContentParameters
{
    /// <summary>Only the database, or only the files.</summary>
    public ContentKind? Content { get; set; }
}
