using System.Text;
using DbBackup.Engine.Backups;
using DbBackup.Engine.Portability;
using DbBackup.Testing;
using PostgreSqlServer = DbBackup.Testing.PostgreSqlServer;

namespace DbBackup.Tests.Integration.Engines.PostgreSql;

/// <summary>The text of a dump that somebody else made reaches the database, and nothing beside it.</summary>
[Trait("Category", "PostgreSql")]
public sealed class HostileTextTests : IDisposable
{
    private readonly PostgreSqlBench _bench = new(PostgreSqlServer.Shared);

    private string Trace => _bench.Files["trace"];

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData("SELECT 1 \\! touch TRACE\n;")]
    [InlineData("SELECT 1 \\o |touch TRACE\n;")]
    [InlineData("SELECT 1 \\g |touch TRACE\n")]
    public async Task A_command_within_a_statement_of_an_imported_script_is_refused(string statement)
    {
        string dump = Planted(statement);

        BackupException failure = await Assert.ThrowsAnyAsync<BackupException>(() => ImportAsync(dump));

        ErrorAssert.Sound(failure);
        Assert.Equal(ErrorCodes.DumpUnsafe, failure.Code);
        await _bench.Files.AssertNothingListedOrStagedAsync();
        Assert.False(File.Exists(Trace));
    }

    [Fact]
    public async Task A_command_between_statements_of_an_imported_script_is_left_out_and_told()
    {
        Backup backup = await ImportAsync(Planted("SELECT 1; \\! touch TRACE\n"));

        BackupTestResult result = await _bench.TestAsync(backup);

        Assert.Equal(BackupStatus.Matched, result.Status);
        Assert.Contains(backup.Manifest!.Notes, note => note.Contains("Commands to psql were left out", StringComparison.Ordinal));
        Assert.False(File.Exists(Trace));
    }

    [Theory]
    [InlineData("SELECT 1 \\! touch TRACE\n;")]
    [InlineData("\\! touch TRACE\n")]
    [InlineData("\\unrestrict KEY\n\\! touch TRACE\n")]
    public async Task A_command_in_a_text_that_was_put_into_the_repository_never_runs(string statement)
    {
        Backup good = await ImportAsync(Planted(string.Empty));
        Backup backup = RewrittenBackup.Of(good, bytes => Encoding.UTF8.GetBytes(WithStatement(Encoding.UTF8.GetString(bytes), statement)));

        BackupTestResult read = await _bench.TestAsync(backup, BackupTestLevel.Structure);
        BackupTestResult restored = await _bench.TestAsync(backup);
        BackupException beside = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(_bench.Request(backup) with { NewName = "beside" }));
        BackupException inPlace = await Assert.ThrowsAnyAsync<BackupException>(() => _bench.RestoreAsync(_bench.Request(backup) with { InPlace = true }));

        Assert.Equal([BackupStatus.Damaged, BackupStatus.Damaged], new[] { read.Status, restored.Status });
        Assert.Equal([ErrorCodes.DumpUnsafe, ErrorCodes.DumpUnsafe], new[] { beside.Code, inPlace.Code });
        Assert.False(File.Exists(Trace));
        Assert.Equal("100", _bench.Database.Query("SELECT count(*) FROM notes").Trim());
        _bench.AssertNothingLeftOnServer();
    }

    private string Planted(string statement)
    {
        if (_bench.Database.Query("SELECT to_regclass('notes')").Trim().Length == 0)
            _bench.CreateNotes();
        string dump = SampleShop.Dump(_bench.Database, _bench.Files["shop.sql"]);
        File.WriteAllText(dump, WithStatement(File.ReadAllText(dump), statement));
        return dump;
    }

    // After the last row of the first table, where pg_dump's own key is in the text already.
    private string WithStatement(string text, string statement)
    {
        if (statement.Length == 0)
            return text;
        string key = text.Split('\n').First(line => line.StartsWith("\\restrict ", StringComparison.Ordinal))["\\restrict ".Length..].Trim();
        int place = text.IndexOf("\n\\.\n", StringComparison.Ordinal) + 4;
        return text.Insert(place, "\n" + statement.Replace("TRACE", Trace, StringComparison.Ordinal).Replace("KEY", key, StringComparison.Ordinal));
    }

    private Task<Backup> ImportAsync(string path) => new BackupImporter(_bench.Files.Repository).ImportAsync(
        path, new BackupRequest { Sources = [], Created = DateTimeOffset.UtcNow, Compression = "None" }, _bench.Observer, CancellationToken.None);
}
