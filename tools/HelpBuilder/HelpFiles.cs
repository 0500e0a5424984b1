using System.Text;

namespace HelpBuilder;

/// <summary>Makes all help files of a folder of markdown.</summary>
internal static class HelpFiles
{
    /// <summary>Reads every markdown file; writes only when none has a fault, and only files whose content changed.</summary>
    /// <param name="source">The folder with the markdown.</param>
    /// <param name="target">The folder that gets <c>en-US</c>.</param>
    /// <returns>The faults, as MSBuild reads them; empty where there are none.</returns>
    public static IReadOnlyList<string> Build(string source, string target)
    {
        var commands = new List<CommandHelp>();
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        var faults = new List<string>();
        foreach (string path in Directory.EnumerateFiles(source, "*.md").Order(StringComparer.Ordinal))
        {
            var errors = new HelpErrors(path);
            string name = Path.GetFileNameWithoutExtension(path);
            string markdown = File.ReadAllText(path);
            if (name.StartsWith("about_", StringComparison.Ordinal))
            {
                files.Add(name + ".help.txt", AboutWriter.Write(markdown, errors));
            }
            else
            {
                CommandHelp help = MarkdownHelpReader.Read(markdown, errors);
                if (help.Name != name)
                    errors.Add(1, $"The file's name is not that of its cmdlet, '{help.Name}'.");
                commands.Add(help);
            }

            faults.AddRange(errors.Messages);
        }

        if (faults.Count == 0 && commands.Count == 0)
            faults.Add($"{source}: error HELP0001: The folder has no help of a cmdlet.");
        if (faults.Count > 0)
            return faults;

        foreach (IGrouping<string, CommandHelp> group in commands.GroupBy(help => help.HelpFile))
            files.Add(group.Key, MamlWriter.Write(group));
        string folder = Directory.CreateDirectory(Path.Combine(target, Path.GetFileName(Path.TrimEndingDirectorySeparator(source)))).FullName;
        foreach ((string name, string content) in files)
            WriteWhenChanged(Path.Combine(folder, name), content);
        return [];
    }

    private static void WriteWhenChanged(string path, string content)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(content);
        if (!File.Exists(path) || !File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes))
            File.WriteAllBytes(path, bytes);
    }
}
