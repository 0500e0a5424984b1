namespace DbBackup.Engine.Repository.Stores;

/// <summary>One object of a store, as a listing has it.</summary>
public class StoredObject
{
    /// <summary>The bytes of the largest object that is read whole: the manifest of a hundred thousand tables has a third of it.</summary>
    public const int LargestSmall = 64 << 20;

    /// <summary>Creates the object.</summary>
    /// <param name="key">Its key: names separated by <c>/</c>.</param>
    /// <param name="size">Its bytes.</param>
    /// <param name="modified">When it was written, by the store's clock (UTC).</param>
    /// <param name="version">What changes whenever the object does (an ETag); null where the store tells none.</param>
    public StoredObject(string key, long size, DateTimeOffset modified, string? version = null)
    {
        Version = version;
        Key = key;
        Size = size;
        Modified = modified;
    }

    /// <summary>Its key: names separated by <c>/</c>.</summary>
    public string Key { get; }

    /// <summary>Its bytes.</summary>
    public virtual long Size { get; }

    /// <summary>When it was written, by the store's clock (UTC).</summary>
    public virtual DateTimeOffset Modified { get; }

    /// <summary>What changes whenever the object does (an ETag); null where the store tells none.</summary>
    public string? Version { get; }

    /// <inheritdoc/>
    public override string ToString() => Key;
}
