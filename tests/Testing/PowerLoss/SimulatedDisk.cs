namespace DbBackup.Testing.PowerLoss;

/// <summary>
/// A file system that has in memory what programs see, and on the disk only what was flushed. After a power loss, a write that was not
/// flushed is there, is not, or is there in parts; the changes of a folder that was not flushed are there up to one of them, for each
/// folder apart. A flush of a file does not make its name durable: POSIX does not promise it.
/// </summary>
internal sealed class SimulatedDisk
{
    private const int SectorSize = 512;
    private readonly List<NameChange> _names = [];
    private readonly Node _root;
    private readonly Dictionary<Node, Dictionary<string, Node>> _durable = [];

    private SimulatedDisk(Node root) => _root = root;

    /// <summary>A disk that holds a folder's present content, all of it durable.</summary>
    public static SimulatedDisk Of(string folder)
    {
        var disk = new SimulatedDisk(new Node(isFolder: true));
        disk.Load(disk._root, folder);
        return disk;
    }

    /// <summary>Another disk with the same durable content.</summary>
    public SimulatedDisk Copy()
    {
        var copy = new SimulatedDisk(CopyOf(_root));
        foreach (Node node in All(copy._root).Where(node => node.IsFolder))
            copy._durable[node] = new Dictionary<string, Node>(node.Entries);
        return copy;
    }

    /// <summary>Does one operation.</summary>
    public void Apply(FileOperation operation)
    {
        switch (operation.Kind)
        {
            case FileOperationKind.CreateFile or FileOperationKind.CreateFolder:
                Change(null, operation.Path, new Node(operation.Kind == FileOperationKind.CreateFolder));
                break;
            case FileOperationKind.Write:
                Require(operation.Path).Write(operation.Offset, operation.Data!);
                break;
            case FileOperationKind.Truncate:
                Require(operation.Path).Truncate(operation.Offset);
                break;
            case FileOperationKind.Rename:
                Node moved = Require(operation.Path);
                // rename(2) does nothing if both names are the same file's.
                if (Find(operation.To!) != moved)
                    Change(operation.Path, operation.To!, moved);
                break;
            case FileOperationKind.Link:
                Change(null, operation.To!, Require(operation.Path));
                break;
            case FileOperationKind.Delete:
                Change(operation.Path, null, Require(operation.Path));
                break;
            case FileOperationKind.Flush:
                Flush(Require(operation.Path));
                break;
            case FileOperationKind.FlushAll:
                _names.ForEach(change => change.IsDurable = true);
                All(_root).ToList().ForEach(node => node.Flush());
                break;
        }
    }

    /// <summary>A file's or folder's present state; null where there is none.</summary>
    public Node? Find(string path)
    {
        Node? node = _root;
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            node = node?.Entries.GetValueOrDefault(name);
        return node;
    }

    /// <summary>Cuts the power, and writes what is on the disk then into a folder, which it replaces.</summary>
    public void Crash(Random random, string folder)
    {
        var trees = new Dictionary<Node, Dictionary<string, Node>>();
        foreach ((Node node, Dictionary<string, Node> entries) in _durable)
            trees[node] = new Dictionary<string, Node>(entries);
        Dictionary<string, Node> EntriesOf(Node node) => trees.TryGetValue(node, out Dictionary<string, Node>? entries) ? entries : trees[node] = [];
        int everywhere = random.Next(2) == 0 ? random.Next(_names.Count + 1) : -1;
        var cuts = new Dictionary<Node, int>();
        for (int i = 0; i < _names.Count; i++)
        {
            NameChange change = _names[i];
            Node decides = change.To ?? change.From!;
            if (!cuts.TryGetValue(decides, out int cut))
                cuts[decides] = cut = everywhere >= 0 ? everywhere : Cut(random);
            if (!change.IsDurable && i >= cut)
                continue;
            if (change.From is not null && EntriesOf(change.From).GetValueOrDefault(change.FromName!) == change.Node)
                EntriesOf(change.From).Remove(change.FromName!);
            if (change.To is not null)
                EntriesOf(change.To)[change.ToName!] = change.Node;
        }

        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        var contents = new Dictionary<Node, byte[]>();
        Write(_root, folder);

        void Write(Node node, string path)
        {
            Directory.CreateDirectory(path);
            foreach ((string name, Node child) in EntriesOf(node))
            {
                if (child.IsFolder)
                    Write(child, Path.Join(path, name));
                else
                    File.WriteAllBytes(Path.Join(path, name), contents.TryGetValue(child, out byte[]? content) ? content : contents[child] = child.Survivor(random));
            }
        }
    }

