using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Engine.Engines.PostgreSql.Dump;

/// <summary>Gathers what a script creates and whom it names, from its statements and pg_dump's comments before them.</summary>
internal sealed class DumpedObjects
{
    private string? _schema;

    /// <summary>The tables that keep rows themselves.</summary>
    public List<string> Tables { get; } = [];

    /// <summary>The tables that leave that to their partitions.</summary>
    public List<string> PartitionedTables { get; } = [];

    /// <summary>Those of <see cref="Tables"/> that inherit columns: a restore may have these in another order than the database had.</summary>
    public HashSet<string> Inheriting { get; } = new(StringComparer.Ordinal);

    /// <summary>Owners, grantees, and roles of policies.</summary>
    public SortedSet<string> Roles { get; } = new(StringComparer.Ordinal);

    /// <summary>The extensions.</summary>
    public SortedSet<string> Extensions { get; } = new(StringComparer.Ordinal);

    /// <summary>The heads of Alembic.</summary>
    public SortedSet<string> Revisions { get; } = new(StringComparer.Ordinal);

    /// <summary>What <c>client_encoding</c> is set to.</summary>
    public string? Encoding { get; private set; }

    /// <summary>True if a COPY statement is followed by the revisions of Alembic.</summary>
    public static bool HoldsRevisions(ReadOnlySpan<byte> copy) => copy.EndsWith("alembic_version (version_num) FROM stdin;"u8);

    /// <summary>The name at the front, with its schema; dumps made before March 2018 set the search path instead of writing it (CVE-2018-1058).</summary>
    public string TableOf(ReadOnlySpan<byte> text)
    {
        int end = 0;
        bool hasSchema = false;
        for (bool quoted = false; end < text.Length && (quoted || text[end] is not ((byte)' ' or (byte)'(' or (byte)'\n')); end++)
        {
            quoted ^= text[end] == '"';
            hasSchema |= !quoted && text[end] == '.';
        }

        string name = DumpText.Decode(text[..end]);
        return hasSchema || _schema is null ? name : $"{_schema}.{name}";
    }

    /// <summary>Takes the rows of <c>alembic_version</c>, a revision each, and the end mark.</summary>
    public void AddRevisions(ReadOnlySpan<byte> rows) =>
        Revisions.UnionWith(DumpText.Decode(rows).Split('\n').Select(row => row.TrimEnd('\r')).Where(row => row.Length > 0 && !row.StartsWith('\\')));

    /// <summary>Takes a comment: <c>-- Name: orders; Type: TABLE; Schema: sales; Owner: shop_owner</c>.</summary>
    public void Comment(ReadOnlySpan<byte> line)
    {
        if (!line.StartsWith("-- Name: "u8) && !line.StartsWith("-- Data for Name: "u8))
            return;
        int owner = line.LastIndexOf("; Owner: "u8);
        if (owner < 0)
            return;
        string name = DumpText.Decode(line[(owner + "; Owner: "u8.Length)..]);
        int more = name.IndexOf("; Tablespace: ", StringComparison.Ordinal);
        AddRole(more < 0 ? name : name[..more]);
    }

    /// <summary>Takes a statement.</summary>
    public void Statement(ReadOnlySpan<byte> text)
    {
        if (text.StartsWith("CREATE TABLE "u8))
            AddTable(text, "CREATE TABLE "u8.Length);
        else if (text.StartsWith("CREATE UNLOGGED TABLE "u8))
            AddTable(text, "CREATE UNLOGGED TABLE "u8.Length);
        else if (text.StartsWith("CREATE EXTENSION IF NOT EXISTS "u8))
            AddExtension(DumpText.Decode(text["CREATE EXTENSION IF NOT EXISTS "u8.Length..]));
        else if (text.StartsWith("SET search_path = "u8))
            _schema = FirstOf(DumpText.Decode(text["SET search_path = "u8.Length..]));
        else if (text.StartsWith("SET client_encoding = "u8))
            Encoding ??= QuotedName.Unquote(DumpText.Decode(text["SET client_encoding = "u8.Length..]).TrimEnd(';', ' '));
        else if (text.StartsWith("GRANT "u8) || text.StartsWith("ALTER DEFAULT PRIVILEGES "u8) || text.StartsWith("CREATE POLICY "u8))
            AddRolesOf(DumpText.Decode(text));
    }

    private static string FirstOf(string list)
    {
        ReadOnlySpan<char> rest = list;
        return QuotedName.Next(ref rest);
    }

    private void AddTable(ReadOnlySpan<byte> text, int start)
    {
        string name = TableOf(text[start..]);
        (text.LastIndexOf("\nPARTITION BY "u8) >= 0 ? PartitionedTables : Tables).Add(name);
        if (text.LastIndexOf("\nINHERITS ("u8) >= 0)
            Inheriting.Add(name);
    }

    private void AddExtension(string text)
    {
        string name = QuotedName.Unquote(FirstOf(text));
        if (name != "plpgsql")
            Extensions.Add(name);
    }

    // GRANT SELECT ON TABLE sales.orders TO reader, writer WITH GRANT OPTION; ALTER DEFAULT PRIVILEGES FOR ROLE a … TO b;
    // CREATE POLICY p ON t TO reader USING (…): what follows USING is an expression.
    private void AddRolesOf(string text)
    {
        ReadOnlySpan<char> rest = text;
        bool listed = false;
        for (string token = QuotedName.Next(ref rest); token is not ("" or ";" or "USING" or "WITH"); token = QuotedName.Next(ref rest))
        {
            if (token is "TO" or "ROLE" || (listed && token == ","))
            {
                token = QuotedName.Next(ref rest);
                if (token is not ("PUBLIC" or "CURRENT_USER" or "SESSION_USER"))
                    AddRole(QuotedName.Unquote(token));
                listed = true;
            }
            else
            {
                listed = false;
            }
        }
    }

    private void AddRole(string name)
    {
        if (name.Length > 0 && name != "-" && !name.StartsWith("pg_", StringComparison.Ordinal))
            Roles.Add(name);
    }
}
