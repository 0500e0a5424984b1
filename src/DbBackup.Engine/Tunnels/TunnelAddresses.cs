using DbBackup.Engine.Docker.Tunnel;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Tunnels;

/// <summary>
/// The kinds of places that are reached through tunnels, one line each. Engines ask here for what a manifest's location means, so that they and
/// Docker do not know each other.
/// </summary>
internal static class TunnelAddresses
{
    private static readonly Func<string, ITunnelAddress?>[] s_kinds = [ContainerServerAddress.TryParse];

    /// <summary>The address of a location; null if it is none of a place behind a tunnel.</summary>
    public static ITunnelAddress? Parse(string? location) =>
        location is null ? null : s_kinds.Select(parse => parse(location)).FirstOrDefault(address => address is not null);
}