    // Often nothing or all of what is not flushed survives.
    private int Cut(Random random) => random.Next(4) switch { 0 => 0, 1 => _names.Count, _ => random.Next(_names.Count + 1) };

    private void Change(string? from, string? to, Node changed)
    {
        (Node? fromFolder, string? fromName) = from is null ? (null, null) : Place(from);
        (Node? toFolder, string? toName) = to is null ? (null, null) : Place(to);
        if (fromFolder is not null)
            fromFolder.Entries.Remove(fromName!);
        if (toFolder is not null)
            toFolder.Entries[toName!] = changed;
        _names.Add(new NameChange(fromFolder, fromName, toFolder, toName, changed));
    }

    private (Node Folder, string Name) Place(string path) => (Require(Path.GetDirectoryName(path)!), Path.GetFileName(path));

    private void Flush(Node node)
    {
        node.Flush();
        foreach (NameChange change in _names.Where(change => change.From == node || change.To == node))
            change.IsDurable = true;
    }

    private Node Require(string path) => Find(path) ?? throw new InvalidOperationException($"The recording uses '{path}', which is not there.");

    private void Load(Node node, string folder)
    {
        foreach (string path in Directory.EnumerateFileSystemEntries(folder))
        {
            var child = new Node(Directory.Exists(path));
            node.Entries[Path.GetFileName(path)] = child;
            if (child.IsFolder)
                Load(child, path);
            else
                child.Write(0, File.ReadAllBytes(path));
            child.Flush();
        }

        _durable[node] = new Dictionary<string, Node>(node.Entries);
    }

    private static Node CopyOf(Node node)
    {
        var copy = new Node(node.IsFolder);
        if (!node.IsFolder)
            copy.Write(0, node.Content);
        copy.Flush();
        foreach ((string name, Node child) in node.Entries)
            copy.Entries[name] = CopyOf(child);
        return copy;
    }

    private static IEnumerable<Node> All(Node node) => node.Entries.Values.SelectMany(All).Prepend(node);

    private sealed record NameChange(Node? From, string? FromName, Node? To, string? ToName, Node Node)
    {
        public bool IsDurable { get; set; }
    }

    /// <summary>A file or folder, whatever names it has.</summary>
    internal sealed class Node(bool isFolder)
    {
        private readonly List<(long Offset, byte[]? Data)> _pending = [];
        private byte[] _durable = [];

        public bool IsFolder { get; } = isFolder;

        public Dictionary<string, Node> Entries { get; } = [];

        public byte[] Content { get; private set; } = [];

        public void Write(long offset, byte[] data)
        {
            Content = Put(Content, offset, data);
            _pending.Add((offset, data));
        }

        public void Truncate(long size)
        {
            Content = Resize(Content, size);
            _pending.Add((size, null));
        }

        public void Flush()
        {
            _durable = Content;
            _pending.Clear();
        }

        /// <summary>The content after a power loss.</summary>
        public byte[] Survivor(Random random)
        {
            byte[] content = _durable;
            int mood = random.Next(4);
            foreach ((long offset, byte[]? data) in _pending)
            {
                int fate = mood switch { 0 => 0, 1 => 1, _ => random.Next(5) };
                if (fate == 0)
                    continue;
                content = data is null ? Resize(content, offset) : fate == 4 ? Torn(random, content, offset, data) : Put(content, offset, data);
            }

            return content;
        }

        // The size may be on the disk without the data: then zeros are read.
        private static byte[] Torn(Random random, byte[] content, long offset, byte[] data)
        {
            if (random.Next(2) == 0)
                content = Resize(content, Math.Max(content.Length, offset + data.Length));
            for (long start = 0; start < data.Length;)
            {
                long end = Math.Min(data.Length, ((offset + start) / SectorSize * SectorSize) + SectorSize - offset);
                if (random.Next(2) == 0)
                    content = Put(content, offset + start, data[(int)start..(int)end]);
                start = end;
            }

            return content;
        }

        private static byte[] Put(byte[] content, long offset, byte[] data)
        {
            byte[] changed = Resize(content, Math.Max(content.Length, offset + data.Length));
            data.CopyTo(changed, offset);
            return changed;
        }

        private static byte[] Resize(byte[] content, long size)
        {
            byte[] changed = new byte[size];
            content.AsSpan(0, (int)Math.Min(size, content.Length)).CopyTo(changed);
            return changed;
        }
    }
}
