namespace DbBackup.Engine.Engines.PostgreSql.Facts;

/// <summary>A table as the catalogue lists it.</summary>
/// <param name="ObjectId">Its oid, by which archives name it too.</param>
/// <param name="Name">Schema and name, quoted as SQL needs it: <c>public."Album"</c>.</param>
/// <param name="HasRows">True if it keeps rows itself; a partitioned table leaves that to its partitions.</param>
/// <param name="MayRead">True if the role may read it.</param>
/// <param name="Bytes">Its size on disk without indexes.</param>
internal sealed record PostgreSqlTable(uint ObjectId, string Name, bool HasRows, bool MayRead, long Bytes);
