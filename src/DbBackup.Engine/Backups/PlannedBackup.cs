using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Engines.PostgreSql.Connect;

namespace DbBackup.Engine.Backups;

/// <summary>One restore point of a plan: what is captured together.</summary>
/// <param name="Name">The words for it in errors: the database or path.</param>
/// <param name="Location">The location of what gives it its name.</param>
/// <param name="Sources">The sources, in the order of their capture.</param>
public sealed record PlannedBackup(string Name, string Location, IReadOnlyList<IBackupSource> Sources)
{
    // A server may have hundreds of databases.
    private const int MostShown = 10;

    /// <summary>Pauses the application meanwhile; null if it keeps running.</summary>
    public IApplicationPause? Pause { get; init; }

    /// <summary>The containers that are paused.</summary>
    public IReadOnlyList<string> Paused { get; init; } = [];

    /// <summary>The server on which the backup is tested; null for a backup that needs none.</summary>
    public PostgreSqlConnectionRequest? TestServer { get; init; }

    /// <summary>What is captured and what is paused, for -WhatIf and a confirmation.</summary>
    public override string ToString()
    {
        string[] others = [.. Sources.Select(source => source.Location).Where(location => location != Location).Distinct(StringComparer.Ordinal)];
        string text = $"'{Location}'";
        if (others.Length > 0)
            text += $" with '{string.Join("', '", others.Take(MostShown))}'";
        if (others.Length > MostShown)
            text += FormattableString.Invariant($" and {others.Length - MostShown} more");
        return Paused.Count == 0 ? text : $"{text}, pausing '{string.Join("', '", Paused)}',";
    }
}

/// <summary>The restore points that follow from an intent. Holds connections to Docker until it is disposed.</summary>
public sealed class PlannedBackups : IAsyncDisposable
{
    private readonly IReadOnlyList<ContainerFilesPlan> _files;

    internal PlannedBackups(IReadOnlyList<PlannedBackup> backups, IReadOnlyList<ContainerFilesPlan> files)
    {
        Backups = backups;
        _files = files;
    }

    /// <summary>The restore points.</summary>
    public IReadOnlyList<PlannedBackup> Backups { get; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (ContainerFilesPlan plan in _files)
            await plan.DisposeAsync().ConfigureAwait(false);
    }
}
