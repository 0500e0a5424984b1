using DbBackup.Engine.Platform;

namespace DbBackup.Testing;

/// <summary>A folder with one of everything that has gone wrong in some backup.</summary>
internal static class SampleTree
{
    public static string Create(TempFolder parent, string name = "uploads")
    {
        var root = parent[name];
        Directory.CreateDirectory(root);
        string At(string relative) => Path.Join(root, relative);
        Directory.CreateDirectory(At("empty folder"));
        Directory.CreateDirectory(At("a/b/c"));
        File.WriteAllText(At("plain.txt"), "plain");
        File.WriteAllText(At("empty"), "");
        File.WriteAllText(At("-rf"), "leading dash");
        File.WriteAllText(At("new\nline 'and\" quotes = \\ back"), "odd");
        File.WriteAllText(At("Ünïcode-日本-🎉"), "composed");
        File.WriteAllText(At("U\u0308ni\u0308code"), "decomposed");
        File.WriteAllText(At("Üni\u0308code"), "half composed, another file than the one before");
        File.WriteAllText(At("trailing space "), "x");
        File.WriteAllText(At(new string('l', 255)), "longest name");
        var deep = root;
        for (var i = 0; i < 6; i++)
            deep = Path.Join(deep, new string((char)('p' + i), 90) + "é");
        Directory.CreateDirectory(deep);
        File.WriteAllText(Path.Join(deep, "deep.txt"), "deep");
        var random = new byte[3_000_001];
        new Random(42).NextBytes(random);
        File.WriteAllBytes(At("a/b/random.bin"), random);
        File.WriteAllBytes(At("a/block.bin"), new byte[1024]);
        File.WriteAllText(At("z-first"), "shared");
        Assert.True(UnixFile.TryLink(At("z-first"), At("a/second name")));
        Assert.True(UnixFile.TryLink(At("z-first"), At("zz third")));
        File.CreateSymbolicLink(At("link"), "plain.txt");
        File.CreateSymbolicLink(At("dangling"), "/nowhere/at all");
        File.CreateSymbolicLink(At("folder link"), "a/b");
        File.CreateSymbolicLink(At("long link"), new string('t', 300));
        Assert.True(UnixFile.TryMakeFifo(At("fifo")));
        File.WriteAllText(At("script"), "#!/bin/sh");
        SetMode(At("script"), (UnixFileMode)0b110_111_101_101); // 6755
        SetMode(At("plain.txt"), (UnixFileMode)0b110_000_000);
        SetMode(At("empty folder"), (UnixFileMode)0b1_111_111_111); // 1777
        SetMode(At("a/b/c"), (UnixFileMode)0b101_101_101); // read-only

        // Times with a fraction, the oldest before 1970, the newest beyond 32 bits.
        Assert.True(UnixFile.TrySetModified(At("plain.txt"), new DateTime(2020, 2, 29, 1, 2, 3, DateTimeKind.Utc).AddTicks(1234567)));
        Assert.True(UnixFile.TrySetModified(At("empty"), new DateTime(1965, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddTicks(5000000)));
        Assert.True(UnixFile.TrySetModified(At("link"), new DateTime(2021, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddTicks(42)));
        Assert.True(UnixFile.TrySetModified(At("-rf"), new DateTime(2040, 1, 1, 0, 0, 0, DateTimeKind.Utc)));
        if (UnixFile.EffectiveUserId == 0)
        {
            Assert.True(UnixFile.TrySetOwner(At("-rf"), 1234, 4321));
            Assert.True(UnixFile.TrySetOwner(At("dangling"), 1000, 1000));
            Assert.True(UnixFile.TrySetOwner(At("a/block.bin"), 2_000_000_000, 4_000_000));
        }

        Assert.True(UnixFile.TrySetModified(At("a"), new DateTime(2019, 5, 5, 5, 5, 5, DateTimeKind.Utc).AddTicks(7)));
        Assert.True(UnixFile.TrySetModified(root, new DateTime(2018, 5, 5, 5, 5, 5, DateTimeKind.Utc).AddTicks(7)));
        return root;
    }

    private static void SetMode(string path, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, mode);
    }
}
