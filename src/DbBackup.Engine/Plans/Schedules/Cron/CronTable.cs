namespace DbBackup.Engine.Plans.Schedules.Cron;

/// <summary>The lines of a plan in a user's cron table, between marks, so that they can be taken out and all others stay as they are.</summary>
internal static class CronTable
{
    private const string New = " (a new table)";

    /// <summary>Puts the lines of a plan at the end, in place of those that it had.</summary>
    /// <param name="table">The table; null if the user has none.</param>
    /// <param name="unit">The plan's unit.</param>
    /// <param name="lines">The lines, each with its end.</param>
    public static string Put(string? table, string unit, string lines)
    {
        if (table is not null && Find(table, unit) is { } there)
            return table[..there.Start] + Block(unit, lines, there.IsNew) + table[there.End..];
        // cron refuses a table whose last line has no end; such a one was written past it.
        string before = table is null || table.Length == 0 || table.EndsWith('\n') ? table ?? string.Empty : table + "\n";
        return before + Block(unit, lines, table is null);
    }

    /// <summary>Takes the lines of a plan out.</summary>
    /// <returns>The table as it was before; null if there was none.</returns>
    public static string? Take(string table, string unit)
    {
        if (Find(table, unit) is not { } there)
            return table;
        string left = table[..there.Start] + table[there.End..];
        // Of several plans any can be the first to go.
        if (there.IsNew && left.Length > 0 && left.StartsWith("# DbBackup: begin ", StringComparison.Ordinal) && !left.Split('\n')[0].EndsWith(New, StringComparison.Ordinal))
            return left.Insert(left.IndexOf('\n', StringComparison.Ordinal), New);
        return there.IsNew && left.Length == 0 ? null : left;
    }

    /// <summary>True if a plan has lines in it.</summary>
    public static bool Has(string table, string unit) => Find(table, unit) is not null;

    private static string Block(string unit, string lines, bool isNew) =>
        $"{Begin(unit)}{(isNew ? New : string.Empty)}\n{lines}{End(unit)}\n";

    private static (int Start, int End, bool IsNew)? Find(string table, string unit)
    {
        int start = -1;
        bool isNew = false;
        for (int at = 0; at < table.Length;)
        {
            int end = table.IndexOf('\n', at) is >= 0 and var found ? found + 1 : table.Length;
            string line = table[at..end].TrimEnd('\n', '\r');
            if (line == Begin(unit) || line == Begin(unit) + New)
                (start, isNew) = (at, line.EndsWith(New, StringComparison.Ordinal));
            else if (line == End(unit) && start >= 0)
                return (start, end, isNew);
            at = end;
        }

        return null;
    }

    private static string Begin(string unit) => "# DbBackup: begin " + unit;

    private static string End(string unit) => "# DbBackup: end " + unit;
}
