namespace HelpBuilder;

/// <summary><c>HelpBuilder &lt;docs/en-US folder&gt; &lt;output folder&gt;</c>; the exit code is 1 where the markdown has faults.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args.Length != 2 || !Directory.Exists(args[0]))
        {
            Console.Error.WriteLine("HelpBuilder: error HELP0002: Usage: HelpBuilder <docs/en-US folder> <output folder>");
            return 2;
        }

        IReadOnlyList<string> faults = HelpFiles.Build(Path.GetFullPath(args[0]), args[1]);
        foreach (string fault in faults)
            Console.Error.WriteLine(fault);
        return faults.Count == 0 ? 0 : 1;
    }
}
