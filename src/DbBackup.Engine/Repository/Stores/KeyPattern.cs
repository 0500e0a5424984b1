namespace DbBackup.Engine.Repository.Stores;

/// <summary>A key with <see cref="AnyName"/> in place of some of its names.</summary>
/// <param name="Names">Its names.</param>
public sealed record KeyPattern(params IReadOnlyList<string> Names)
{
    /// <summary>Stands for any name that does not begin with a dot.</summary>
    public const string AnyName = "*";

    /// <summary>True if most of what fits does not exist, so that a store looks before it gives a key.</summary>
    public bool IsRare { get; init; }

    /// <summary>The names that all fitting keys begin with, each ended by <c>/</c>.</summary>
    public string Prefix => string.Concat(Names.Take(Names.Count - 1).TakeWhile(name => name != AnyName).Select(name => name + "/"));

    /// <summary>Returns the shortest prefixes with which each key that fits one of the patterns begins just once.</summary>
    public static IReadOnlyList<string> PrefixesOf(IReadOnlyList<KeyPattern> patterns)
    {
        string[] all = [.. patterns.Select(pattern => pattern.Prefix).Distinct()];
        return [.. all.Where(prefix => !all.Any(other => other != prefix && prefix.StartsWith(other, StringComparison.Ordinal)))];
    }

    /// <summary>Returns whether a key fits.</summary>
    public bool Fits(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        string[] names = key.Split('/');
        return names.Length == Names.Count && names.Zip(Names).All(pair => pair.Second == AnyName ? pair.First is not ['.', ..] : pair.First == pair.Second);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join('/', Names);
}
