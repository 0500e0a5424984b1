using DbBackup.Tests.ModuleFiles;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace DbBackup.Tests.ModuleFiles;

/// <summary>
/// Runs the longest files first: those that begin last would run alone at the end, and two of them wait for each other, because their containers
/// have the same names.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] s_long = [nameof(DocumentsDocker), nameof(DocumentsPostgreSql), nameof(DocumentsUpgrades), nameof(RemoteStores)];

    /// <inheritdoc/>
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderBy(collection => Place(collection)).ThenBy(collection => collection.UniqueID, StringComparer.Ordinal)];

    private static int Place(ITestCollection collection)
    {
        int at = Array.FindIndex(s_long, name => collection.TestCollectionDisplayName.Contains($".{name} ", StringComparison.Ordinal) || collection.TestCollectionDisplayName.EndsWith($".{name}", StringComparison.Ordinal));
        return at < 0 ? s_long.Length : at;
    }
}
