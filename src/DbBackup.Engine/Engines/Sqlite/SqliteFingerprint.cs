using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using SQLitePCL;

namespace DbBackup.Engine.Engines.Sqlite;

/// <summary>Takes the facts of a SQLite file that nobody writes.</summary>
internal static class SqliteFingerprint
{
    private const string OrdinaryTables =
        "SELECT name, sql LIKE '%WITHOUT%ROWID%' FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL TABLE%' AND (name NOT LIKE 'sqlite\\_%' ESCAPE '\\' OR name = 'sqlite_sequence') ORDER BY name";

    // Alembic's own are 32 letters, and hardly ever more than one.
    private const int LongestRevision = 200, MostHeads = 100;

    /// <summary>Takes the facts.</summary>
    /// <param name="path">A file that nobody writes.</param>
    /// <param name="level">True if contents are hashed too.</param>
    /// <param name="cancellationToken">Interrupts the running query.</param>
    /// <param name="shownAs">What it is a copy of, for failures; null for its own path.</param>
    /// <param name="withoutIndexes">True if rows are counted in the tables themselves, for an index is damaged. It takes longer.</param>
    /// <exception cref="BackupException">The file is damaged or no database.</exception>
    public static Fingerprint Take(string path, FingerprintLevel level, CancellationToken cancellationToken, string? shownAs = null, bool withoutIndexes = false)
    {
        using SqliteDatabase database = SqliteDatabase.OpenImmutable(path, cancellationToken, shownAs);
        database.UseStandIns();
        var tables = new List<TableFingerprint>();
        foreach ((string name, bool isIndex) in database.Rows(OrdinaryTables, row => (row.GetString(0), row.GetBoolean(1))))
        {
            cancellationToken.ThrowIfCancellationRequested();
            // A table without rowids is an index itself.
            string table = SqliteDatabase.Quote(name);
            string alone = isIndex ? table : table + " NOT INDEXED";
            tables.Add(level == FingerprintLevel.Content
                ? HashRows(database, name, alone, cancellationToken)
                : new TableFingerprint(name, database.Number($"SELECT count(*) FROM {(withoutIndexes ? alone : table)}")));
        }

        tables.Sort((left, right) => string.CompareOrdinal(left.Name, right.Name));
        return new Fingerprint
        {
            Level = level,
            SchemaSha256 = HashSchema(database),
            Tables = tables,
            Settings = Settings(database, path),
        };
    }

    /// <summary>What Alembic says of the schema: its table may hold several heads, which are given in order with commas.</summary>
    public static string? SchemaRevision(string path, CancellationToken cancellationToken)
    {
        using SqliteDatabase database = SqliteDatabase.OpenImmutable(path, cancellationToken);
        database.UseStandIns();
        return SchemaRevision(database);
    }

    /// <inheritdoc cref="SchemaRevision(string, CancellationToken)"/>
    public static string? SchemaRevision(SqliteDatabase database)
    {
        // A table, and no view that never ends, nor one of a column that is computed.
        if (database.Number(
            "SELECT count(*) FROM sqlite_master m, pragma_table_xinfo('alembic_version') c WHERE m.name = 'alembic_version' AND m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL TABLE%' AND c.name = 'version_num' AND c.hidden = 0") == 0)
            return null;
        List<string> heads = database.Rows(
            $"SELECT substr(version_num, 1, {LongestRevision}) FROM alembic_version WHERE version_num IS NOT NULL ORDER BY version_num LIMIT {MostHeads}", row => row.GetString(0));
        return heads.Count == 0 ? null : string.Join(",", heads);
    }

    /// <summary>The definitions in the schema, each with its SQL.</summary>
    /// <param name="path">A file that nobody writes.</param>
    /// <param name="cancellationToken">Interrupts the running query.</param>
    /// <exception cref="BackupException">The file is damaged or no database.</exception>
    public static SchemaDefinitions Definitions(string path, CancellationToken cancellationToken)
    {
        using SqliteDatabase database = SqliteDatabase.OpenImmutable(path, cancellationToken);
        database.UseStandIns();
        // The same as those that are hashed.
        List<(string Name, string Sql)> found = database.Rows(
            "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name", row => (row.GetString(0), row.GetString(1)));
        return new SchemaDefinitions(
            SqliteSource.EngineName, found.GroupBy(each => each.Name, StringComparer.Ordinal).ToDictionary(group => group.Key, IReadOnlyList<string> (group) => [.. group.Select(each => each.Sql)], StringComparer.Ordinal));
    }

    private static Dictionary<string, string> Settings(SqliteDatabase database, string path) => new()
    {
        ["user_version"] = database.Text("PRAGMA user_version") ?? "0",
        ["application_id"] = database.Text("PRAGMA application_id") ?? "0",
        // The pragma tells the mode of this connection, which opened the file as unchanging; the header tells the file's own.
        ["journal_mode"] = SqliteFile.UsesWriteAheadLog(path) ? "wal" : "rollback",
        ["auto_vacuum"] = database.Text("PRAGMA auto_vacuum") ?? "0",
        ["encoding"] = database.Text("PRAGMA encoding") ?? string.Empty,
        ["page_size"] = database.Text("PRAGMA page_size") ?? string.Empty,
    };

