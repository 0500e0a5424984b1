using System.Text.Json.Nodes;
using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Files;

namespace DbBackup.Upgrades.Targets;

/// <summary>The definitions of a server's containers: the present one's, with another image and another volume.</summary>
internal static class ServerDefinition
{
    // The entrypoint of the image would run these scripts in an empty volume, and create what the backup has too.
    private const string InitialScripts = "/docker-entrypoint-initdb.d";

    /// <summary>Returns the definition of the new server's container.</summary>
    /// <param name="client">The Docker Engine client.</param>
    /// <param name="container">The old container.</param>
    /// <param name="server">The upgrade.</param>
    /// <param name="volumes">The names of the new volumes, in the order of <see cref="UpgradeSubject.MajorVersion.Volumes"/>.</param>
    /// <param name="cancellationToken">Stops the inspection.</param>
    public static async Task<ContainerDefinition> OfNewAsync(DockerClient client, string container, UpgradeSubject.MajorVersion server, IEnumerable<string> volumes, CancellationToken cancellationToken)
    {
        ContainerDefinition definition = await OfAsync(client, container, server.Image, cancellationToken).ConfigureAwait(false);
        foreach ((UpgradeSubject.MovedVolume volume, string name) in server.Volumes.Zip(volumes))
            definition = definition.WithVolume(volume.Old.Path, name, volume.New.Path);
        return definition;
    }

    /// <summary>Returns the definition of a temporary container with the new server, into which the databases are loaded.</summary>
    public static async Task<ContainerDefinition> ForLoadingAsync(DockerClient client, string container, UpgradeSubject.MajorVersion server, IEnumerable<string> volumes, CancellationToken cancellationToken) =>
        Alone((await OfNewAsync(client, container, server, volumes, cancellationToken).ConfigureAwait(false)).WithoutMountsIn(InitialScripts), TemporaryContainer.OwnLabels());

    /// <summary>Returns the definition of a container with the same server, which no application reaches.</summary>
    public static ContainerDefinition Alone(ContainerDefinition definition, IReadOnlyDictionary<string, string> labels) =>
        definition.ForOnce(null, null, new Dictionary<string, string?>(), new Dictionary<string, string>(), labels, isAlone: true);

    /// <summary>Returns a container's definition for an image.</summary>
    public static async Task<ContainerDefinition> OfAsync(DockerClient client, string container, string image, CancellationToken cancellationToken)
    {
        JsonObject definition = await client.ContainerDefinitionAsync(container, cancellationToken).ConfigureAwait(false);
        JsonObject oldImage = await client.ImageDefinitionAsync((string)definition["Image"]!, cancellationToken).ConfigureAwait(false);
        return ContainerDefinition.Recreate(definition, oldImage, image);
    }
}
