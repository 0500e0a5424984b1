using System.Globalization;
using DbBackup.Engine.Plans.Definitions;
using DbBackup.Engine.Plans.Runs;
using DbBackup.Engine.Plans.Schedules;

namespace DbBackup.Engine.Plans.Service;

/// <summary>
/// Runs plans at their times, in the foreground. Plans are read again at each look, so that a changed file counts at once. A plan runs once at a time;
/// one that was due while the service was off runs at its start.
/// </summary>
public sealed class PlanService(ServiceOptions options)
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    // A run is begun within seconds of its time; a plan that has none after this has missed it.
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    // A run that cannot even begin (a module that is gone, no memory) is not tried each second.
    private static readonly TimeSpan s_betweenAttempts = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, (PlanProcess Process, string Name, RunStore Runs)> _running = new(StringComparer.Ordinal);
    private readonly Dictionary<string, BackupRun> _ended = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (DateTimeOffset At, string Problem)> _failed = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _told = new(StringComparer.Ordinal);
    private volatile IReadOnlyList<ServicePlan> _plans = [];

    /// <summary>The plans at the last look.</summary>
    public IReadOnlyList<ServicePlan> Plans => _plans;

    /// <summary>Runs until it is cancelled; then stops what runs, and waits until it has cleaned up.</summary>
    /// <param name="log">Takes lines of what happens.</param>
    /// <param name="cancellationToken">Ends the service.</param>
    /// <exception cref="BackupException">Nothing can listen at the address.</exception>
    public async Task RunAsync(Action<string> log, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(log);
        void Log(string text) => log($"{options.Clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)} {ForeignText.ShownLine(SecretText.Masked(text))}");
        // What was missed is about to be caught up, and no news.
        Look(static _ => { }, start: false);
        _told.Clear();
        using ServiceServer? server = options.Listen is { } address ? ServiceServer.Start(address, Answer) : null;
        Log($"The service runs {_plans.Count} plans{(server is null ? string.Empty : $" and answers on http://{server.Address}")}.");
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                Look(Log, start: true);
                await Task.Delay(s_look, options.Clock, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Stopped.
        }

        Log(_running.Count == 0 ? "The service ends." : $"The service ends; it stops {string.Join(", ", _running.Keys)} and waits.");
        foreach ((PlanProcess process, _, _) in _running.Values)
            process.Stop();
        foreach (string key in _running.Keys.ToArray())
        {
            await _running[key].Process.Ended.ConfigureAwait(false);
            Reap(key, Log);
        }
    }

    private ServiceAnswer Answer(string path) => path switch
    {
        "/health" => ServiceHealth.Of(_plans, options.Clock.GetUtcNow()),
        "/metrics" => new ServiceAnswer(200, "text/plain; version=0.0.4; charset=utf-8", (options.Metrics ?? ServiceMetrics.Text)(_plans)),
        _ => new ServiceAnswer(404, "text/plain; charset=utf-8", "Ask /health or /metrics.\n"),
    };

    private void Look(Action<string> log, bool start)
    {
        DateTimeOffset now = options.Clock.GetUtcNow();
        var plans = new List<ServicePlan>();
        foreach (string key in _running.Keys.ToArray())
            Reap(key, log);
        foreach (PlanFolders folders in options.Folders)
        {
            var runs = new RunStore(folders);
            foreach (PlanFile file in Read(folders, plans))
            {
                string key = options.Folders.Count == 1 ? file.Name : $"{file.Name} ({folders.Scope})";
                ServicePlan plan = Look(key, file, folders, runs, now, log, start);
                plans.Add(plan);
                Tell(key, plan.Problem, log);
            }
        }

        _plans = [.. plans];
    }

    private static IReadOnlyList<PlanFile> Read(PlanFolders folders, List<ServicePlan> plans)
    {
        try
        {
            return new PlanStore(folders).List();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            plans.Add(new ServicePlan(folders.Plans, null, null, null, false, $"The folder '{folders.Plans}' cannot be read: {exception.Message}"));
            return [];
        }
    }

    private ServicePlan Look(string key, PlanFile file, PlanFolders folders, RunStore runs, DateTimeOffset now, Action<string> log, bool start)
    {
        // What failed stays so until a later run has succeeded, not only until it begins.
        BackupRun? last = runs.Last(file.Name) is { State: not BackupRunState.Running } ended ? _ended[key] = ended : _ended.GetValueOrDefault(key);
        bool isRunning = _running.ContainsKey(key);
        if (file.Plan is not { } plan)
            return new ServicePlan(file.Name, null, last, null, isRunning, file.Problem!.Message);
        try
        {
            DateTimeOffset? due = DueTime.Of(plan, runs, now);
            if (start && !isRunning && due is not null && !(_failed.TryGetValue(key, out var failed) && now - failed.At < s_betweenAttempts))
                isRunning = Start(key, plan, folders, due.Value, now, log);
            string? problem = last is { State: BackupRunState.Failed or BackupRunState.Interrupted or BackupRunState.Stopped } ? $"The last run {Ending(last)}."
                : _failed.TryGetValue(key, out var attempt) ? attempt.Problem
                : !isRunning && due is { } missed && now - missed > s_patience ? $"The run of {missed.ToLocalTime():yyyy-MM-dd HH:mm} is missing."
                : null;
            return new ServicePlan(plan.Name, plan, last, PlanSchedule.Of(plan)?.NextAfter(now), isRunning, problem);
        }
        catch (BackupException failure)
        {
            return new ServicePlan(file.Name, plan, last, null, isRunning, failure.Message);
        }
    }

    private bool Start(string key, BackupPlan plan, PlanFolders folders, DateTimeOffset due, DateTimeOffset now, Action<string> log)
    {
        try
        {
            _running[key] = (PlanProcess.Start(options, folders, plan.Name), plan.Name, new RunStore(folders));
            log($"{key}: started{(now - due > s_patience ? $", it was due at {due.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm'Z'", CultureInfo.InvariantCulture)}" : string.Empty)}.");
            return true;
        }
        catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or IOException)
        {
            _failed[key] = (now, $"The run could not be started: {exception.Message}");
            return false;
        }
    }

    // Takes the end of a run.
    private void Reap(string key, Action<string> log)
    {
        (PlanProcess process, string name, RunStore runs) = _running[key];
        if (!process.Ended.IsCompleted)
            return;
        _running.Remove(key);
        int exitCode = process.Ended.GetAwaiter().GetResult();
        BackupRun? run = runs.Last(name) is { } record && record.Started >= process.Started.AddSeconds(-1) ? record : null;
        if (run is not null || exitCode == 0)
            _failed.Remove(key);
        else
            _failed[key] = (options.Clock.GetUtcNow(), $"The run ended with exit code {exitCode} before it began: {process.Errors.ReplaceLineEndings(" ")}");
        if (run is not null)
            log($"{key}: {Ending(run)}.");
        process.Dispose();
    }

    private static string Ending(BackupRun run) => run.State switch
    {
        BackupRunState.Succeeded => string.Create(CultureInfo.InvariantCulture, $"succeeded in {run.Duration?.TotalSeconds ?? 0:0.0} s, {run.Backups.Count} backups"),
        BackupRunState.Interrupted => $"was interrupted: {run.Failure}".TrimEnd('.'),
        BackupRunState.Stopped => "was stopped",
        BackupRunState.Running => "goes on in another process",
        _ => $"failed: {run.Failure}".TrimEnd('.'),
    };

    private void Tell(string key, string? problem, Action<string> log)
    {
        if (_told.GetValueOrDefault(key) == problem)
            return;
        if (problem is null)
            _told.Remove(key);
        else
            log($"{key}: {_told[key] = problem}");
    }
}
