using DbBackup.Engine.Payloads.Patches;

namespace DbBackup.Engine.Engines;

/// <summary>The payloads of the full backup from which a new one will differ, for sources that take from them what is unchanged.</summary>
internal interface IEarlierPayloads
{
    /// <summary>Opens the payload from which a part of the new backup will differ, by what its source wrote down when it was made.</summary>
    /// <typeparam name="T">What the source makes of it.</typeparam>
    /// <param name="part">The part.</param>
    /// <param name="read">Reads what was written down. The payload stays open until the part is stored.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Null if the source has to be read whole.</returns>
    Task<T?> OpenAsync<T>(CapturedPayload part, Func<ParentPayload, ReadOnlyMemory<byte>, T?> read, CancellationToken cancellationToken)
        where T : class;
}
