using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Restores;

/// <summary>What a restore says of the schema revision that it goes to.</summary>
public sealed class RestoreRevisionTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _database;

    public RestoreRevisionTests() => _database = _bench["app.db"];

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_restore_to_another_revision_says_how_to_bring_it_up_to_date()
    {
        SampleDatabase.Create(_database);
        SampleDatabase.Run(_database, "CREATE TABLE alembic_version(version_num TEXT)", "INSERT INTO alembic_version VALUES ('old1')");
        Backup backup = await _bench.BackUpAsync(_database);
        SampleDatabase.Run(_database, "UPDATE alembic_version SET version_num = 'new2'");

        RestoreResult result = await _bench.RestoreAsync(backup);

        Assert.Equal(("old1", "new2"), (result.SchemaRevision, result.PreviousSchemaRevision));
        Assert.Equal(["alembic stamp old1", "alembic upgrade head"], result.NextCommands);
        Assert.Empty((await _bench.RestoreAsync(backup)).NextCommands);
    }
}
