using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace DbBackup.Upgrades.Deployments.ComposeFiles;

/// <summary>
/// Finds the parts of a compose project's files that name a server's image and volume, and what stands there for the new ones. All else, comments
/// and order too, stays as people wrote it.
/// </summary>
internal sealed partial class ComposeFileEditor
{
    private const string Volumes = "volumes";
    private const char Mark = '\uFEFF';
    private readonly UpgradeSubject.MajorVersion _server;
    private readonly IReadOnlyList<string> _texts;
    private readonly YamlMappingNode[] _roots;
    private readonly List<TextEdit>[] _edits;
    private readonly HashSet<string> _keys = new(StringComparer.Ordinal);

    private ComposeFileEditor(IReadOnlyList<string> texts, UpgradeSubject.MajorVersion server)
    {
        _server = server;
        _texts = texts;
        _roots = [.. texts.Select(Read)];
        _edits = [.. texts.Select(_ => new List<TextEdit>())];
    }

    /// <summary>Returns the edits of each file; none where the files have the new image and volume already.</summary>
    /// <param name="texts">The project's files, in compose's order.</param>
    /// <param name="server">The upgrade.</param>
    /// <exception cref="FormatException">The lines cannot be told: with the reason, as the rest of a sentence.</exception>
    public static IReadOnlyList<IReadOnlyList<TextEdit>> Edit(IReadOnlyList<string> texts, UpgradeSubject.MajorVersion server)
    {
        // For the parser a byte order mark would be a part of the first name.
        var editor = new ComposeFileEditor([.. texts.Select(text => text.TrimStart(Mark))], server);
        editor.SetImage();
        foreach (UpgradeSubject.MovedVolume volume in server.Volumes)
            editor.SetVolume(volume);
        return [.. editor._edits.Select((edits, file) => (IReadOnlyList<TextEdit>)[.. edits.Select(edit => edit with { Offset = edit.Offset + texts[file].Length - editor._texts[file].Length })])];
    }

    // A later file overrides the image of an earlier one.
    private void SetImage()
    {
        int file = Array.FindLastIndex(_roots, root => Find(root, "services", _server.Service!, "image") is not null);
        YamlNode node = file < 0 ? throw new FormatException($"no file names the image of service '{_server.Service}' itself") : Find(_roots[file], "services", _server.Service!, "image")!;
        Replace(file, node, _server.Image, "the image");
    }

    private void SetVolume(UpgradeSubject.MovedVolume volume)
    {
        string? old = null;
        var present = new List<(int File, YamlNode Mount)>();
        for (int file = 0; file < _roots.Length; file++)
        {
            foreach (YamlNode mount in Find(_roots[file], "services", _server.Service!, Volumes) is YamlSequenceNode list ? list.Children : [])
            {
                if (Parts(mount) is not { } parts)
                    continue;
                if (Same(parts.Target, volume.Old.Path) && parts.Source is { } source && source != volume.New.Key)
                {
                    old = old is null || old == source ? source : throw new FormatException($"the files mount two volumes at '{volume.Old.Path}'");
                    present.Add((file, mount));
                }
            }
        }

        if (old is null)
        {
            bool isDone = volume.New.Key is not null && _roots.Any(root => Find(root, "services", _server.Service!, Volumes) is YamlSequenceNode list
                && list.Children.Select(Parts).Any(parts => parts is { } mount && mount.Source == volume.New.Key && Same(mount.Target, volume.New.Path)));
            if (!isDone)
                throw new FormatException($"no file mounts a volume at '{volume.Old.Path}' in service '{_server.Service}' itself");
            old = string.Empty;
        }
        else if (!VolumeName().IsMatch(old) || (volume.Old.Key is { } key && key != old))
        {
            throw new FormatException($"'{old}' at '{volume.Old.Path}' is not the name of a volume");
        }

        string name = volume.New.Key ?? FreeKey(MajorVersionFinder.KeyFor(old, _server.From, _server.To));
        foreach ((int file, YamlNode mount) in present)
            SetMount(file, mount, name, volume.New.Path);
        if (!_roots.Any(root => Find(root, Volumes, name) is not null))
            Declare(volume, old, name);
    }

    private void SetMount(int file, YamlNode mount, string name, string path)
    {
        if (mount is YamlScalarNode scalar)
        {
            string[] parts = scalar.Value!.Split(':');
            parts[0] = name;
            parts[1] = Same(parts[1], path) ? parts[1] : path;
            Replace(file, scalar, string.Join(':', parts), "the volume");
            return;
        }

        Replace(file, Find(mount, "source")!, name, "the volume");
        if (!Same(((YamlScalarNode)Find(mount, "target")!).Value!, path))
            Replace(file, Find(mount, "target")!, path, "the volume's path");
    }

