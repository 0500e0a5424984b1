using DbBackup.Engine.Platform;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Platform;

public sealed class LocalWorkspaceTests
{
    [Fact]
    public void Only_workspaces_without_a_living_owner_are_swept()
    {
        using var parent = new TempFolder();
        string mine = Old(parent["dbbackup-of-last-year"]);
        string dead = Old(parent[$"dbbackup-{Guid.NewGuid():N}"]);
        string removed = Old(parent[$"dbbackup-removed-{Guid.NewGuid():N}"]);
        string young = Directory.CreateDirectory(parent[$"dbbackup-{Guid.NewGuid():N}"]).FullName;
        using LocalWorkspace other = LocalWorkspace.Create(parent.Path);

        using LocalWorkspace workspace = LocalWorkspace.Create(parent.Path);

        Assert.Equal([true, false, false, true], new[] { mine, dead, removed, young }.Select(Directory.Exists));
        Assert.True(Directory.Exists(other.Path));
        Assert.True(Directory.Exists(workspace.Path));
    }

    private static string Old(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Join(folder, "file"), "x");
        File.SetLastWriteTimeUtc(Path.Join(folder, "file"), DateTime.UtcNow.AddHours(-1));
        Directory.SetLastWriteTimeUtc(folder, DateTime.UtcNow.AddHours(-1));
        return folder;
    }
}
