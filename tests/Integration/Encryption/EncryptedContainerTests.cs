using DbBackup.Engine.Backups;
using DbBackup.Tests.Integration.Docker;

namespace DbBackup.Tests.Integration.Encryption;

/// <summary>Encrypted backups of a server in a container.</summary>
[Trait("Category", "Docker")]
public sealed class EncryptedContainerTests
{
    private const string Name = "sealed";

    [Fact]
    public async Task A_server_in_a_container_is_tested_and_restored_with_the_key()
    {
        using var bench = new ContainerServerBench();
        bench.CreateNotes();
        string before = bench.Content();
        var reader = new EncryptedReader(bench.Files);
        await bench.Files.BackUpAsync(new BackupRequest { Sources = [await bench.SourceAsync()], Name = Name, Sealing = reader.Sealing, Fingerprint = FingerprintLevel.Content });
        reader.AssertSilent("notes", "alembic_version");
        await reader.AssertLevelsAsync(Name);
        bench.Query("DELETE FROM notes WHERE id > 7", "app");

        Assert.Equal(BackupStatus.Matched, (await reader.RestoreAsync(Name, request => request with { Force = true })).Status);

        Assert.Equal(before, bench.Content());
        bench.AssertUndisturbed();
    }
}
