namespace DbBackup.Engine.Encryption;

/// <summary>An age file, key or recipient that cannot be used.</summary>
internal abstract class AgeException(string message, Exception? inner = null) : FormatException(message, inner);

/// <summary>One that is not what the format says, or whose content was changed.</summary>
internal sealed class AgeFormatException(string message, Exception? inner = null) : AgeException(message, inner);

/// <summary>An age file that is sealed to none of the keys that were tried.</summary>
internal sealed class NoMatchingIdentityException(string message) : AgeException(message);
