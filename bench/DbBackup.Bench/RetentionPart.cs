using System.Globalization;
using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>Decides what a policy keeps of many backups, and judges their sources, beside their listing in the same shell.</summary>
internal static class RetentionPart
{
    public static void Measure(BenchRun bench)
    {
        string repository = SampleRepository.Ensure(bench.Options.DataFolder, bench.Options.Backups);
        string list = $"(Get-DbBackup -Repository {Quote(repository)}).Count";
        // What it would remove is told to the host, which costs more than the decision.
        string decide = $"(Invoke-DbBackupRetention {bench.Options.Backups}h -WhatIf -Repository {Quote(repository)}).Count";
        string remove = $"(Invoke-DbBackupRetention 7d,4w,12m -WhatIf -Repository {Quote(repository)} 6>$null).Count";
        string judge = $"(Get-DbBackupStatus -Repository {Quote(repository)} -Rpo 26h | Measure-Object Count -Sum).Sum";
        var listed = new Series("`Get-DbBackup`", "Get-DbBackup -Repository repo");
        var kept = new Series("`Invoke-DbBackupRetention -WhatIf`, all kept", $"Invoke-DbBackupRetention {bench.Options.Backups}h -WhatIf -Repository repo");
        var decided = new Series("`Invoke-DbBackupRetention -WhatIf`, most removed", "Invoke-DbBackupRetention 7d,4w,12m -WhatIf -Repository repo");
        var judged = new Series("`Get-DbBackupStatus`", "Get-DbBackupStatus -Repository repo -Rpo 26h");
        var ratios = new List<double>();
        var statusRatios = new List<double>();
        for (int round = 0; round <= bench.Options.Rounds; round++)
        {
            using var shell = new ModuleShell(BenchRun.ModulePath);
            double[] seconds = new double[4];
            // Each once before it counts: the code of all four is compiled then.
            foreach (bool counts in (bool[])[false, true])
            {
                for (int which = 0; which < 4; which++)
                {
                    (seconds[which], string found) = shell.Run(which switch { 0 => list, 1 => decide, 2 => remove, _ => judge });
                    if (found != bench.Options.Backups.ToString(CultureInfo.InvariantCulture))
                        throw new InvalidOperationException($"{found} backups instead of {bench.Options.Backups}.");
                }

                if (!counts || round == 0)
                    continue;
                listed.Add(seconds[0]);
                kept.Add(seconds[1]);
                decided.Add(seconds[2]);
                judged.Add(seconds[3]);
                ratios.Add(seconds[1] / seconds[0]);
                statusRatios.Add(seconds[3] / seconds[0]);
            }
        }

        ratios.Sort();
        statusRatios.Sort();
        Report.Heading($"Retention of {bench.Options.Backups} backups of 20 sources");
        Report.Table([listed, kept, decided, judged]);
        Report.Line($"Deciding takes {ratios[ratios.Count / 2]:0.00} times as long as listing, judging {statusRatios[statusRatios.Count / 2]:0.00} times (medians of the rounds).");
    }
}
