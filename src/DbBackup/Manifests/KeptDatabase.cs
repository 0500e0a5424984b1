namespace DbBackup;

/// <summary>A database that a restore replaced: it stays on its server, whole, under another name.</summary>
/// <param name="Location">Where it is now: <c>postgresql://host:port/name</c>.</param>
/// <param name="ObjectId">Its oid, which a rename leaves as it is: by it the database is known again.</param>
/// <param name="Replaced">The name that it had, and that the restored database has now.</param>
/// <param name="Username">The role with which the restore ran.</param>
/// <param name="Size">Bytes on the server.</param>
/// <param name="ReplacedBy">The backup that was restored in its place, as <c>source/name</c>.</param>
public sealed record KeptDatabase(string Location, long ObjectId, string Replaced, string Username, long Size, string ReplacedBy)
{
    /// <inheritdoc/>
    public override string ToString() => Location;
}
