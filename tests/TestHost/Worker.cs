namespace DbBackup.TestHost;

/// <summary>A process that runs one command after another, each a line with tabs between its arguments, and says how it ended.</summary>
internal static class Worker
{
    /// <summary>Runs what its input says, until that ends.</summary>
    /// <param name="run">Runs a command.</param>
    /// <param name="calls">The system calls that another process decides on; none for a process that nobody interferes with.</param>
    public static async Task ServeAsync(Func<string[], Task<int>> run, IReadOnlyList<int> calls)
    {
        if (calls.Count > 0)
            FaultFilter.Install(calls);
        while (await Console.In.ReadLineAsync() is { } line)
        {
            string end;
            try
            {
                end = $"{await run(line.Split('\t'))}";
            }
            catch (BackupException failure)
            {
                end = $"1 {failure.Code}: {failure.Message} {failure.Hint}";
            }
            catch (Exception exception)
            {
                end = $"2 {exception}";
            }

            Console.WriteLine("end " + end.ReplaceLineEndings(" "));
        }
    }
}
