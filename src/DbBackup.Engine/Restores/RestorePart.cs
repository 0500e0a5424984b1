using DbBackup.Engine.Docker.Api;
using DbBackup.Engine.Docker.Restore;
using DbBackup.Engine.Docker.Tunnel;

namespace DbBackup.Engine.Restores;

/// <summary>A planned part of a restore: what one engine or place contributes.</summary>
/// <param name="Participants">What is staged and swapped, in the order of staging.</param>
/// <param name="Targets">What the plan shows.</param>
internal sealed record RestorePart(IReadOnlyList<IRestoreParticipant> Participants, IReadOnlyList<RestoreTarget> Targets)
{
    /// <summary>Notes for the plan.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>True if the safety backup takes something.</summary>
    public bool SafetyBackup { get; init; }

    /// <summary>The schema revision of what is replaced; null if it is not known.</summary>
    public string? PresentRevision { get; init; }

    /// <summary>The schema revision of what is restored; null if there is none, or several databases are restored.</summary>
    public string? Revision { get; init; }

    /// <summary>Roles that are created on the server first.</summary>
    public IReadOnlyList<string> NewRoles { get; init; } = [];

    /// <summary>The containers that use what is replaced; null if it is in no container.</summary>
    public RestoreServices? Services { get; init; }

    /// <summary>The same part with the containers that use a server's databases; unchanged if the server is in no container.</summary>
    public async Task<RestorePart> StoppingAsync(ServerUsers? users, CancellationToken cancellationToken)
    {
        if (users is null)
            return this;
        SharedDockerClient.Lease docker = await users.Server.UseClientAsync(cancellationToken).ConfigureAwait(false);
        return this with { Services = new RestoreServices(docker.Client, users.Containers), Owned = [.. Owned, docker] };
    }

    /// <summary>What must live as long as the restore.</summary>
    public IReadOnlyList<IDisposable> Owned { get; init; } = [];
}

/// <summary>The containers that are stopped while what they use is swapped.</summary>
/// <param name="Client">The Docker Engine.</param>
/// <param name="Containers">The containers.</param>
internal sealed record RestoreServices(DockerClient Client, IReadOnlyList<ContainerSummary> Containers);
