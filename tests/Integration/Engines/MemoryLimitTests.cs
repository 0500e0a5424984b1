using System.Formats.Tar;
using System.Globalization;
using DbBackup.Testing;

namespace DbBackup.Tests.Integration.Engines;

/// <summary>Small foreign files that ask for much memory get one clear error instead. The peak is measured, in a process of its own.</summary>
public sealed class MemoryLimitTests : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData("inspect")]
    [InlineData("extract")]
    public void Global_headers_of_an_archive_are_not_kept_for_each_entry(string what)
    {
        string tar = _temp["global.tar"];
        using (var writer = new TarWriter(File.Create(tar), TarEntryFormat.Pax))
        {
            string large = new('x', 500_000);
            for (int i = 0; i < 1000; i++)
                writer.WriteEntry(new PaxGlobalExtendedAttributesTarEntry(new Dictionary<string, string> { [$"comment{i}"] = large, ["path" + i] = large }));
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "a") { DataStream = new MemoryStream([1]) });
        }

        (int peak, string outcome) = Run(what, tar);

        Assert.Equal("ok", outcome);
        Assert.True(peak < 300, $"{peak} MiB");
    }

    [Theory]
    [InlineData("inspect")]
    [InlineData("extract")]
    public void An_extended_header_larger_than_any_is_refused(string what)
    {
        string tar = _temp["header.tar"];
        using (var writer = new TarWriter(File.Create(tar), TarEntryFormat.Pax))
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "a", new Dictionary<string, string> { ["comment"] = new('x', 2_000_000) }));

        (int peak, string outcome) = Run(what, tar);

        Assert.StartsWith("BackupDamaged: The tar archive is damaged: an extended header is too large", outcome, StringComparison.Ordinal);
        Assert.True(peak < 200, $"{peak} MiB");
    }

    [Theory]
    [InlineData("inspect", false)]
    [InlineData("extract", false)]
    [InlineData("extract", true)]
    public void A_path_longer_than_any_system_takes_is_refused(string what, bool asLink)
    {
        string tar = _temp["path.tar"], path = string.Concat(Enumerable.Repeat("a/", 6000)) + "x";
        using (var writer = new TarWriter(File.Create(tar), TarEntryFormat.Pax))
        {
            for (int i = 0; i < 20; i++)
                writer.WriteEntry(asLink ? new PaxTarEntry(TarEntryType.SymbolicLink, "l") { LinkName = path } : new PaxTarEntry(TarEntryType.RegularFile, path + i));
        }

        (int peak, string outcome) = Run(what, tar);

        Assert.StartsWith("UnsafeContent: The archive holds a path of 120", outcome, StringComparison.Ordinal);
        Assert.True(peak < 200, $"{peak} MiB");
    }

    [Fact]
    public void Deep_paths_that_a_system_takes_are_extracted_in_bounded_memory()
    {
        string tar = _temp["deep.tar"];
        using (var writer = new TarWriter(File.Create(tar), TarEntryFormat.Pax))
        {
            for (int i = 0; i < 4; i++)
                writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, $"{i}/" + string.Concat(Enumerable.Repeat("a/", 1000)) + "x"));
        }

        (int peak, string outcome) = Run("extract", tar);

        Assert.Equal("ok", outcome);
        Assert.True(peak < 300, $"{peak} MiB");
    }

    [Theory]
    [InlineData("CREATE TABLE t(a, b AS (printf('%.*c', 900000000, 'x')));")]
    [InlineData("CREATE TABLE t(a, b AS (zeroblob(900000000)) STORED);")]
    [InlineData("CREATE TABLE t(a, CHECK (length(printf('%.*c', 900000000, 'x')) > 0));")]
    [InlineData("CREATE TABLE t(a); CREATE INDEX i ON t(hex(zeroblob(400000000)));")]
    public void A_small_SQLite_file_asks_for_no_large_values(string schema)
    {
        string file = _temp["hostile.db"];
        SampleDatabase.Run(file, "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3);");
        // As who makes such a file does: what it holds need not fit its schema.
        SampleDatabase.Run(file, $"PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = '{schema.Split("; ")[0].TrimEnd(';').Replace("'", "''", StringComparison.Ordinal)}' WHERE name = 't';");
        if (schema.Contains("INDEX", StringComparison.Ordinal))
            SampleDatabase.Run(file, "CREATE INDEX i ON t(a); PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(hex(zeroblob(400000000)))' WHERE name = 'i';");

        (int peak, string outcome) = Run("check", file);

        Assert.True(peak < 300, $"{peak} MiB {outcome}");
    }

    [Fact]
    public void Values_as_large_as_a_file_may_hold_are_checked_and_hashed()
    {
        string file = _temp["large.db"];
        OtherProcess.Run(OtherProcess.Command("sql", file, "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, randomblob(90000000)), (2, zeroblob(100));"));

        (int peak, string outcome) = Run("check", file);

        Assert.Equal("sound", outcome);
        Assert.True(peak < 500, $"{peak} MiB");
    }

    [Theory]
    [InlineData("INSERT INTO t VALUES (printf('%.*c', 900000000, 'x'));", "DumpIncomplete: The SQL text fails at line 2")]
    [InlineData("INSERT INTO t SELECT zeroblob(900000000);", "DumpIncomplete: The SQL text fails at line 2")]
    [InlineData("INSERT INTO t SELECT replace(hex(zeroblob(30000000)), '00', 'xxxxxxxxxxxxxxxx');", "DumpIncomplete: The SQL text fails at line 2")]
    public void A_dump_asks_for_no_large_values(string statement, string expected)
    {
        string file = _temp["hostile.sql"];
        File.WriteAllText(file, "CREATE TABLE t(a);\n" + statement + "\n");

        (int peak, string outcome) = Run("load", file);

        Assert.StartsWith(expected, outcome, StringComparison.Ordinal);
        Assert.True(peak < 300, $"{peak} MiB");
    }

    [Fact]
    public void A_statement_longer_than_any_is_refused()
    {
        string file = _temp["long.sql"];
        using (StreamWriter text = File.CreateText(file))
        {
            text.Write("CREATE TABLE t(a);\nINSERT INTO t VALUES ('");
            for (int i = 0; i < 300; i++)
                text.Write(new string('x', 1 << 20));
            text.Write("');\n");
        }

        (int peak, string outcome) = Run("load", file);

        Assert.StartsWith("FormatNotSupported: The SQL text has a statement that is longer than the 256 MiB", outcome, StringComparison.Ordinal);
        Assert.True(peak < 900, $"{peak} MiB");
    }

    private (int Peak, string Outcome) Run(string what, string file)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The peak of the working set is told by Linux.");
        string[] words = OtherProcess.Run(OtherProcess.Command("memory", what, file, _temp["out"])).Output.Split(' ', 3);
        return (int.Parse(words[0], CultureInfo.InvariantCulture), words[2]);
    }
}
