namespace DbBackup.Engine.Engines.PostgreSql.Text;

/// <summary>Reads the columns of a COPY statement of pg_dump.</summary>
internal static class CopyColumns
{
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
