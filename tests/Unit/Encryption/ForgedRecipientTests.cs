using System.Text;
using System.Text.Json.Nodes;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Manifests;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Encryption;

/// <summary>Who may write to the repository and cannot open a backup names no recipient for what is encrypted to the same people.</summary>
public sealed class ForgedRecipientTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task ARecipientWrittenIntoKeyJsonByAStrangerGetsNoSafetyBackup()
    {
        string database = SampleDatabase.Create(_bench["app.db"]);
        string recipient = IdentityFile.Create(_bench["my.key"]);
        string stranger = X25519Identity.Create().Recipient.ToString();
        Backup made = await _bench.BackUpAsync(new BackupRequest { Sources = [Workbench.Sqlite(database)], Sealing = BackupSealing.To([recipient]) });
        string present = SampleDatabase.Content(database);
        string path = Path.Join(made.Location, RepositoryKeys.KeyRecord);
        byte[] genuine = await File.ReadAllBytesAsync(path);
        JsonObject forged = JsonNode.Parse(genuine)!.AsObject();
        forged["recipients"] = new JsonArray(recipient, stranger);
        // With the hash at its end that belongs to it, so that all but the code is as it should be.
        forged.Remove("sha256");
        File.SetAttributes(path, FileAttributes.Normal);
        await File.WriteAllBytesAsync(path, Seal.Add(Encoding.UTF8.GetBytes(forged.ToJsonString())));

        Backup listed = await ListedAsync();
        Assert.Equal([recipient, stranger], await new EncryptedBackups(_bench.Repository).RecipientsAsync(listed, CancellationToken.None));
        _bench.Repository.Keys.AddIdentity(_bench["my.key"], name => name);
        Backup opened = await new EncryptedBackups(_bench.Repository).OpenAsync(listed, CancellationToken.None);
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(opened));
        Assert.Equal(ErrorCodes.BackupDamaged, refused.Code);
        Assert.Contains("by someone who cannot open it", refused.Message, StringComparison.Ordinal);
        Assert.Equal(present, SampleDatabase.Content(database));
        Assert.Single(await _bench.ListAsync());

        await File.WriteAllBytesAsync(path, genuine);
        await _bench.RestoreAsync(opened);
        Backup safety = Assert.Single(await _bench.ListAsync(), backup => backup.Reason == BackupReason.Safety);
        Assert.Equal([recipient], await new EncryptedBackups(_bench.Repository).RecipientsAsync(safety, CancellationToken.None));
    }

    private async Task<Backup> ListedAsync() => Assert.Single(await _bench.ListAsync());
}
