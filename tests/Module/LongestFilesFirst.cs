using DbBackup.Testing;
using DbBackup.Tests.ModuleFiles;

[assembly: TestCollectionOrderer(typeof(LongestFilesFirst))]

namespace DbBackup.Tests.ModuleFiles;

/// <summary>The longest of the Pester files. Two of them wait for each other, because their containers have the same names.</summary>
public sealed class LongestFilesFirst() : LongestFirst(nameof(DocumentsDocker), nameof(DocumentsPostgreSql), nameof(DocumentsUpgrades), nameof(RemoteStores));
