using System.Globalization;
using static DbBackup.Bench.ModuleShell;

namespace DbBackup.Bench;

/// <summary>A source whose first backup both contenders have, and the second one of each.</summary>
/// <param name="bench">The run.</param>
/// <param name="source">What the table calls it.</param>
/// <param name="shell">The module's shell.</param>
/// <param name="arguments">What New-DbBackup is told of the source.</param>
/// <param name="prepare">What copies the source for restic; null if it reads the source itself.</param>
/// <param name="read">What restic reads.</param>
/// <param name="keep">What stays in the work folder.</param>
internal sealed class SecondBackups(BenchRun bench, string source, ModuleShell shell, string arguments, string? prepare, string read, IReadOnlyList<string> keep)
{
    private readonly string _repository = bench.Work("repo");
    private readonly string _restic = bench.Work("restic");
    private readonly string _alone = bench.Work("alone");
    private readonly string _borg = bench.Work("borg");
    private readonly bool _hasBorg = Tool.IsInstalled("borg");

    private string Store => $"restic -r '{_restic}' --no-cache -q";

    /// <summary>Makes the first backup of both.</summary>
    public void First()
    {
        shell.Run(Command(_repository, "Full"));
        Tool.Run($"{Store} init");
        Tool.Run(Restic());
        if (_hasBorg)
        {
            Tool.Run(BorgStore.Init(_borg));
            Tool.Run(Borg("first", isPrepared: true));
            Tool.Run($"cp -a '{_borg}' '{_borg}.first' && cp -a '{_borg}-cache' '{_borg}-cache.first'");
        }

        if (prepare is not null)
            File.Delete(read);
    }

    /// <summary>Has both make the second one, by turns, and prints their lines.</summary>
    public void Compete(string change, Targets targets, bool isRewritten)
    {
        BenchRun.Settle();
        var ours = new AddedFiles(_repository);
        var theirs = new AddedFiles(_restic);
        void Reset()
        {
            ours.Remove();
            theirs.Remove();
            // It replaces files of its repository, so all of it is put back.
            if (_hasBorg)
                Tool.Run($"rm -rf '{_borg}' '{_borg}-cache' && cp -a '{_borg}.first' '{_borg}' && cp -a '{_borg}-cache.first' '{_borg}-cache'");
            BenchRun.Settle();
        }

        var incremental = new Series("`New-DbBackup -Method Incremental`", string.Empty);
        var restic = new Series(prepare is null ? "`restic backup`" : source == "SQLite" ? "`.backup` + `restic backup`" : "`pg_dump -Fc -Z0` + `restic backup`", string.Empty);
        var borg = new Series(prepare is null ? "`borg create`" : source == "SQLite" ? "`.backup` + `borg create`" : "`pg_dump -Fc -Z0` + `borg create`", string.Empty);
        var full = new Series("`New-DbBackup`, a full one", string.Empty);
        var contest = new Contest(bench);
        contest.Add(incremental, () => shell.Run(Command(_repository, "Incremental")).Seconds, Reset, () => ours.Bytes);
        contest.Add(restic, () => Tool.Run(Restic()), Reset, () => theirs.Bytes);
        if (_hasBorg)
            contest.Add(borg, () => Tool.Run(Borg("second", isPrepared: false)), Reset, () => BytesOf(_borg) - BytesOf(_borg + ".first"));
        contest.Add(full, () => shell.Run(Command(_alone, "Full")).Seconds, Reset, () => BytesOf(_alone));
        string[] kept = [.. keep, "repo", "restic", "borg", "borg.first", "borg-cache", "borg-cache.first"];
        contest.Run(kept);

        Reset();
        double? added = null, whole = null;
        if (OperatingSystem.IsLinux())
        {
            (double idle, double peak, _) = MemoryPart.Of(Command(_repository, "Incremental"));
            added = peak - idle;
            if (prepare is not null)
                Tool.Run(prepare);
            whole = Tool.PeakOf($"{Store} backup '{read}'");
            bench.Clean(kept);
            Reset();
        }

        foreach ((Series series, double? memory) in new[] { (incremental, added), (restic, whole), (borg, null), (full, null) })
        {
            if (series == borg && !_hasBorg)
                continue;
            string bytes = string.Create(CultureInfo.InvariantCulture, $"{series.ResultBytes / 1e6:0.00} MB");
            Report.Line($"| {change} | {series.Name} | {series.Median:0.00} s | {series.Range("0.00")} | {series.RatioTo(incremental):0.00} | {bytes} | {(memory is { } mb ? string.Create(CultureInfo.InvariantCulture, $"{mb:0} MB") : string.Empty)} |");
        }

        // What is new altogether has to be stored by anyone.
        if (!isRewritten)
            targets.AtMost(0.1, $"{source}, {change}: at most a tenth of restic's added bytes", (double)incremental.ResultBytes!.Value / restic.ResultBytes!.Value);
        targets.AtMost(1, $"{source}, {change}: not slower than restic", incremental.RatioTo(restic));
    }

    private static long BytesOf(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);

    private string Borg(string name, bool isPrepared)
    {
        string create = BorgStore.Create(_borg, string.Empty, name, read);
        return prepare is null || isPrepared ? create : $"{prepare} && {create}";
    }

    private string Restic() => prepare is null ? $"{Store} backup '{read}'" : $"{prepare} && {Store} backup '{read}'";

    private string Command(string repository, string method) => $"New-DbBackup {arguments} -Source app -Method {method} -AllowNewRepository -Repository {Quote(repository)}";
}
