namespace DbBackup.Engine.Encryption;

/// <summary>The secrets that a command was given to open backups, and the keys of backups that they have opened. It lives as long as the command.</summary>
public sealed class KeyRing
{
    /// <summary>The environment variable with an identity: a file's path, or the secret key itself.</summary>
    public const string EnvironmentVariable = "DBBACKUP_IDENTITY";

    private readonly Lock _lock = new();
    private readonly List<X25519Identity> _identities = [];
    private readonly Dictionary<Guid, X25519Identity> _opened = [];
    private Passphrase? _passphrase;

    /// <summary>True if it has nothing that opens a backup.</summary>
    public bool IsEmpty => _passphrase is null && _identities.Count == 0;

    /// <summary>True if it has a passphrase.</summary>
    public bool HasPassphrase => _passphrase is not null;

    /// <summary>What may open a backup.</summary>
    internal IReadOnlyList<IAgeIdentity> Identities => _passphrase is null ? _identities : [.. _identities, _passphrase];

    /// <summary>The passphrase; null if there is none.</summary>
    internal Passphrase? Passphrase => _passphrase;

    /// <summary>Takes a passphrase: of backups, and of identity files.</summary>
    public void AddPassphrase(string passphrase) => _passphrase = new Passphrase(passphrase);

    /// <summary>Takes a secret key, or the path of a file with some.</summary>
    /// <param name="identity">The key or path.</param>
    /// <param name="resolvePath">Makes a path absolute.</param>
    /// <exception cref="BackupException">It is neither (<see cref="ErrorCodes.KeyInvalid"/>).</exception>
    public void AddIdentity(string identity, Func<string, string> resolvePath)
    {
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(resolvePath);
        _identities.AddRange(IsSecret(identity) ? IdentityFile.Parse(identity, "the identity that was given") : IdentityFile.Read(resolvePath(identity), _passphrase));
    }

    /// <summary>True for a secret key, as opposed to a path.</summary>
    public static bool IsSecret(string identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return identity.TrimStart().StartsWith("AGE-SECRET-KEY", StringComparison.OrdinalIgnoreCase) || identity.TrimStart().StartsWith('#');
    }

    /// <summary>Keeps the key of a backup that was opened or made.</summary>
    internal void Remember(Guid backup, X25519Identity key)
    {
        lock (_lock)
            _opened[backup] = key;
    }

    /// <summary>The key of a backup that was opened or made before; null if it was not.</summary>
    internal X25519Identity? Find(Guid backup)
    {
        lock (_lock)
            return _opened.GetValueOrDefault(backup);
    }
}
