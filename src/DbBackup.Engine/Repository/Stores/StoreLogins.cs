using System.Collections.Concurrent;
using System.Net;

namespace DbBackup.Engine.Repository.Stores;

/// <summary>The logins that were given in this process, by the server that they are for. They are kept in memory alone.</summary>
internal static class StoreLogins
{
    private static readonly ConcurrentDictionary<string, NetworkCredential> Logins = new(StringComparer.Ordinal);

    /// <summary>Keeps a login for all locations of a server.</summary>
    public static void Remember(StoreAddress address, NetworkCredential login)
    {
        ArgumentNullException.ThrowIfNull(address);
        Logins[address.Server] = login;
    }

    /// <summary>The login for a location; null where none was given and the store's own means are to be used.</summary>
    public static NetworkCredential? Find(StoreAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Logins.GetValueOrDefault(address.Server);
    }

    /// <summary>Puts back what was there before.</summary>
    public static void Restore(StoreAddress address, NetworkCredential? login)
    {
        if (login is null)
            Logins.TryRemove(address.Server, out _);
        else
            Logins[address.Server] = login;
    }
}
