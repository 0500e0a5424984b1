using System.Text.Json;
using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Tests.Fuzz.Targets.Dumps;

/// <summary>Text of pg_dump or pg_dumpall.</summary>
internal abstract class DumpTextTarget : FuzzTarget
{
    public override InputForm Form => InputForm.Text;

    public override IReadOnlyList<string> Words =>
    [
        "\\connect ", "\\restrict x\n", "\\unrestrict x\n", "\\.\n", "\\! id\n", "COPY public.t (a) FROM stdin;\n", "$$", "$tag$", "E'", "/*", "*/", "--", "-reuse-previous=on \"dbname='a\\'\"", "\\connect -reuse-previous=on \"dbname='a'\"\n",
        "CREATE DATABASE ", "ALTER DATABASE ", " OWNER TO ", " SET ", " TO ", "GRANT CONNECT ON DATABASE ", "REVOKE ", " FROM ", "COMMENT ON DATABASE a IS 'x';", " IN DATABASE ", "CONNECTION LIMIT = 5", "CREATE ROLE ", "BEGIN ATOMIC",
        "CREATE FUNCTION ", "-- PostgreSQL database dump\n", "-- PostgreSQL database dump complete\n", "-- PostgreSQL database cluster dump\n", "-- Database \"a\" dump\n", "-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: -\n", "alembic_version",
    ];

    public override IEnumerable<byte[]> Seeds() => Directory.EnumerateFiles(Path.Join(AppContext.BaseDirectory, "Data"), "*.sql").Order(StringComparer.Ordinal).Select(File.ReadAllBytes);
}

/// <summary>A dump of a database: its facts, which do not depend on the pieces in which it is read.</summary>
internal sealed class PlainDumpTarget : DumpTextTarget
{
    public override object? Run(byte[] input)
    {
        PlainDumpReport whole = Scan(input, input.Length + 1);
        Require(Same(whole, Scan(input, 1 + (input.Length % 7))), "the facts do not depend on the pieces");
        return (whole.IsComplete, whole.Tables.Count, whole.Roles.Count);
    }

    private static bool Same(PlainDumpReport one, PlainDumpReport other) => JsonSerializer.Serialize(one) == JsonSerializer.Serialize(other);

    private static PlainDumpReport Scan(byte[] input, int piece)
    {
        var scanner = new PlainDumpScanner();
        for (int at = 0; at < input.Length; at += piece)
            scanner.Append(input.AsSpan(at, Math.Min(piece, input.Length - at)));
        return scanner.Complete();
    }
}

/// <summary>A dump of a server: its parts lie within it, in order, and what is known of a database can be applied.</summary>
internal sealed class DumpallTarget : DumpTextTarget
{
    public override object? Run(byte[] input)
    {
        using var text = new MemoryStream(input);
        DumpallScript script = DumpallScript.Scan(text, CancellationToken.None);
        long end = 0;
        foreach (ByteRange range in script.Globals)
            end = Next(range, end, input.Length);
        long taken = 0;
        foreach (DumpallDatabase database in script.Databases)
        {
            long within = 0;
            foreach (ByteRange range in database.Ranges)
                within = Next(range, within, input.Length);
            DatabaseInfo info = DumpedProperties.Apply(new DatabaseInfo { Name = database.Name, Owner = database.Owner }, database);
            using var part = new RangeStream(new MemoryStream(input), database.Ranges);
            part.CopyTo(Stream.Null);
            taken += info.Settings.Count + (info.Grants?.Count ?? 0);
        }

        return (script.IsComplete, script.Databases.Count, taken);
    }

    private static long Next(ByteRange range, long before, long length)
    {
        Require(range.Offset >= before && range.Length > 0 && range.End <= length, "parts lie within the text, one after the other");
        return range.End;
    }
}
