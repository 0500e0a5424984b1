using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Api;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Docker;

/// <summary>Which compose project a name, a folder or a file means.</summary>
[Trait("Category", "Docker")]
public sealed class ComposeProjectTests : IDisposable
{
    private readonly DockerEngine _engine = DockerEngine.Require();
    private readonly TempFolder _elsewhere = new();

    public void Dispose()
    {
        _engine.Dispose();
        _elsewhere.Dispose();
    }

    [Fact]
    [Trait("Compose", "1")]
    public async Task Folder_of_the_same_name_is_another_project_that_is_not_taken_for_the_running_one()
    {
        string running = _engine.CreateProject(Services());
        _engine.Compose(running, "up", "-d");
        string name = Path.GetFileName(running);
        string other = Directory.CreateDirectory(_elsewhere[name]).FullName;
        Write(other, Services());
        Assert.Equal(name, (await FindAsync(running)).Name);
        Assert.Equal(name, (await FindAsync(name)).Name);
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => FindAsync(other));
        Assert.Equal((ErrorCodes.InvalidArgument, FailureCategory.Refused), (refused.Code, refused.Category));
        Assert.Contains(running, refused.Message, StringComparison.Ordinal);
        Assert.Contains($"-ComposeProject {name}", refused.Hint, StringComparison.Ordinal);
        // The name of the files decides, and a link to a folder is that folder.
        Directory.CreateSymbolicLink(_elsewhere["link"], running);
        Assert.Equal(name, (await FindAsync(_elsewhere["link"])).Name);
    }

    [Fact]
    public async Task Name_in_the_files_comes_before_that_of_the_folder()
    {
        string running = _engine.CreateProject(Services());
        _engine.Compose(running, "up", "-d");
        string name = Path.GetFileName(running);
        string other = Directory.CreateDirectory(_elsewhere[name]).FullName;
        Write(other, $"name: {name}-prod\n{Services()}");
        Assert.SkipWhen(await IsFirstAsync(other), "Compose 1 knows no name in its files.");
        BackupException down = await Assert.ThrowsAnyAsync<BackupException>(() => FindAsync(other));
        Assert.Equal(ErrorCodes.ContainerNotFound, down.Code);
        Assert.Contains($"{name}-prod", down.Message, StringComparison.Ordinal);
        _engine.Docker("compose", "--project-directory", other, "-f", Path.Join(other, "docker-compose.yml"), "up", "-d");
        Assert.Equal($"{name}-prod", (await FindAsync(other)).Name);
        Assert.Equal(name, (await FindAsync(running)).Name);
        File.WriteAllText(Path.Join(other, ".env"), $"COMPOSE_PROJECT_NAME={name}-none\n");
        Write(other, Services());
        Assert.Equal(ErrorCodes.ContainerNotFound, (await Assert.ThrowsAnyAsync<BackupException>(() => FindAsync(other))).Code);
    }

    [Fact]
    public async Task File_means_the_project_that_was_started_from_it()
    {
        string folder = _engine.CreateProject(Services());
        _engine.Compose(folder, "up", "-d");
        string name = Path.GetFileName(folder);
        string file = Path.Join(folder, "compose.other.yml");
        File.WriteAllText(file, Services());
        _engine.Compose(folder, "-p", name + "-other", "-f", file, "up", "-d");
        // The test's own option names the usual file, too.
        Assert.Equal(name + "-other", (await FindAsync(file)).Name);
        Assert.Equal(name, (await FindAsync(folder)).Name);
        _engine.Compose(folder, "down");
        Assert.Equal(name + "-other", (await FindAsync(folder)).Name);
    }

    [Fact]
    public async Task Project_without_containers_is_to_be_named_by_its_folder()
    {
        string folder = _engine.CreateProject(Services());
        string name = Path.GetFileName(folder);
        BackupException none = await Assert.ThrowsAnyAsync<BackupException>(() => FindAsync(name));
        Assert.Equal(ErrorCodes.ContainerNotFound, none.Code);
        Assert.Contains($"-ComposeProject ./{name}", none.Hint, StringComparison.Ordinal);
        Assert.DoesNotContain("docker compose up", none.Hint, StringComparison.Ordinal);
        using DockerSubject created = await DockerSubject.FindAsync(new ContainerAddress.OfService(folder, "app"), CancellationToken.None, create: true);
        Assert.Equal((name, "created"), (created.Location.Project, created.Container.State.Status));
    }

    [Theory]
    [Trait("Compose", "1")]
    [InlineData("base.yml", "prod.yml", "prod")]
    [InlineData("prod.yml", "base.yml", "base")]
    public async Task Named_files_define_the_project_in_their_order(string first, string second, string wins)
    {
        string folder = _engine.CreateProject(Services());
        string name = Path.GetFileName(folder);
        foreach (string mark in (string[])["base", "prod"])
            File.WriteAllText(Path.Join(folder, mark + ".yml"), $"{Services()}    environment: [MARK={mark}]\n");
        // The usual file is not among them.
        File.WriteAllText(Path.Join(folder, "docker-compose.yml"), "nothing of the kind");
        string reference = ComposeReference.TextOf(folder, [Path.Join(folder, first), Path.Join(folder, second)]);

        BackupException down = await Assert.ThrowsAnyAsync<BackupException>(() => FindAsync(reference));
        Assert.Equal(ErrorCodes.ContainerNotFound, down.Code);
        Assert.Contains("prod.yml", down.Message, StringComparison.Ordinal);
        using DockerSubject created = await DockerSubject.FindAsync(new ContainerAddress.OfService(reference, "app"), CancellationToken.None, create: true);

        Assert.Equal((name, "created"), (created.Location.Project, created.Container.State.Status));
        Assert.Contains($"MARK={wins}", created.Container.Config.Env!);
        ComposeProject found = await FindAsync(reference);
        Assert.Equal([first, second], found.Files.Select(file => Path.GetFileName(file.Trim())));
        Assert.Equal(name, (await FindAsync(ComposeReference.TextOf(name, [Path.Join(folder, first)]))).Name);
    }

    [Fact]
    public async Task Name_that_is_given_beside_the_files_is_the_projects_own()
    {
        string folder = _engine.CreateProject(Services());
        string name = Path.GetFileName(folder) + "-blue";
        string file = Path.Join(folder, "prod.yml");
        File.WriteAllText(file, Services());

        using DockerSubject created = await DockerSubject.FindAsync(new ContainerAddress.OfService(ComposeReference.TextOf(name, [file]), "app"), CancellationToken.None, create: true);

        Assert.Equal(name, created.Location.Project);
        // A project of that name from elsewhere is not taken for it.
        string other = Directory.CreateDirectory(_elsewhere["other"]).FullName;
        Write(other, Services());
        BackupException refused = await Assert.ThrowsAnyAsync<BackupException>(() => FindAsync(ComposeReference.TextOf(name, [Path.Join(other, "docker-compose.yml")])));
        Assert.Equal((ErrorCodes.InvalidArgument, FailureCategory.Refused), (refused.Code, refused.Category));
    }

    [Fact]
    public void File_that_is_not_there_is_an_error() =>
        Assert.Equal(ErrorCodes.SourceNotFound, Assert.Throws<BackupFailure>(() => ComposeReference.TextOf("shop", [_elsewhere["none.yml"]])).Code);

    private static string Services() => $"version: '2.4'\nservices:\n  app:\n    image: {DockerImages.App}\n";

    private static void Write(string folder, string yaml) => File.WriteAllText(Path.Join(folder, "docker-compose.yml"), yaml);

    private static async Task<ComposeProject> FindAsync(string nameOrPath)
    {
        using DockerClient client = await DockerClient.ConnectAsync(DockerContexts.OfUser.Resolve(null), CancellationToken.None);
        return await ComposeProject.FindAsync(client, nameOrPath, CancellationToken.None);
    }

    private static async Task<bool> IsFirstAsync(string folder) =>
        (await ComposeCommand.FindAsync(folder, [], null, DockerContexts.OfUser.Resolve(null), CancellationToken.None)).IsFirst;
}
