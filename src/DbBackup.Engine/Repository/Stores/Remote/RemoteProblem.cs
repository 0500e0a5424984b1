namespace DbBackup.Engine.Repository.Stores.Remote;

/// <summary>What a remote store reports, whatever its protocol.</summary>
internal enum RemoteProblem
{
    /// <summary>The bucket, container or folder does not exist.</summary>
    PlaceMissing,

    /// <summary>The login is valid and lacks a right.</summary>
    AccessDenied,

    /// <summary>The login is missing, wrong or expired.</summary>
    LoginRefused,

    /// <summary>The store is full, or a quota is used up.</summary>
    Full,

    /// <summary>The object is kept until a date.</summary>
    Locked,

    /// <summary>The name is not found, the connection is refused or cut, or the server does not answer, all through the time of the retries.</summary>
    Unreachable,

    /// <summary>The server's identity is not the expected one: its certificate or host key.</summary>
    Untrusted,

    /// <summary>Anything else, in the server's own words.</summary>
    Other,
}
