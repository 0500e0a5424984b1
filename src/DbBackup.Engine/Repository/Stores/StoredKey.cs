namespace DbBackup.Engine.Repository.Stores;

/// <summary>A key that was found.</summary>
/// <param name="Key">The key.</param>
/// <param name="Version">What changes whenever the object does (an ETag); null where the store tells none, or was not asked.</param>
public readonly record struct StoredKey(string Key, string? Version)
{
    /// <inheritdoc/>
    public override string ToString() => Key;
}
