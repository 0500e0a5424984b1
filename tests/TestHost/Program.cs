using System.Globalization;
using DbBackup;
using DbBackup.TestHost;

// The other process of the tests: an application that writes or holds a database, or a run of the engine that is killed.
try
{
    return await RunAsync(args);
}
catch (BackupException failure)
{
    await Console.Error.WriteLineAsync($"{failure.Code}: {failure.Message}");
    return 1;
}

static async Task<int> RunAsync(string[] args)
{
    switch (args[0])
    {
        case "write":
            Application.WritePairs(args[1]);
            return 0;
        case "visit":
            Application.Visit(args[1]);
            return 0;
        case "hold":
            Application.Hold(args[1]);
            return 0;
        case "serve":
            PostgreSqlHost.Serve(args[1]);
            return 0;
        case "backup":
            await EngineRun.BackUpAsync(args[1], args[2], int.Parse(args[3], CultureInfo.InvariantCulture), args.Length > 4 ? args[4] : null);
            return 0;
        case "backupnamed":
            await EngineRun.BackUpNamedAsync(args[1], args[2], args[3]);
            return 0;
        case "restore":
            await EngineRun.RestoreAsync(args[1], args[2], args[3], int.Parse(args[4], CultureInfo.InvariantCulture), force: args.Contains("force"), [.. args[5..].Where(each => each != "force")]);
            return 0;
        case "datebackup":
            await ManifestRun.DateAsync(args[1], args[2], DateTimeOffset.Parse(args[3], CultureInfo.InvariantCulture));
            return 0;
        case "copy":
            await RepositoryRun.CopyAsync(args[1], args[2]);
            return 0;
        case "remove":
            await RepositoryRun.RemoveAsync(args[1], args[2], args[3]);
            return 0;
        case "test":
            await RepositoryRun.TestAsync(args[1], args[2], args[3]);
            return 0;
        case "undorestore":
            await RepositoryRun.UndoRestoreAsync(args[1], args[2]);
            return 0;
        case "pgbackup":
            await PostgreSqlRun.BackUpAsync(args[1], args[2], args[3], int.Parse(args[4], CultureInfo.InvariantCulture), inRanges: args.Contains("ranges"));
            return 0;
        case "pgincremental":
            await PostgreSqlRun.BackUpIncrementallyAsync(args[1], args[2], args[3], args[4], args[5], args[6]);
            return 0;
        case "containerbackup":
            await PostgreSqlRun.BackUpContainerAsync(args[1], args[2], args[3]);
            return 0;
        case "pgrestore":
            await PostgreSqlRun.RestoreAsync(args[1], args[2], args[3], int.Parse(args[4], CultureInfo.InvariantCulture), inPlace: args.Contains("inplace"));
            return 0;
        case "pgtest":
            await PostgreSqlRun.RestoreTestAsync(args[1], args[2], args[3], int.Parse(args[4], CultureInfo.InvariantCulture), elsewhere: args.Contains("elsewhere"));
            return 0;
        case "pause":
            await PauseRun.HoldAsync(args[1], Enum.Parse<PauseMode>(args[2]), args[3..]);
            return 0;
        case "upgrade":
            await EngineRun.UpgradeAsync(args[1], args[2], args[3], args[4]);
            return 0;
        case "resume":
            await EngineRun.ResumeAsync(args[1], args[2]);
            return 0;
        case "undo":
            await EngineRun.UndoAsync(args[1], args[2]);
            return 0;
        case "memory":
            await MemoryRun.RunAsync(args[1], args[2], args[3]);
            return 0;
        case "sql":
            SqlRun.Execute(args[1], args.Length > 2 ? args[2] : null);
            return 0;
        case "worker":
            await Worker.ServeAsync(RunAsync, [.. args.Skip(1).Select(call => int.Parse(call, CultureInfo.InvariantCulture))]);
            return 0;
        case "list":
            await EngineRun.ListAsync(args[1]);
            return 0;
        default:
            await Console.Error.WriteLineAsync($"'{args[0]}' is no command.");
            return 2;
    }
}
