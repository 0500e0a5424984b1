using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Migrations;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Migrations;

/// <summary>Migrations read from real Alembic projects, here and in containers.</summary>
[Trait("Category", "Docker")]
public sealed class MigrationCodeTests : IDisposable
{
    private readonly Workbench _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Code_in_a_folder_says_its_heads_and_what_a_database_lacks()
    {
        MigrationCode code = await ReadAsync(AlembicProject.Create(_files["code"], ("aa01", []), ("bb02", ["aa01"]), ("cc03", ["bb02"])));
        Assert.Equal(["cc03"], code.Heads);
        SchemaRevision behind = code.Compare(At("aa01"));
        Assert.Equal(SchemaRelation.Behind, behind.Relation);
        Assert.Equal(["bb02", "cc03"], behind.Pending);
        Assert.Equal(["cc03"], behind.CodeHeads);
        Assert.Equal(SchemaRelation.Same, code.Compare(At("cc03")).Relation);
        Assert.Equal(SchemaRelation.Ahead, code.Compare(At("ffff")).Relation);
        Assert.Equal(SchemaRelation.Unknown, code.Compare(At(null)).Relation);
    }

    [Fact]
    public async Task Branches_are_seen_as_several_heads_and_merges_as_one()
    {
        MigrationCode forked = await ReadAsync(AlembicProject.Create(_files["forked"], ("aa01", []), ("bb02", ["aa01"]), ("cc03", ["aa01"])));
        Assert.Equal(["bb02", "cc03"], forked.Heads.Order());
        Assert.Equal(SchemaRelation.Behind, forked.Compare(At("bb02")).Relation);
        Assert.Equal(SchemaRelation.Same, forked.Compare(At("bb02,cc03")).Relation);
        MigrationCode merged = await ReadAsync(AlembicProject.Create(_files["merged"], ("aa01", []), ("bb02", ["aa01"]), ("cc03", ["aa01"]), ("dd04", ["bb02", "cc03"])));
        Assert.Equal(["dd04"], merged.Heads);
        Assert.Equal(["dd04"], merged.Compare(At("bb02,cc03")).Pending);
    }

    [Fact]
    public async Task Code_without_migrations_that_can_be_read_is_named_with_the_words_of_the_program()
    {
        string folder = AlembicProject.Create(_files["code"], ("bb02", ["gone"]));
        BackupException broken = await Assert.ThrowsAnyAsync<BackupException>(() => ReadAsync(folder));
        Assert.Equal(ErrorCodes.MigrationsUnreadable, broken.Code);
        Assert.Contains("gone", broken.Message, StringComparison.Ordinal);
        BackupException bare = await Assert.ThrowsAnyAsync<BackupException>(() => ReadAsync(Directory.CreateDirectory(_files["bare"]).FullName));
        Assert.Equal(ErrorCodes.MigrationsUnreadable, bare.Code);
        BackupException missing = await Assert.ThrowsAnyAsync<BackupException>(() => ReadAsync(_files["nowhere"]));
        Assert.Equal(ErrorCodes.SourceNotFound, missing.Code);
        BackupException tool = await Assert.ThrowsAnyAsync<BackupException>(() =>
            MigrationCode.ReadAsync(new MigrationCodeRequest { Folder = folder, Tool = "no-such-program history" }, CancellationToken.None));
        Assert.Equal(ErrorCodes.ToolMissing, tool.Code);
    }

    [Fact]
    public async Task Code_in_a_container_is_read_with_the_programs_in_there()
    {
        using DockerEngine docker = DockerEngine.Require();
        string code = AlembicProject.Create(_files["code"], ("aa01", []), ("bb02", ["aa01"]));
        string container = docker.Run("--volume", $"{code}:/app:ro", "--workdir", "/app", DockerImages.App);
        Assert.Equal(["bb02"], (await ReadAsync(null, container)).Heads);
        string elsewhere = docker.Run("--volume", $"{code}:/srv/the code:ro", DockerImages.App);
        Assert.Equal(["bb02"], (await ReadAsync("/srv/the code", elsewhere)).Heads);

        BackupException folder = await Assert.ThrowsAnyAsync<BackupException>(() => ReadAsync("/nowhere", elsewhere));
        Assert.Equal(ErrorCodes.MigrationsUnreadable, folder.Code);
        Assert.Contains("/nowhere", folder.Message, StringComparison.Ordinal);
        BackupException tool = await Assert.ThrowsAnyAsync<BackupException>(() => ReadAsync("/srv/the code", elsewhere, "no-such-program"));
        Assert.Equal(ErrorCodes.ToolMissing, tool.Code);
        docker.Docker("stop", "--time", "1", elsewhere);
        BackupException stopped = await Assert.ThrowsAnyAsync<BackupException>(() => ReadAsync("/srv/the code", elsewhere));
        Assert.Equal(ErrorCodes.ContainerNotRunning, stopped.Code);
    }

    private static SchemaRevision At(string? revision) => new() { Target = "app.db", Engine = "Sqlite", Revision = revision };

    private static Task<MigrationCode> ReadAsync(string? folder, string? container = null, string tool = "alembic") => MigrationCode.ReadAsync(
        new MigrationCodeRequest { Folder = folder, Container = container is null ? null : new ContainerAddress.OfContainer(container), Tool = tool }, CancellationToken.None);
}
