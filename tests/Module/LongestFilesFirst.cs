using DbBackup.Testing;
using DbBackup.Tests.ModuleFiles;

[assembly: TestCollectionOrderer(typeof(LongestFilesFirst))]

namespace DbBackup.Tests.ModuleFiles;

/// <summary>The longest of the Pester files.</summary>
public sealed class LongestFilesFirst() : LongestFirst(DocumentsOnTheEngine, nameof(DocumentsPostgreSql), nameof(RemoteStores))
{
    /// <summary>The collection of the files whose containers have the same names: beside each other one would wait, and keep a thread from the others.</summary>
    public const string DocumentsOnTheEngine = "Documents on the engine";
}
