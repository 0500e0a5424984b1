using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace DbBackup.Testing.PowerLoss;

/// <summary>What a command did to the files of a folder, recorded by strace.</summary>
/// <param name="Before">The folder's content before.</param>
/// <param name="Operations">The operations in their order.</param>
/// <param name="Returned">How many operations came before the command said that it was done.</param>
internal sealed record FileRecording(SimulatedDisk Before, IReadOnlyList<FileOperation> Operations, int Returned)
{
    private const string Calls = "open,openat,creat,write,pwrite64,writev,pwritev,pwritev2,lseek,ftruncate,truncate,fallocate,copy_file_range,sendfile,"
        + "ioctl,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,fsync,fdatasync,syncfs,sync,"
        + "sendto,sendmsg";

    /// <summary>Runs a command to its end, and records it.</summary>
    public static FileRecording Of(string folder, string trace, string[] command)
    {
        SystemCalls.Require();
        SimulatedDisk before = SimulatedDisk.Of(folder);
        string known = string.Join(',', Calls.Split(',').Select(call => "?" + call));
        (int exit, string output) = OtherProcess.Run(
            ["strace", "-f", "-y", "-xx", "-s", "33554432", "--seccomp-bpf", "-qq", "-o", trace, "-E", "DOTNET_EnableDiagnostics=0", "-e", "trace=" + known, .. command]);
        Assert.True(exit == 0, output);
        var parser = new Parser(folder, before.Copy());
        foreach (string line in Whole(File.ReadLines(trace)))
            parser.Read(line);
        File.Delete(trace);
        Assert.True(parser.Returned > 0, "The command did not say that it was done: " + output);
        return new FileRecording(before, parser.Operations, parser.Returned);
    }

    /// <summary>The power is cut at a point and in a way of the seed's choice.</summary>
    /// <returns>How many operations were done before.</returns>
    public int Crash(Random random, string folder)
    {
        int point = random.Next(6) == 0 ? random.Next(Returned, Operations.Count + 1) : random.Next(Operations.Count + 1);
        SimulatedDisk disk = Before.Copy();
        foreach (FileOperation operation in Operations.Take(point))
            disk.Apply(operation);
        disk.Crash(random, folder);
        return point;
    }

    /// <summary>Leaves out flushes, as a product does that does not call them.</summary>
    /// <param name="isLeftOut">Which: the operation, its place in the recording, and whether it flushes a folder.</param>
    public FileRecording WithoutFlushes(Func<FileOperation, int, bool, bool> isLeftOut)
    {
        SimulatedDisk disk = Before.Copy();
        var kept = new List<FileOperation>();
        int returned = 0;
        for (int i = 0; i < Operations.Count; i++)
        {
            bool isFolder = Operations[i].Kind == FileOperationKind.Flush && disk.Find(Operations[i].Path)!.IsFolder;
            disk.Apply(Operations[i]);
            if (Operations[i].Kind != FileOperationKind.Flush || !isLeftOut(Operations[i], i, isFolder))
                kept.Add(Operations[i]);
            if (i + 1 == Returned)
                returned = kept.Count;
        }

        Assert.True(kept.Count < Operations.Count, "There is no flush to leave out.");
        return this with { Operations = kept, Returned = returned };
    }

    // A call during which another thread's was written stands on two lines.
    private static IEnumerable<string> Whole(IEnumerable<string> lines)
    {
        const string Unfinished = " <unfinished ...>";
        var begun = new Dictionary<string, string>();
        foreach (string line in lines)
        {
            string thread = line[..line.IndexOf(' ', StringComparison.Ordinal)];
            string call = line[thread.Length..].TrimStart();
            if (call.EndsWith(Unfinished, StringComparison.Ordinal))
                begun[thread] = call[..^Unfinished.Length];
            else if (call.StartsWith("<... ", StringComparison.Ordinal))
                yield return begun[thread] + call[(call.IndexOf('>', StringComparison.Ordinal) + 1)..];
            else
                yield return call;
        }
    }

    private sealed class Parser(string root, SimulatedDisk disk)
    {
        private static readonly Regex Shape = new(@"^(\w+)\((.*)\)\s+= (-?\d+)(.*)$", RegexOptions.Singleline);
        private readonly Dictionary<string, long> _positions = [];

        public List<FileOperation> Operations { get; } = [];

        public int Returned { get; private set; }

