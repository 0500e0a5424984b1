using System.Text;
using DbBackup.Engine.Engines.PostgreSql.Text;

namespace DbBackup.Tests.Unit.Engines.PostgreSql;

/// <summary>What PostgreSQL's own tools wrote, see the README beside the files.</summary>
internal static class CapturedDumps
{
    public static byte[] Bytes(string name) => File.ReadAllBytes(Path.Join(AppContext.BaseDirectory, "Data", "postgresql", name));

    public static string Text(string name) => Encoding.UTF8.GetString(Bytes(name));

    public static PlainDumpReport Scan(string script) => Scan(Encoding.UTF8.GetBytes(script));

    public static PlainDumpReport Scan(ReadOnlySpan<byte> script, int split = 0)
    {
        var scanner = new PlainDumpScanner();
        scanner.Append(script[..split]);
        scanner.Append(script[split..]);
        return scanner.Complete();
    }

    /// <summary>The tables of a script with the numbers of their rows.</summary>
    public static IEnumerable<(string Name, long Rows)> Rows(PlainDumpReport report) => report.Tables.Select(table => (table.Name, table.Rows));

    /// <summary>How many bytes a script has up to its last sign.</summary>
    public static int EssentialLength(ReadOnlySpan<byte> script) => script.TrimEnd("\r\n "u8).Length;

    /// <summary>A report as text, so that two can be compared.</summary>
    public static string Show(PlainDumpReport report) => $"{report} {string.Join(' ', report.Tables)}";
}
