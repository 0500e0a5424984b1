namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>Reads the columns of a COPY statement of pg_dump.</summary>
internal static class CopyColumns
{
    /// <summary>The table that a statement loads, quoted as it stands there: of <c>COPY public."A b" (id) FROM stdin;</c> public."A b".</summary>
    public static string TargetOf(string copy)
    {
        const string Copy = "COPY ";
        int start = copy.StartsWith(Copy, StringComparison.Ordinal) ? Copy.Length : 0;
        int end = start;
        for (bool quoted = false; end < copy.Length && (quoted || copy[end] is not (' ' or '(' or '\n')); end++)
            quoted ^= copy[end] == '"';
        return copy[start..end];
    }

    /// <summary>The columns, without quotes: of <c>COPY public.t (id, "a ""b""") FROM stdin;</c> id and a "b". None where it lists none.</summary>
    public static IReadOnlyList<string> Of(string copy)
    {
        ReadOnlySpan<char> rest = copy;
        var columns = new List<string>();
        bool listed = false;
        for (string token = QuotedName.Next(ref rest); token is not ("" or ";" or ")"); token = QuotedName.Next(ref rest))
        {
            if (listed && token != ",")
                columns.Add(QuotedName.Unquote(token));
            listed |= token == "(";
        }

        return columns;
    }
}
