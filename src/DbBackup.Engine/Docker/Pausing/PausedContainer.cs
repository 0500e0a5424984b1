namespace DbBackup.Engine.Docker.Pausing;

/// <summary>A container that is paused, or stopped, for a snapshot.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name, for messages.</param>
internal sealed record PausedContainer(string Id, string Name);
