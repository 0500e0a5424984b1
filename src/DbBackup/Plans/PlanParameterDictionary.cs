using System.Collections;

namespace DbBackup;

/// <summary>The parameters of one command of a plan, by name: texts, numbers, true or false, lists and tables of these.</summary>
public sealed class PlanParameterDictionary : IReadOnlyDictionary<string, object?>
{
    private readonly Dictionary<string, object?> _values;

    /// <summary>Creates them.</summary>
    /// <exception cref="ArgumentException">A name comes twice, in whatever case.</exception>
    public PlanParameterDictionary(IEnumerable<KeyValuePair<string, object?>> values) => _values = new(values, StringComparer.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public IEnumerable<string> Keys => _values.Keys;

    /// <inheritdoc/>
    public IEnumerable<object?> Values => _values.Values;

    /// <inheritdoc/>
    public int Count => _values.Count;

    /// <inheritdoc/>
    public object? this[string key] => _values[key];

    /// <inheritdoc/>
    public bool ContainsKey(string key) => _values.ContainsKey(key);

    /// <inheritdoc/>
    public bool TryGetValue(string key, out object? value) => _values.TryGetValue(key, out value);

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() => _values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The parameters as they are typed, as in <c>-ComposeProject shop -AllDatabases</c>.</summary>
    public override string ToString() => string.Join(' ', _values.Select(pair => pair.Value switch
    {
        true => $"-{pair.Key}",
        false => $"-{pair.Key}:$false",
        string text => $"-{pair.Key} {Quoted(text)}",
        IEnumerable list when pair.Value is not IDictionary => $"-{pair.Key} {string.Join(", ", list.Cast<object?>().Select(item => Quoted($"{item}")))}",
        _ => $"-{pair.Key} {Quoted($"{pair.Value}")}",
    }));

    private static string Quoted(string text) =>
        text.Length > 0 && text.All(c => char.IsLetterOrDigit(c) || "._-/\\:*?@".Contains(c, StringComparison.Ordinal)) ? text : $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}
