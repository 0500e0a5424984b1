using System.Reflection;
using DbBackup.Testing.Pester;

namespace DbBackup.Tests.ScenarioFiles;

// Each Pester file as a class, so that the runner can run them beside each other and choose by what they need.


[Trait("Category", "PostgreSql")]

[PesterFile("Aimms.Tests.ps1")]

public sealed class Aimms : PesterTests;

[Trait("Category", "Docker")]

[PesterFile("AimmsDocker.Tests.ps1")]

public sealed class AimmsDocker : PesterTests;

[Trait("Category", "PostgreSql")]

[PesterFile("ArthSaarthi.Tests.ps1")]

public sealed class ArthSaarthi : PesterTests;

[Trait("Category", "Docker")]

[PesterFile("ArthSaarthiDocker.Tests.ps1")]

public sealed class ArthSaarthiDocker : PesterTests;

[Trait("Category", "Docker")]

[PesterFile("ArthSaarthiUpgrade.Tests.ps1")]

public sealed class ArthSaarthiUpgrade : PesterTests;

[PesterFile("PartsHub.Tests.ps1")]

public sealed class PartsHub : PesterTests;

[Trait("Category", "Docker")]

[PesterFile("PartsHubDocker.Tests.ps1")]

public sealed class PartsHubDocker : PesterTests;

[Trait("Category", "Docker")]

[PesterFile("PartsHubUpgrade.Tests.ps1")]

public sealed class PartsHubUpgrade : PesterTests;

[PesterFile("Pats.Tests.ps1")]

public sealed class Pats : PesterTests;

[Trait("Category", "PostgreSql")]

[PesterFile("Vamsa.Tests.ps1")]

public sealed class Vamsa : PesterTests;

[Trait("Category", "Docker")]

[PesterFile("VamsaDocker.Tests.ps1")]

public sealed class VamsaDocker : PesterTests;

[Trait("Category", "Docker")]

[PesterFile("VamsaUpgrade.Tests.ps1")]

public sealed class VamsaUpgrade : PesterTests;

// The same procedures with encrypted backups in a bucket: of each application the most telling ones.

[Trait("Category", "PostgreSql")]
[PesterFile("Aimms.Tests.ps1", World = PesterWorld.EncryptedS3)]
public sealed class AimmsInS3 : PesterTests;

[Trait("Category", "PostgreSql")]
[PesterFile("ArthSaarthi.Tests.ps1", World = PesterWorld.EncryptedS3)]
public sealed class ArthSaarthiInS3 : PesterTests;

[PesterFile("PartsHub.Tests.ps1", World = PesterWorld.EncryptedS3)]
public sealed class PartsHubInS3 : PesterTests;

[Trait("Category", "Docker")]
[PesterFile("PartsHubDocker.Tests.ps1", World = PesterWorld.EncryptedS3)]
public sealed class PartsHubDockerInS3 : PesterTests;

[Trait("Category", "Docker")]
[PesterFile("PartsHubUpgrade.Tests.ps1", World = PesterWorld.EncryptedS3)]
public sealed class PartsHubUpgradeInS3 : PesterTests;

[PesterFile("Pats.Tests.ps1", World = PesterWorld.EncryptedS3)]
public sealed class PatsInS3 : PesterTests;

[Trait("Category", "PostgreSql")]
[PesterFile("Vamsa.Tests.ps1", World = PesterWorld.EncryptedS3)]
public sealed class VamsaInS3 : PesterTests;

[Trait("Category", "Docker")]
[PesterFile("VamsaDocker.Tests.ps1", World = PesterWorld.EncryptedS3)]
public sealed class VamsaDockerInS3 : PesterTests;

/// <summary>Keeps the list whole.</summary>

public sealed class PesterFilesTests
{
    [Fact]
    public void Each_Pester_file_has_a_class_that_says_what_it_needs() => PesterTests.CheckClasses(Assembly.GetExecutingAssembly());
}
