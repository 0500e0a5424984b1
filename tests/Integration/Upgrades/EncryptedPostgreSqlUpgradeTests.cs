using DbBackup.Engine.Encryption;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Upgrades;

/// <summary>Upgrades of a server's database whose backups are encrypted, on a host that has the public key alone.</summary>
[Trait("Category", "PostgreSql")]
public sealed class EncryptedPostgreSqlUpgradeTests(OwnPostgreSqlServer own) : IClassFixture<OwnPostgreSqlServer>
{
    [Fact]
    public async Task A_public_key_alone_rehearses_and_rolls_back_and_a_success_needs_the_secret_key()
    {
        using var bench = new PostgreSqlUpgradeBench(own.Server);
        string keyFile = bench.Files["keys/my.key"];
        BackupSealing sealing = BackupSealing.To([IdentityFile.Create(keyFile)]);
        UpgradeResult failed = await bench.RunAsync(bench.Request(PostgreSqlUpgradeBench.Psql + " -c 'DROP TABLE notes'; exit 3") with { Sealing = sealing, NoRehearsal = true });
        Assert.Equal((UpgradeState.RolledBack, UpgradeStepState.Done), (failed.State, UpgradeBench.StateOf(failed, "Rollback")));
        bench.AssertAsBefore();

        UpgradeResult result = await bench.RunAsync(bench.Request(PostgreSqlUpgradeBench.Good) with { Sealing = sealing });
        Assert.True(UpgradeState.Succeeded == result.State, result.Failure);
        Assert.Contains("on a copy", result.Steps.Single(step => step.Name == "Rehearsal").Detail, StringComparison.Ordinal);
        bench.AssertMigrated();
        Assert.All(await bench.Files.ListAsync(), backup => Assert.True(backup.Manifest!.IsSealed, backup.ToString()));

        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => bench.UndoAsync(result.Id));
        Assert.Equal(ErrorCodes.BackupEncrypted, refused.Code);
        bench.AssertMigrated();
        var keys = new KeyRing();
        keys.AddIdentity(keyFile, path => path);
        UpgradeResult undone = await bench.Service.UndoAsync(result.Id, bench.Bench.Server.Password, keys, bench.Observer, CancellationToken.None);
        Assert.Equal(UpgradeState.RolledBack, undone.State);
        Assert.Equal(bench.Before, bench.Database.Dump());
    }
}
