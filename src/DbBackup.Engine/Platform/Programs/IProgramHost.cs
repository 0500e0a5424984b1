namespace DbBackup.Engine.Platform;

/// <summary>Another place than this machine where programs run: a container.</summary>
internal interface IProgramHost
{
    /// <summary>The words for it in a sentence, as in <c>container 'shop-db-1'</c>.</summary>
    string Description { get; }

    /// <summary>Starts a program there; see <see cref="ToolProcess.Start"/>.</summary>
    /// <exception cref="BackupException">There is no such program, or the place is not there.</exception>
    Task<ToolProcess> StartAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment, ToolUse use, CancellationToken cancellationToken);

    /// <summary>Makes a copy of a file or folder of this machine there, for as long as it is needed.</summary>
    /// <exception cref="BackupException">There is no room, or nothing can be written there.</exception>
    Task<PlacedCopy> PlaceAsync(string path, CancellationToken cancellationToken);
}

/// <summary>A temporary copy in another place.</summary>
/// <param name="Path">Its path there.</param>
/// <param name="RemoveAsync">Removes it.</param>
internal sealed record PlacedCopy(string Path, Func<Task> RemoveAsync);
