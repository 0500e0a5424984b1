using DbBackup.Bench;

if (BenchOptions.Parse(args) is not { } options)
{
    Console.Error.WriteLine($"""
        Usage: dotnet run -c Release --project bench/DbBackup.Bench -- [--size MB] [--rounds N] [--backups N] [--hosts N] [--files N] [--data FOLDER] [--server FOLDER] [--only PART,…]
        Parts: {string.Join(", ", Parts.All.Keys)}. Defaults: 500 MB, 5 rounds, 10000 backups, 1000 hosts, 20000 files, a folder of the system's for temporary files, the newest PostgreSQL server, all parts.
        """);
    return 2;
}

BenchServer.Programs = options.ServerPrograms ?? BenchServer.Programs;
using var bench = new BenchRun(options);
foreach ((string part, Action<BenchRun> measure) in Parts.All)
{
    if (options.Wants(part))
        measure(bench);
}

return 0;
