using System.Formats.Tar;
using System.Text;
using DbBackup.Engine.Docker.Addressing;
using DbBackup.Engine.Docker.Files;
using DbBackup.Engine.Engines.Files;
using DbBackup.Engine.Platform;

namespace DbBackup.Tests.Fuzz.Targets.Archives;

/// <summary>Tar archives of every kind of entry, with the checksums of changed headers put right.</summary>
internal abstract class TarFormTarget : FuzzTarget
{
    private const int BlockBytes = 512;

    public override IReadOnlyList<string> Words =>
        ["ustar\000", "ustar  \0", "path=", "27 path=../../etc/passwd2222\n", "size=", "mtime=", "GNU.sparse.major=1", "linkpath=", "../", "/", "0000644\0", "77777777777\0", "\u0080", "-wal", "uid=4294967296",
         "SCHILY.xattr.user.a%3D=", "SCHILY.acl.access=user::rw-,user:1:r--,group::r--,mask::r--,other::---", "SCHILY.acl.default="];

    public override IEnumerable<byte[]> Seeds()
    {
        foreach (TarEntryFormat format in (TarEntryFormat[])[TarEntryFormat.Pax, TarEntryFormat.Gnu, TarEntryFormat.Ustar, TarEntryFormat.V7])
            yield return Tar(format);
    }

    public override byte[] Repair(byte[] input, Random random)
    {
        if (random.Next(8) == 0)
            return input;
        byte[] repaired = [.. input];
        for (int at = 0; at + BlockBytes <= repaired.Length; at += BlockBytes)
        {
            Span<byte> header = repaired.AsSpan(at, BlockBytes);
            // Content that is no header is not to become one.
            if (header[148] is not ((byte)'0' or (byte)' ') || !header.ContainsAnyExcept((byte)0))
                continue;
            header.Slice(148, 8).Fill((byte)' ');
            int sum = 0;
            foreach (byte value in header)
                sum += value;
            Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(header[148..]);
        }

        return repaired;
    }

    private static byte[] Tar(TarEntryFormat format)
    {
        using var archive = new MemoryStream();
        using (var writer = new TarWriter(archive, format, leaveOpen: true))
        {
            TarEntry Entry(TarEntryType type, string name) => format switch
            {
                TarEntryFormat.Pax => new PaxTarEntry(type, name, new Dictionary<string, string> { ["comment"] = "one" }),
                TarEntryFormat.Gnu => new GnuTarEntry(type, name),
                TarEntryFormat.Ustar => new UstarTarEntry(type, name),
                _ => new V7TarEntry(type == TarEntryType.RegularFile ? TarEntryType.V7RegularFile : type, name),
            };
            if (format == TarEntryFormat.Pax)
                writer.WriteEntry(new PaxGlobalExtendedAttributesTarEntry(new Dictionary<string, string> { ["comment"] = "all" }));
            writer.WriteEntry(Entry(TarEntryType.Directory, "data/"));
            TarEntry file = Entry(TarEntryType.RegularFile, "data/a.txt");
            file.DataStream = new MemoryStream("hello\n"u8.ToArray());
            writer.WriteEntry(file);
            TarEntry log = Entry(TarEntryType.RegularFile, "data/app.db-wal");
            log.DataStream = new MemoryStream(new byte[600]);
            writer.WriteEntry(log);
            if (format is TarEntryFormat.Pax or TarEntryFormat.Gnu)
            {
                TarEntry longName = Entry(TarEntryType.RegularFile, "data/" + new string('n', 200));
                longName.DataStream = new MemoryStream(new byte[10]);
                writer.WriteEntry(longName);
                writer.WriteEntry(Entry(TarEntryType.Fifo, "data/pipe"));
            }

            TarEntry link = Entry(TarEntryType.SymbolicLink, "data/link");
            link.LinkName = "a.txt";
            writer.WriteEntry(link);
            TarEntry second = Entry(TarEntryType.HardLink, "data/second");
            second.LinkName = "data/a.txt";
            writer.WriteEntry(second);
        }

        return archive.ToArray();
    }
}

/// <summary>An archive that is read to its end.</summary>
internal sealed class TarTarget : TarFormTarget
{
    public override object? Run(byte[] input)
    {
        using var tar = new MemoryStream(input);
        ArchiveSummary summary = TarInspector.ReadToEndAsync(tar, requireEndMark: input.Length % 2 == 0).GetAwaiter().GetResult();
        Require(summary.ContentBytes <= input.Length, "no more content than input");
        return summary.Entries;
    }
}

/// <summary>An archive that is extracted: nothing beside the destination changes.</summary>
internal sealed class TarExtractionTarget : TarFormTarget
{
    private const string Victim = "untouched";

    public override object? Run(byte[] input)
    {
        string outer = Folder[$"o{Guid.NewGuid():N}"];
        string inner = Path.Join(outer, "inner");
        string victim = Path.Join(outer, "victim");
        Directory.CreateDirectory(inner);
        File.WriteAllText(victim, Victim);
        File.WriteAllText(Path.Join(inner, "victim"), Victim);
        try
        {
            using var tar = new MemoryStream(input);
            ArchiveSummary summary = FolderExtractor.ExtractAsync(tar, Path.Join(inner, "out"), new ExtractOptions { StripFirstFolder = input.Length % 3 == 0 }).GetAwaiter().GetResult();
            return summary.Entries;
        }
        finally
        {
            Require(Names(outer) is ["inner", "victim"] && File.ReadAllText(victim) == Victim, "nothing outside is written");
            Require(Names(inner) is ["out", "victim"] or ["victim"] && File.ReadAllText(Path.Join(inner, "victim")) == Victim, "nothing beside is written");
            // The framework deletes no names that are not UTF-8.
            FolderRemoval.Delete(outer);
        }
    }

    private static string?[] Names(string folder) => [.. Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal)];
}

/// <summary>An archive from a container, whose databases are taken out of it.</summary>
internal sealed class SplitArchiveTarget : TarFormTarget
{
    public override object? Run(byte[] input)
    {
        string folder = Folder[Guid.NewGuid().ToString("N")];
        try
        {
            using var split = new SplitArchive(folder, new FilesLayout(new DockerLocation { Container = "app", Path = "/data" }, "data", IsFolder: input.Length % 2 == 0, AllowEmpty: true), []);
            using var tar = new MemoryStream(input);
            split.AddAsync(tar, keepDatabases: true, _ => { }, CancellationToken.None).GetAwaiter().GetResult();
            split.PlaceLogs();
            split.CompleteAsync(CancellationToken.None).GetAwaiter().GetResult();
            using FileStream written = File.OpenRead(split.FilesPath);
            Require(TarInspector.ReadToEndAsync(written).GetAwaiter().GetResult().Entries >= 0, "what was written is read");
            return split.Entries;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