        public void Read(string line)
        {
            Match match = Shape.Match(line);
            if (!match.Success || match.Groups[3].Value.StartsWith('-'))
                return;
            string[] arguments = Split(match.Groups[2].Value);
            long result = long.Parse(match.Groups[3].Value, CultureInfo.InvariantCulture);
            switch (match.Groups[1].Value)
            {
                case "open" or "creat":
                    Open(Absolute(arguments[0]), match.Groups[1].Value == "creat" ? "O_CREAT|O_TRUNC" : arguments[1], result);
                    break;
                case "openat":
                    Open(Absolute(arguments[1], arguments[0]), arguments[2], result);
                    break;
                case "write" or "writev":
                    Written(arguments[0], match.Groups[1].Value == "write" ? Bytes(arguments[1]) : Vector(arguments[1]), null, result);
                    break;
                case "pwrite64":
                    Written(arguments[0], Bytes(arguments[1]), long.Parse(arguments[3], CultureInfo.InvariantCulture), result);
                    break;
                case "pwritev" or "pwritev2":
                    Written(arguments[0], Vector(arguments[1]), long.Parse(arguments[3], CultureInfo.InvariantCulture), result);
                    break;
                case "lseek":
                    _positions[Number(arguments[0])] = result;
                    break;
                case "ftruncate":
                    Add(FileOperationKind.Truncate, Opened(arguments[0]), offset: long.Parse(arguments[1], CultureInfo.InvariantCulture));
                    break;
                case "fallocate":
                    Allocated(arguments);
                    break;
                case "copy_file_range":
                    Copied(arguments[2], arguments[0], result);
                    break;
                case "sendfile":
                    Copied(arguments[0], arguments[1], result);
                    break;
                case "ioctl" when arguments[1].Contains("FICLONE", StringComparison.Ordinal) || arguments[1].Contains("BTRFS_IOC_CLONE", StringComparison.Ordinal):
                    Copied(arguments[0], arguments[2], long.MaxValue);
                    break;
                case "rename" or "link":
                    Move(match.Groups[1].Value == "link", Absolute(arguments[0]), Absolute(arguments[1]));
                    break;
                case "renameat" or "renameat2" or "linkat":
                    Move(match.Groups[1].Value == "linkat", Absolute(arguments[1], arguments[0]), Absolute(arguments[3], arguments[2]));
                    break;
                case "unlink" or "rmdir":
                    Add(FileOperationKind.Delete, Within(Absolute(arguments[0])));
                    break;
                case "unlinkat":
                    Add(FileOperationKind.Delete, Within(Absolute(arguments[1], arguments[0])));
                    break;
                case "mkdir":
                    Add(FileOperationKind.CreateFolder, Within(Absolute(arguments[0])));
                    break;
                case "mkdirat":
                    Add(FileOperationKind.CreateFolder, Within(Absolute(arguments[1], arguments[0])));
                    break;
                case "fsync" or "fdatasync":
                    Add(FileOperationKind.Flush, Opened(arguments[0]));
                    break;
                case "syncfs" or "sync":
                    Add(FileOperationKind.FlushAll, string.Empty);
                    break;
                case "sendto":
                    Requested(Bytes(arguments[1]));
                    break;
                case "sendmsg":
                    Requested(Vector(arguments[1]));
                    break;
                case "truncate" or "symlink" or "symlinkat":
                    Assert.True(Within(Absolute(arguments[^1])) is null, "Not simulated: " + line);
                    break;
            }
        }

        private void Open(string path, string flags, long descriptor)
        {
            _positions[descriptor.ToString(CultureInfo.InvariantCulture)] = 0;
            if (Within(path) is not { } file)
                return;
            if (disk.Find(file) is not { } present)
                Add(FileOperationKind.CreateFile, file);
            else if (flags.Contains("O_TRUNC", StringComparison.Ordinal) && present.Content.Length > 0)
                Add(FileOperationKind.Truncate, file);
        }

        private void Written(string descriptor, byte[] data, long? offset, long count)
        {
            data = data[..(int)count];
            string number = Number(descriptor);
            // The line that the command prints when it has returned; its reports of progress come before. The console writes through a
            // duplicate of its descriptor.
            if (Target(descriptor).StartsWith("pipe:", StringComparison.Ordinal) && data is [.., (byte)'\n'] && !Encoding.UTF8.GetString(data).StartsWith("report ", StringComparison.Ordinal))
                Returned = Operations.Count;
            long start = offset ?? _positions.GetValueOrDefault(number);
            if (offset is null)
                _positions[number] = start + count;
            Add(FileOperationKind.Write, Opened(descriptor), offset: start, data: data);
        }

