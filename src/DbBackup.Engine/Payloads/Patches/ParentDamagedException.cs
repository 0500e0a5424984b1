namespace DbBackup.Engine.Payloads.Patches;

/// <summary>The full backup to which a new one was to be the difference turned out to be damaged: the new one has to be stored whole.</summary>
/// <param name="message">What is damaged.</param>
/// <param name="inner">What was found.</param>
internal sealed class ParentDamagedException(string message, Exception? inner) : Exception(message, inner);
