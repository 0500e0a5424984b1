namespace DbBackup;

/// <summary>Lists that PowerShell can index: a collection expression gives IReadOnlyList a type of the compiler's own, of which <c>$list[0]</c> is all of it.</summary>
internal static class Indexable
{
    /// <summary>Returns a list that PowerShell can index, and whose text is that of its items: Export-Csv and a shallow ConvertTo-Json write that.</summary>
    /// <remarks>A manifest of another version may lack a list; that is an empty one.</remarks>
    public static IReadOnlyList<T> Of<T>(IReadOnlyList<T>? list) => list as TextList<T> ?? new TextList<T>(list ?? []);

    /// <summary>The same for one that may be missing.</summary>
    public static IReadOnlyList<T>? OfAny<T>(IReadOnlyList<T>? list) => list is null ? null : Of(list);

    private sealed class TextList<T>(IReadOnlyList<T> items) : List<T>(items)
    {
        /// <inheritdoc/>
        public override string ToString() => string.Join(", ", this);
    }
}