        private void Allocated(string[] arguments)
        {
            long end = long.Parse(arguments[2], CultureInfo.InvariantCulture) + long.Parse(arguments[3], CultureInfo.InvariantCulture);
            if (arguments[1] == "0" && Opened(arguments[0]) is { } path && disk.Find(path) is { } file && file.Content.Length < end)
                Add(FileOperationKind.Truncate, path, offset: end);
        }

        private void Copied(string to, string from, long count)
        {
            if (Opened(to) is not { } target)
                return;
            string source = Opened(from) ?? throw new InvalidOperationException("Not simulated: a copy out of another folder.");
            byte[] content = disk.Find(source)!.Content;
            long start = count == long.MaxValue ? 0 : _positions.GetValueOrDefault(Number(to));
            byte[] data = content[(int)start..(int)Math.Min(content.Length, count == long.MaxValue ? content.Length : start + count)];
            _positions[Number(to)] = start + data.Length;
            Add(FileOperationKind.Write, target, offset: start, data: data);
        }

        private void Move(bool link, string from, string to)
        {
            (string? old, string? now) = (Within(from), Within(to));
            Assert.True((old is null) == (now is null), $"Not simulated: '{from}' is moved to '{to}'.");
            Add(link ? FileOperationKind.Link : FileOperationKind.Rename, old, now);
        }

        private void Requested(byte[] data)
        {
            string line = Encoding.UTF8.GetString(data).Split('\r', '\n')[0];
            if (line.StartsWith("POST ", StringComparison.Ordinal))
                Add(FileOperationKind.Request, line);
        }

        private void Add(FileOperationKind kind, string? path, string? to = null, long offset = 0, byte[]? data = null)
        {
            if (path is null)
                return;
            var operation = new FileOperation(kind, path, to, offset, data);
            disk.Apply(operation);
            Operations.Add(operation);
        }

        private static string Number(string descriptor) => descriptor.Split('<')[0];

        // A file that has no name any more cannot be there after a power loss.
        private string? Opened(string descriptor) => Within(Target(descriptor)) is { } path && disk.Find(path) is not null ? path : null;

        private static string Target(string descriptor) => descriptor.IndexOf('<', StringComparison.Ordinal) is >= 0 and var start
            ? Encoding.UTF8.GetString(Unescaped(descriptor[(start + 1)..descriptor.LastIndexOf('>')])) : string.Empty;

        private string? Within(string path) => path == root ? string.Empty : path.StartsWith(root + "/", StringComparison.Ordinal) ? path[(root.Length + 1)..] : null;

        private static string Absolute(string text, string? folder = null)
        {
            string path = Encoding.UTF8.GetString(Bytes(text));
            return Path.GetFullPath(path, "/" + (folder is null ? string.Empty : Target(folder).TrimStart('/')));
        }

        private static byte[] Vector(string text) => [.. Regex.Matches(text, "\"([^\"]*)\"").SelectMany(each => Unescaped(each.Groups[1].Value))];

        private static byte[] Bytes(string text) => text.StartsWith('"') ? Unescaped(text[1..text.LastIndexOf('"')]) : [];

        private static byte[] Unescaped(string text)
        {
            var bytes = new List<byte>(text.Length / 4);
            for (int i = 0; i < text.Length;)
            {
                bool escaped = text[i] == '\\' && i + 3 < text.Length && text[i + 1] == 'x';
                bytes.Add(escaped ? Convert.ToByte(text.Substring(i + 2, 2), 16) : (byte)text[i]);
                i += escaped ? 4 : 1;
            }

            return [.. bytes];
        }

        // Texts are in hexadecimal, so that none holds a comma of its own; lists of vectors do.
        private static string[] Split(string arguments)
        {
            var parts = new List<string>();
            int depth = 0, start = 0;
            for (int i = 0; i < arguments.Length; i++)
            {
                depth += arguments[i] is '[' or '{' ? 1 : arguments[i] is ']' or '}' ? -1 : 0;
                if (arguments[i] == ',' && depth == 0)
                {
                    parts.Add(arguments[start..i].Trim());
                    start = i + 1;
                }
            }

            parts.Add(arguments[start..].Trim());
            return [.. parts];
        }
    }
}
