using DbBackup.Testing;
using DbBackup.Testing.PowerLoss;

namespace DbBackup.Tests.Unit.PowerLoss;

/// <summary>What a power loss can leave of operations that are written by hand.</summary>
public sealed class SimulatedDiskTests
{
    private static readonly FileOperation Create = new(FileOperationKind.CreateFile, "new");
    private static readonly FileOperation Write = new(FileOperationKind.Write, "new", Data: new byte[1024]);
    private static readonly FileOperation FlushFile = new(FileOperationKind.Flush, "new");
    private static readonly FileOperation Rename = new(FileOperationKind.Rename, "new", "old");
    private static readonly FileOperation FlushFolder = new(FileOperationKind.Flush, string.Empty);

    [Fact]
    public void Without_a_flush_a_name_and_its_content_survive_each_by_itself()
    {
        HashSet<string> states = States(Create, Write);
        Assert.Superset(new HashSet<string> { "old:3", "new:0 old:3", "new:1024 old:3", "new:512 old:3" }, states);
    }

    [Fact]
    public void What_is_flushed_survives() => Assert.Equal(["new:1024 old:3"], States(Create, Write, FlushFile, FlushFolder));

    [Fact]
    public void A_flushed_file_may_lose_its_name() => Assert.Equal(["new:1024 old:3", "old:3"], States(Create, Write, FlushFile).Order(StringComparer.Ordinal));

    [Fact]
    public void A_rename_of_a_flushed_file_leaves_the_old_or_the_new_one() =>
        Assert.Equal(["new:1024 old:3", "old:1024"], States(Create, Write, FlushFile, FlushFolder, Rename).Order(StringComparer.Ordinal));

    [Fact]
    public void A_rename_of_a_file_that_was_not_flushed_may_leave_an_empty_one() => Assert.Contains("old:0", States(Create, Write, Rename, FlushFolder));

    [Fact]
    public void A_deletion_may_be_undone_until_the_folder_is_flushed()
    {
        var delete = new FileOperation(FileOperationKind.Delete, "old");
        Assert.Equal([string.Empty, "old:3"], States(delete).Order(StringComparer.Ordinal));
        Assert.Equal([string.Empty], States(delete, FlushFolder));
    }

    private static HashSet<string> States(params FileOperation[] operations)
    {
        using var folder = new TempFolder();
        string place = folder["disk"];
        Directory.CreateDirectory(place);
        File.WriteAllText(Path.Join(place, "old"), "abc");
        SimulatedDisk before = SimulatedDisk.Of(place);
        var states = new HashSet<string>(StringComparer.Ordinal);
        for (int seed = 0; seed < 300; seed++)
        {
            SimulatedDisk disk = before.Copy();
            foreach (FileOperation operation in operations)
                disk.Apply(operation);
            disk.Crash(new Random(seed), place);
            states.Add(string.Join(' ', new DirectoryInfo(place).EnumerateFiles().OrderBy(file => file.Name, StringComparer.Ordinal).Select(file => $"{file.Name}:{file.Length}")));
        }

        return states;
    }
}
