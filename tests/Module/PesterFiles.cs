using System.Reflection;
using DbBackup.Testing.Pester;

namespace DbBackup.Tests.ModuleFiles;

// Each Pester file as a class, so that the runner can run them beside each other and choose by what they need.


[PesterFile("Compare-DbBackup.Tests.ps1")]
public sealed class CompareDbBackup : PesterTests;

[Trait("Category", "Docker")]
[PesterFile("CompareDocker.Tests.ps1")]
public sealed class CompareDocker : PesterTests;

[PesterFile("Completion.Tests.ps1")]
public sealed class Completion : PesterTests;

[Trait("Category", "Docker")]
[PesterFile("CompletionDocker.Tests.ps1")]
public sealed class CompletionDocker : PesterTests;

[Trait("Category", "Tool")]
[PesterFile("Connect-DbBackupRepository.Tests.ps1")]
public sealed class ConnectDbBackupRepository : PesterTests;

[PesterFile("DbBackupPlans.Tests.ps1")]
public sealed class DbBackupPlans : PesterTests;

[PesterFile("DbUpgrade.Tests.ps1")]
public sealed class DbUpgrade : PesterTests;

[Trait("Category", "PostgreSql")]
[PesterFile("DbUpgradeServer.Tests.ps1")]
public sealed class DbUpgradeServer : PesterTests;

[Trait("Category", "Docker")]
[PesterFile("Docker.Tests.ps1")]
public sealed class Docker : PesterTests;

[PesterFile("Demo.Tests.ps1")]
public sealed class Demo : PesterTests;

[PesterFile("Documents.Tests.ps1")]
public sealed class Documents : PesterTests;

[Trait("Category", "Docker")]
[Collection(LongestFilesFirst.DocumentsOnTheEngine)]
[PesterFile("DocumentsDocker.Tests.ps1")]
public sealed class DocumentsDocker : PesterTests;

[Trait("Category", "Tool")]
[PesterFile("DocumentsPostgreSql.Tests.ps1")]
public sealed class DocumentsPostgreSql : PesterTests;

[Trait("Category", "Docker")]
[Collection(LongestFilesFirst.DocumentsOnTheEngine)]
[PesterFile("DocumentsUpgrades.Tests.ps1")]
public sealed class DocumentsUpgrades : PesterTests;

[PesterFile("Export-DbBackup.Tests.ps1")]
public sealed class ExportDbBackup : PesterTests;

[Trait("Category", "Tool")]
[PesterFile("Fleet.Tests.ps1")]
public sealed class Fleet : PesterTests;

[PesterFile("FindDbBackupSource.Tests.ps1")]
public sealed class FindDbBackupSource : PesterTests;

[Trait("Category", "Docker")]
[PesterFile("FindDbBackupSourceDocker.Tests.ps1")]
public sealed class FindDbBackupSourceDocker : PesterTests;

[PesterFile("Get-DbBackup.Tests.ps1")]
public sealed class GetDbBackup : PesterTests;

[PesterFile("Get-DbBackupStatus.Tests.ps1")]
public sealed class GetDbBackupStatus : PesterTests;

[PesterFile("Export-DbBackupReport.Tests.ps1")]
public sealed class ExportDbBackupReport : PesterTests;

[PesterFile("Get-DbSchemaRevision.Tests.ps1")]
public sealed class GetDbSchemaRevision : PesterTests;

[PesterFile("Help.Tests.ps1")]
public sealed class Help : PesterTests;

[PesterFile("Import-DbBackup.Tests.ps1")]
public sealed class ImportDbBackup : PesterTests;

[PesterFile("IncrementalBackup.Tests.ps1")]
public sealed class IncrementalBackup : PesterTests;

[PesterFile("Invoke-DbBackupRetention.Tests.ps1")]
public sealed class InvokeDbBackupRetention : PesterTests;

[PesterFile("Lock-DbBackup.Tests.ps1")]
public sealed class LockDbBackup : PesterTests;

[PesterFile("Signatures.Tests.ps1")]
public sealed class Signatures : PesterTests;

[PesterFile("Test-DbBackupRepository.Tests.ps1")]
public sealed class TestDbBackupRepository : PesterTests;

[PesterFile("Encryption.Tests.ps1")]
public sealed class Encryption : PesterTests;

[PesterFile("Module.Tests.ps1")]
public sealed class ModuleItself : PesterTests;

[PesterFile("New-DbBackup.Tests.ps1")]
public sealed class NewDbBackup : PesterTests;

[PesterFile("Package.Tests.ps1")]
public sealed class Package : PesterTests;

[PesterFile("PlanSchedules.Tests.ps1")]
public sealed class PlanSchedules : PesterTests;

[Trait("Category", "Docker")]
[PesterFile("PlanSchedulesDocker.Tests.ps1")]
public sealed class PlanSchedulesDocker : PesterTests;

[Trait("Category", "PostgreSql")]
[PesterFile("PostgreSql.Tests.ps1")]
public sealed class PostgreSql : PesterTests;

[Trait("Category", "PostgreSql")]
[PesterFile("PostgreSqlCompare.Tests.ps1")]
public sealed class PostgreSqlCompare : PesterTests;

[Trait("Category", "PostgreSql")]
[PesterFile("PostgreSqlDumps.Tests.ps1")]
public sealed class PostgreSqlDumps : PesterTests;

[Trait("Category", "PostgreSql")]
[PesterFile("PostgreSqlServer.Tests.ps1")]
public sealed class PostgreSqlServer : PesterTests;

[PesterFile("RemoteStores.Tests.ps1")]
public sealed class RemoteStores : PesterTests;

[PesterFile("Remove-DbBackup.Tests.ps1")]
public sealed class RemoveDbBackup : PesterTests;

[PesterFile("Restore-DbBackup.Tests.ps1")]
public sealed class RestoreDbBackup : PesterTests;

[Trait("Category", "PostgreSql")]

[Trait("Category", "Docker")]
[PesterFile("RestoreElsewhere.Tests.ps1", World = PesterWorld.EncryptedS3)]
public sealed class RestoreElsewhere : PesterTests;

[PesterFile("RestoreFiles.Tests.ps1")]
public sealed class RestoreFiles : PesterTests;

[Trait("Category", "Docker")]
[PesterFile("ServiceSample.Tests.ps1")]
public sealed class ServiceSample : PesterTests;

[PesterFile("Start-DbBackupService.Tests.ps1")]
public sealed class StartDbBackupService : PesterTests;

[PesterFile("Test-DbBackup.Tests.ps1")]
public sealed class TestDbBackup : PesterTests;

/// <summary>Keeps the list whole.</summary>

public sealed class PesterFilesTests
{
    [Fact]
    public void Each_Pester_file_has_a_class_that_says_what_it_needs() => PesterTests.CheckClasses(Assembly.GetExecutingAssembly());
}

[PesterFile("Undo-DbRestore.Tests.ps1")]
public sealed class UndoDbRestore : PesterTests;
