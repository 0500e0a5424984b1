using DbBackup.Engine.Backups;
using DbBackup.Engine.Docker.Files;
using DbBackup.Testing;
using DbBackup.Tests.Integration.Docker;
using DbBackup.Tests.Integration.Docker.Restore;

namespace DbBackup.Tests.Integration.Encryption;

/// <summary>Encrypted backups of containers: a server's database, and a volume, which stock tools restore too.</summary>
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

    [Fact]
    public async Task A_volume_is_restored_with_the_key_and_by_age_zstd_and_docker_alone()
    {
        foreach (string tool in (string[])["age", "sqlite3", "zstd", "tar", "sha256sum"])
            Require.Tool(tool);
        using var bench = new ContainerRestoreBench();
        string volume = bench.Docker.CreateVolume();
        string container = bench.RunFilled(volume);
        string folder = bench.Folder(volume);
        string before = ContainerRestoreBench.State(folder);
        bench.Docker.Docker("stop", "--time", "1", container);
        var reader = new EncryptedReader(bench.Files.Bench);
        Backup backup;
        ContainerFilesPlan plan = await ContainerFiles.ResolveAsync(ContainerFilesBench.Volume(volume), CancellationToken.None);
        await using (plan)
            backup = await bench.Files.Bench.BackUpAsync(new BackupRequest { Sources = plan.Sources, Name = Name, Sealing = reader.Sealing, Fingerprint = FingerprintLevel.Content });
        // Names of payload files stay readable.
        reader.AssertSilent("..hidden", "b.txt", "sub/deep");
        await reader.AssertLevelsAsync(Name);

        bench.Docker.Docker("start", container);
        bench.ChangeData(container);
        Assert.Equal(BackupStatus.Matched, (await reader.RestoreAsync(Name, request => request with { Force = true })).Status);
        Assert.Equal(before, ContainerRestoreBench.State(folder));
        Assert.True(Assert.Single(await reader.Locked.ListAsync(null, CancellationToken.None), each => each.Reason == BackupReason.Safety).Manifest!.IsSealed);

        // By hand, from a changed state again: the commands of the instructions as they stand, an image for IMAGE.
        bench.ChangeData(container);
        bench.Docker.Docker("stop", "--time", "1", container);
        Assert.NotEqual(before, ContainerRestoreBench.State(folder));
        File.Copy(reader.KeyFile, Path.Join(backup.Location, "my.key"));
        string said = string.Join('\n', ((string[])["RESTORE.txt", "RESTORE.full.txt"]).Select(instructions =>
            Shell.Run("sh", "-ec", $"cd '{backup.Location}'\n{string.Join('\n', SealedInstructionsTests.Commands(backup.Location, instructions))}")));
        // Each of the two databases.
        Assert.Equal(2, said.Split('\n').Count(line => line == "ok"));
        string[] lines = File.ReadAllLines(Path.Join(backup.Location, "RESTORE.full.txt"));
        string[] copies = [.. lines.Where(line => line.StartsWith("   docker run --rm", StringComparison.Ordinal)).Select(line => line.Replace(" IMAGE ", $" {DockerImages.App} ", StringComparison.Ordinal))];
        Assert.Equal(2, copies.Length);
        Shell.Run("sh", "-ec", $"cd '{backup.Location}'\n{string.Join('\n', copies)}");
        Assert.Equal(before, ContainerRestoreBench.State(folder));
    }
}
