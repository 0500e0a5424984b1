using Xunit.Sdk;
using Xunit.v3;

namespace DbBackup.Testing;

/// <summary>Runs the longest classes of an assembly first: those that begin last would run alone at the end.</summary>
/// <param name="names">The names of the classes, or of collections of several, the longest first.</param>
public abstract class LongestFirst(params string[] names) : ITestCollectionOrderer
{
    /// <inheritdoc/>
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderBy(collection => Place(collection)).ThenBy(collection => collection.UniqueID, StringComparer.Ordinal)];

    private int Place(ITestCollection collection)
    {
        int at = Array.FindIndex(names, name => collection.TestCollectionDisplayName == name || collection.TestCollectionDisplayName.Contains($".{name} ", StringComparison.Ordinal) || collection.TestCollectionDisplayName.EndsWith($".{name}", StringComparison.Ordinal));
        return at < 0 ? names.Length : at;
    }
}
