namespace DbBackup.Engine.Platform;

/// <summary>A name or wildcard as the user wrote it.</summary>
/// <param name="Text">The text.</param>
/// <param name="IsExact">True without wildcards: it is an error then if nothing has that name.</param>
/// <param name="Fits">True for a name that matches.</param>
public sealed record NameFilter(string Text, bool IsExact, Func<string, bool> Fits)
{
    /// <summary>A filter that only one name matches.</summary>
    public static NameFilter Exact(string name) => new(name, true, other => other == name);
}
