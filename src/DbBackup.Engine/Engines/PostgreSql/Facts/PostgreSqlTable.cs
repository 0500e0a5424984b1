namespace DbBackup.Engine.Engines.PostgreSql.Facts;

/// <summary>A table as the catalogue lists it.</summary>
/// <param name="ObjectId">Its oid, by which archives name it too.</param>
/// <param name="Name">Schema and name, quoted as SQL needs it: <c>public."Album"</c>.</param>
/// <param name="HasRows">True if it keeps rows itself; a partitioned table leaves that to its partitions.</param>
/// <param name="MayRead">True if the role may read it.</param>
/// <param name="Bytes">Its size on disk without indexes.</param>
/// <param name="Inherits">True if it has columns of another table that it is no partition of: a restore may have them in another order.</param>
/// <param name="Root">The partitioned table at the top, if it is a partition; quoted like <paramref name="Name"/>.</param>
internal sealed record PostgreSqlTable(uint ObjectId, string Name, bool HasRows, bool MayRead, long Bytes, bool Inherits, string? Root = null);
