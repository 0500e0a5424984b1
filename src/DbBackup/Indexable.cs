namespace DbBackup;

/// <summary>Lists that PowerShell can index: a collection expression gives IReadOnlyList a type of the compiler's own, of which <c>$list[0]</c> is all of it.</summary>
internal static class Indexable
{
    /// <summary>Returns the list itself if it is an array or a List, else an array of it.</summary>
    public static IReadOnlyList<T> Of<T>(IReadOnlyList<T> list) => list is T[] or List<T> ? list : list.ToArray();

    /// <summary>The same for one that may be missing.</summary>
    public static IReadOnlyList<T>? OfAny<T>(IReadOnlyList<T>? list) => list is null ? null : Of(list);
}
