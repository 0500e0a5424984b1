namespace DbBackup;

/// <summary>How well a source is backed up. The order is the urgency.</summary>
public enum BackupHealth
{
    /// <summary>Everything is as it should be.</summary>
    OK,

    /// <summary>Something needs a look within days.</summary>
    Warning,

    /// <summary>Data would be lost, or is not protected any more: it needs a person now.</summary>
    Critical,
}
