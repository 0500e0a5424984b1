using DbBackup.Engine.Restores;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>The way to a newer major version: a backup of the old server's container, restored into a container of the new one.</summary>
[Trait("Category", "Docker")]
public sealed class ContainerMajorsTests
{
    [SampledTheory]
    [CompleteRunData(15, 17)]
    [InlineData(15, 18)]
    [CompleteRunData(17, 17)]
    [InlineData(17, 18)]
    [CompleteRunData(18, 18)]
    public async Task Backup_of_a_server_is_proved_on_it_and_restored_into_one_of_the_same_or_a_newer_version(int from, int to)
    {
        using var old = ContainerServerBench.OfMajor(from);
        using var next = ContainerServerBench.OfMajor(to);
        old.CreateNotes();
        old.Query("CREATE EXTENSION pgcrypto; CREATE EXTENSION citext; CREATE INDEX ON notes (digest(body, 'sha256')); ALTER TABLE authors ALTER name TYPE citext", "app");
        Backup backup = await old.BackUpAsync();
        Assert.StartsWith($"{from}.", backup.Manifest!.Payloads.Single().Database!.ServerVersion, StringComparison.Ordinal);
        // The container's own programs, whatever this machine has.
        Assert.StartsWith($"{from}.", backup.Manifest.Payloads.Single().Database!.ClientVersion, StringComparison.Ordinal);
        Assert.Equal(BackupStatus.Matched, (await old.RestoreTestAsync(backup)).Status);

        RestoreResult result = await old.RestoreAsync(new RestoreRequest { Backup = backup, Connection = next.Connection, NewName = "app" });
        Assert.Equal(BackupStatus.Matched, result.Status);
        Assert.Equal(old.Content(), next.Content());
        Assert.Equal($"{to}|100", next.Query("SELECT current_setting('server_version_num')::int / 10000, (SELECT count(*) FROM notes)", "app"));
        old.AssertUndisturbed();
        next.AssertUndisturbed();
    }

    [Fact]
    public async Task Backup_of_a_newer_server_is_refused_by_an_older_one_before_anything_is_changed()
    {
        using var newer = ContainerServerBench.OfMajor(18);
        using var old = ContainerServerBench.OfMajor(15);
        newer.CreateNotes();
        old.CreateNotes(rows: 7);
        string before = old.Content();
        Backup backup = await newer.BackUpAsync();
        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(
            () => newer.RestoreAsync(new RestoreRequest { Backup = backup, Connection = old.Connection, NewName = "app" }));
        Assert.Equal(ErrorCodes.ServerTooOld, failure.Code);
        Assert.Contains("needs PostgreSQL 18 or newer, and the target is 15.", failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, old.Content());
        old.AssertUndisturbed();
    }
}
