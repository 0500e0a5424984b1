namespace DbBackup;

/// <summary>A database that a restore replaced: it stays on its server, whole, under another name.</summary>
/// <param name="Location">Where it is now: <c>postgresql://host:port/name</c>.</param>
/// <param name="ObjectId">Its oid, which a rename leaves as it is: by it the database is known again.</param>
/// <param name="Replaced">The name that it had, and that the restored database has now.</param>
/// <param name="Username">The role with which the restore ran.</param>
/// <param name="Size">Bytes on the server.</param>
/// <param name="ReplacedBy">The backup that was restored in its place, as <c>source/name</c>.</param>
/// <param name="ServerIdentifier">
/// The identifier that initdb gave the server's data (<c>pg_control_system()</c>): a server that was made anew gives its databases the same oids
/// again. Null where the role may not ask for it.
/// </param>
/// <param name="SchemaRevision">What Alembic's table in it says; null without one.</param>
public sealed record KeptDatabase(string Location, long ObjectId, string Replaced, string Username, long Size, string ReplacedBy, string? ServerIdentifier = null, string? SchemaRevision = null)
{
    /// <inheritdoc/>
    public override string ToString() => Location;
}
