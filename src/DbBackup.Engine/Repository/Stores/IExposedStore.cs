namespace DbBackup.Engine.Repository.Stores;

/// <summary>A store off site that can be asked who else reads what is in it.</summary>
internal interface IExposedStore : IObjectStore
{
    /// <summary>Asks the server whom else it lets read or write. It changes nothing, and what the server does not tell is no failure.</summary>
    Task<StoreExposure> FindExposureAsync(CancellationToken cancellationToken);
}

/// <summary>Who else reads or writes what is in a store, as far as its server tells.</summary>
/// <param name="Problems">What is open to others, as clauses.</param>
/// <param name="NotChecked">What the server did not tell, as nouns.</param>
internal sealed record StoreExposure(IReadOnlyList<string> Problems, IReadOnlyList<string> NotChecked);
