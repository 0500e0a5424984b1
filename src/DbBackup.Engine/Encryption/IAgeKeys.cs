namespace DbBackup.Engine.Encryption;

/// <summary>Someone to whom an age file is sealed: wraps the file's key for them.</summary>
internal interface IAgeRecipient
{
    /// <summary>Wraps a file's key.</summary>
    AgeStanza Wrap(ReadOnlySpan<byte> fileKey);
}

/// <summary>What opens age files: unwraps the file's key.</summary>
internal interface IAgeIdentity
{
    /// <summary>Unwraps a file's key.</summary>
    /// <param name="stanza">One entry of the header.</param>
    /// <returns>Null if the entry is for another.</returns>
    /// <exception cref="AgeFormatException">The entry is of this kind, and malformed.</exception>
    byte[]? Unwrap(AgeStanza stanza);
}
