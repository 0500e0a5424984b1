using System.Globalization;
using System.Net;
using System.Net.Sockets;
using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>The same backups as <see cref="ListPart"/>'s, listed in a bucket, beside the local ones in the same shell.</summary>
internal static class RemoteListPart
{
    public static void Measure(BenchRun bench)
    {
        string repository = SampleRepository.Ensure(bench.Options.DataFolder, bench.Options.Backups);
        Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", "bench");
        Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", "bench");
        Report.Heading($"Listing {bench.Options.Backups} backups in a bucket");
        foreach (int milliseconds in (ReadOnlySpan<int>)[0, 20])
        {
            using var server = new BucketServer(repository, FreePort(), TimeSpan.FromMilliseconds(milliseconds));
            Measure(bench, repository, server, milliseconds);
        }
    }

    private static void Measure(BenchRun bench, string repository, BucketServer server, int milliseconds)
    {
        string local = $"(Get-DbBackup -Repository {Quote(repository)}).Count";
        string remote = $"(Get-DbBackup -Repository {Quote(server.Location)}).Count";
        string way = milliseconds == 0 ? "bucket on this machine" : string.Create(CultureInfo.InvariantCulture, $"bucket {milliseconds} ms away");
        var series = new Series[]
        {
            new("local", "Get-DbBackup -Repository repo"),
            new($"{way}: the first listing", "Get-DbBackup -Repository s3://bucket"),
            new($"{way}: the second", "Get-DbBackup -Repository s3://bucket"),
            new($"{way}: one source of 20", "Get-DbBackup -Source source-07 -Repository s3://bucket"),
            new("local, first call of a fresh shell", "Get-DbBackup -Repository repo"),
            new($"{way}: listed before, first call of a fresh shell", "Get-DbBackup -Repository s3://bucket"),
        };
        int[] requests = new int[series.Length];
        for (int round = 0; round <= bench.Options.Rounds; round++)
        {
            string cache = $"$env:XDG_CACHE_HOME = {Quote(bench.Work($"cache-{milliseconds}-{round}"))}";
            double[] seconds = new double[series.Length];
            using (var shell = new ModuleShell(BenchRun.ModulePath))
            {
                // The code of a listing is compiled by then, and of one in a bucket too, but for what the first one writes.
                shell.Run(cache);
                shell.Run(local);
                shell.Run($"{local}; $null = Get-DbBackup -Source source-01 -Repository {Quote(server.Location)}");
                seconds[0] = Counted(bench, shell, local);
                server.TakeRequests();
                seconds[1] = Counted(bench, shell, remote);
                requests[1] = server.TakeRequests();
                seconds[2] = Counted(bench, shell, remote);
                requests[2] = server.TakeRequests();
                seconds[3] = shell.Run($"(Get-DbBackup -Source source-07 -Repository {Quote(server.Location)}).Count").Seconds;
                requests[3] = server.TakeRequests();
            }

            using (var shell = new ModuleShell(BenchRun.ModulePath))
                seconds[4] = Counted(bench, shell, local);
            using (var shell = new ModuleShell(BenchRun.ModulePath))
            {
                shell.Run(cache);
                seconds[5] = Counted(bench, shell, remote);
                requests[5] = server.TakeRequests();
            }

            for (int which = 0; round > 0 && which < series.Length; which++)
                series[which].Add(seconds[which]);
        }

        Report.Table(series);
        Report.Line($"\nRequests: {requests[1]} for the first listing, {requests[2]} for the second, {requests[3]} for one source, {requests[5]} in a fresh shell. The cache has {CacheSize(bench) / 1e6:0.0} MB.\n");
        bench.Clean();
    }

    private static double Counted(BenchRun bench, ModuleShell shell, string count)
    {
        (double seconds, string found) = shell.Run(count);
        return found == bench.Options.Backups.ToString(CultureInfo.InvariantCulture) ? seconds : throw new InvalidOperationException($"{found} backups were listed instead of {bench.Options.Backups}.");
    }

    private static long CacheSize(BenchRun bench) =>
        Directory.GetDirectories(bench.WorkFolder, "cache-*").Select(folder => new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length)).Max();

    private static int FreePort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }
}