    // Names in sqlite_% belong to the library (sqlite_stat1, automatic indexes): they differ after a dump and a load.
    private static string HashSchema(SqliteDatabase database)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string definition in database.Rows(
            "SELECT type || char(31) || name || char(31) || tbl_name || char(31) || coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name",
            row => row.GetString(0)))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(definition));
            hash.AppendData([0]);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // What is computed from other columns whenever it is read says nothing more, and may be a gigabyte in each row of a hostile file.
    private static string StoredColumns(SqliteDatabase database, string table)
    {
        List<(string Name, long Hidden)> columns = database.Rows($"PRAGMA table_xinfo({SqliteDatabase.Quote(table)})", row => (row.GetString(1), row.GetInt64(6)));
        const long ComputedWhenRead = 2;
        return columns.Exists(column => column.Hidden == ComputedWhenRead)
            ? string.Join(", ", columns.Where(column => column.Hidden != ComputedWhenRead).Select(column => SqliteDatabase.Quote(column.Name)))
            : "*";
    }

    // The sum of all rows' hashes: the same whatever the order of the rows on disk, which a dump and a load may change.
    private static TableFingerprint HashRows(SqliteDatabase database, string table, string from, CancellationToken cancellationToken)
    {
        using (sqlite3_stmt statement = database.Prepare($"SELECT {StoredColumns(database, table)} FROM {from}"))
        {
            long rows = 0;
            var sum = new RowHashSum();
            var buffer = new RowBuffer();
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
            int columns = raw.sqlite3_column_count(statement);
            int result;
            while ((result = raw.sqlite3_step(statement)) == raw.SQLITE_ROW)
            {
                buffer.Clear();
                bool isLong = false;
                for (int column = 0; column < columns; column++)
                {
                    if (buffer.TryAppend(statement, column))
                        continue;
                    // A large value is hashed where it is, behind what came before it.
                    isLong = true;
                    hash.AppendData(buffer.Written);
                    hash.AppendData(raw.sqlite3_column_blob(statement, column));
                    buffer.Clear();
                }

                if (isLong)
                {
                    hash.AppendData(buffer.Written);
                    hash.GetHashAndReset(digest);
                }
                else
                {
                    SHA256.HashData(buffer.Written, digest);
                }

                sum.Add(digest);
                rows++;
            }

            if (result != raw.SQLITE_DONE)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw SqliteFailures.From(result, raw.sqlite3_errmsg(database.Handle).utf8_to_string(), database.Path);
            }

            return new TableFingerprint(table, rows, sum.ToString());
        }
    }

    // A sum modulo 2^256 of numbers that are written with their most significant byte first.
    private struct RowHashSum
    {
        private UInt128 _high, _low;

        public void Add(ReadOnlySpan<byte> number)
        {
            UInt128 low = BinaryPrimitives.ReadUInt128BigEndian(number[16..]);
            _low += low;
            _high += BinaryPrimitives.ReadUInt128BigEndian(number) + (_low < low ? UInt128.One : UInt128.Zero);
        }

        public override readonly string ToString() => $"{_high:x32}{_low:x32}";
    }

    // A row as bytes that no other row has: for each column its type, its length and its value.
    private sealed class RowBuffer
    {
        private const int LargestKept = 1 << 20;
        private byte[] _bytes = new byte[4096];
        private int _length;

        public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

        public void Clear() => _length = 0;

        /// <summary>Appends a column's value; false if that is large, and only its type and length were appended.</summary>
        public bool TryAppend(sqlite3_stmt statement, int column)
        {
            int type = raw.sqlite3_column_type(statement, column);
            switch (type)
            {
                case raw.SQLITE_INTEGER:
                    BinaryPrimitives.WriteInt64LittleEndian(Reserve(type, 8), raw.sqlite3_column_int64(statement, column));
                    break;
                case raw.SQLITE_FLOAT:
                    BinaryPrimitives.WriteDoubleLittleEndian(Reserve(type, 8), raw.sqlite3_column_double(statement, column));
                    break;
                case raw.SQLITE_NULL:
                    Reserve(type, 0);
                    break;
                default:
                    // As bytes, also for text: it need not be valid in its encoding, and must still compare.
                    ReadOnlySpan<byte> value = raw.sqlite3_column_blob(statement, column);
                    if (_length + value.Length > LargestKept)
                    {
                        Reserve(type, 0, value.Length);
                        return false;
                    }

                    value.CopyTo(Reserve(type, value.Length));
                    break;
            }

            return true;
        }

        private Span<byte> Reserve(int type, int size) => Reserve(type, size, size);

        private Span<byte> Reserve(int type, int size, int stated)
        {
            int needed = _length + 5 + size;
            if (needed > _bytes.Length)
                Array.Resize(ref _bytes, Math.Max(needed, _bytes.Length * 2));
            _bytes[_length] = (byte)type;
            BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(_length + 1), stated);
            Span<byte> space = _bytes.AsSpan(_length + 5, size);
            _length = needed;
            return space;
        }
    }
}
