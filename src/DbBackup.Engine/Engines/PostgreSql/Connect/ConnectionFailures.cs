namespace DbBackup.Engine.Engines.PostgreSql.Connect;

/// <summary>The failure of connection settings that cannot be used. What a person typed is not repeated where it may hold a secret.</summary>
internal static class ConnectionFailures
{
    /// <summary>Where the parts of a connection are described.</summary>
    public const string FormHint =
        "Give a connection string such as 'Host=db1;Database=shop;Username=app', 'postgresql://app@db1/shop' or 'host=db1 dbname=shop user=app'.";

    /// <summary>Parts of a URI in which a sign has another meaning than it was typed for.</summary>
    public const string EncodeHint =
        "Percent-encode such signs in the user name, password and database: @ is %40, : is %3A, / is %2F, % is %25.";

    /// <summary>Creates the failure.</summary>
    /// <param name="message">What is wrong; never with a value that may hold a secret.</param>
    /// <param name="hint">The next step.</param>
    /// <param name="target">The keyword, variable or file that is wrong.</param>
    public static BackupFailure Invalid(string message, string hint, string? target = null) =>
        new(ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, message, hint) { Target = target };

    /// <summary>A list of servers, of which one would be taken by chance.</summary>
    public static BackupFailure SeveralHosts(string origin) => Invalid(
        $"{origin} names several servers; a backup is of one.",
        "Name one host and one port, such as the primary or the replica that is to be read.",
        origin);
}