    private void Declare(UpgradeSubject.MovedVolume volume, string old, string name)
    {
        int file = Array.FindIndex(_roots, root => Find(root, Volumes, old) is not null);
        if (file < 0)
            throw new FormatException($"no file declares volume '{old}'");
        var declared = (YamlMappingNode)Find(_roots[file], Volumes)!;
        (YamlNode key, YamlNode value) = declared.Children.First(each => each.Key is YamlScalarNode scalar && scalar.Value == old);
        string text = _texts[file];
        // A volume that compose does not create has its full name here.
        string? external = volume.New.Key is null ? volume.New.Name : null;
        if (declared.Style == MappingStyle.Flow)
        {
            _edits[file].Add(new TextEdit((int)key.Start.Index, string.Empty, external is null ? $"{name}: {{}}, " : $"{name}: {{external: true, name: {external}}}, "));
            return;
        }

        int start = (int)key.Start.Index - (int)(key.Start.Column - 1);
        string indent = text[start..(int)key.Start.Index];
        if (indent.AsSpan().Trim(' ').Length > 0)
            throw new FormatException($"the name of volume '{old}' does not begin its line");
        string newLine = text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";
        string line = $"{indent}{name}:{(external is null ? string.Empty : $"{newLine}{indent}  external: true{newLine}{indent}  name: {external}")}";
        int end = text.IndexOf('\n', Math.Max((int)key.End.Index, LastIndex(value)));
        _edits[file].Add(end < 0 ? new TextEdit(text.Length, string.Empty, newLine + line) : new TextEdit(end + 1, string.Empty, line + newLine));
    }

    // Where a node's last character is. A block ends for the parser where the next one begins, behind comments and empty lines.
    private static int LastIndex(YamlNode node) => node switch
    {
        YamlMappingNode { Style: not MappingStyle.Flow } mapping => mapping.Children.Select(each => Math.Max(LastIndex(each.Key), LastIndex(each.Value))).DefaultIfEmpty(0).Max(),
        YamlSequenceNode { Style: not SequenceStyle.Flow } list => list.Children.Select(LastIndex).DefaultIfEmpty(0).Max(),
        YamlScalarNode { Value: null or "" } => 0,
        _ => (int)node.End.Index,
    };

    private void Replace(int file, YamlNode node, string value, string what)
    {
        if (node is not YamlScalarNode scalar)
            throw new FormatException($"{what} is no text (line {node.Start.Line})");
        if (scalar.Value == value)
            return;
        if (scalar.Value!.Contains('$', StringComparison.Ordinal))
            throw new FormatException($"{what} comes from a variable ('{scalar.Value}', line {node.Start.Line})");
        string quote = scalar.Style switch { ScalarStyle.SingleQuoted => "'", ScalarStyle.DoubleQuoted => "\"", _ => string.Empty };
        string written = quote + scalar.Value + quote;
        // With an anchor, a tag or an escape it is more than that; an alias stands elsewhere.
        if (string.CompareOrdinal(_texts[file], (int)scalar.Start.Index, written, 0, written.Length) != 0 || _edits[file].Exists(edit => edit.Offset == (int)scalar.Start.Index))
            throw new FormatException($"{what} in line {node.Start.Line} is written in a way that is not changed here");
        if (!Plain().IsMatch(value))
            quote = quote.Length > 0 && !value.AsSpan().ContainsAny("'\"\\") ? quote : throw new FormatException($"'{value}' needs quotes");
        _edits[file].Add(new TextEdit((int)scalar.Start.Index, written, quote + value + quote));
    }

    private string FreeKey(string key)
    {
        for (int number = 1; ; number++)
        {
            string candidate = number == 1 ? key : FormattableString.Invariant($"{key}-{number}");
            if (_roots.All(root => Find(root, Volumes, candidate) is null) && _keys.Add(candidate))
                return candidate;
        }
    }

    private static (string? Source, string Target)? Parts(YamlNode mount) => mount switch
    {
        YamlScalarNode { Value: { } text } when text.Split(':') is [var source, var target, ..] => (source, target),
        YamlMappingNode when Find(mount, "target") is YamlScalarNode { Value: { } target } && (Find(mount, "type") as YamlScalarNode)?.Value is null or "volume" => ((Find(mount, "source") as YamlScalarNode)?.Value, target),
        _ => null,
    };

    private static bool Same(string path, string other) => path.TrimEnd('/') == other.TrimEnd('/');

    private static YamlNode? Find(YamlNode? node, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
            node = node is YamlMappingNode mapping && mapping.Children.TryGetValue(new YamlScalarNode(name), out YamlNode? value) ? value : null;
        return node;
    }

    private static YamlMappingNode Read(string text)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException exception)
        {
            throw new FormatException($"a file is no YAML: {exception.InnerException?.Message ?? exception.Message} (line {exception.Start.Line})", exception);
        }

        return stream.Documents is [{ RootNode: YamlMappingNode root }] ? root : new YamlMappingNode();
    }

    // What YAML reads as text in any place without quotes.
    [GeneratedRegex(@"\A[A-Za-z0-9_./][A-Za-z0-9_./:@+-]*\z")]
    private static partial Regex Plain();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_.-]*\z")]
    private static partial Regex VolumeName();
}
