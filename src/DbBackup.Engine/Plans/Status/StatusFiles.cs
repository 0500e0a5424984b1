using DbBackup.Engine.Plans.Definitions;

namespace DbBackup.Engine.Plans.Status;

/// <summary>Writes the files that monitoring reads: a reader sees the old one or the new one whole.</summary>
public static class StatusFiles
{
    /// <summary>Writes a text; the folder must exist. Its mode is the umask's, since other users' programs read it.</summary>
    /// <exception cref="BackupException">It could not be written.</exception>
    public static void Write(string path, string text)
    {
        ArgumentNullException.ThrowIfNull(path);
        // The textfile collector reads what ends in .prom.
        string part = Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}.{Environment.ProcessId}.part");
        try
        {
            File.WriteAllText(part, text);
            File.Move(part, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BackupFailure(
                ErrorCodes.WriteFailed,
                exception is UnauthorizedAccessException ? FailureCategory.PermissionDenied : FailureCategory.WriteError,
                $"'{path}' could not be written: {exception.Message}",
                "Create its folder, and let the user that runs this write into it.",
                exception)
            { Target = path };
        }
        finally
        {
            Discard(part);
        }
    }

    /// <summary>Writes the files that a plan names. Plans that name the same file share it: each writes all of them.</summary>
    /// <param name="plan">The plan that ran.</param>
    /// <param name="plans">All plans of the user and the machine.</param>
    /// <param name="request">What is known of them; its plans are replaced.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">One could not be written.</exception>
    public static async Task WriteForAsync(BackupPlan plan, IReadOnlyList<StatusPlan> plans, StatusRequest request, TimeProvider clock, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(plans);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(clock);
        foreach ((string? path, Func<BackupPlan, string?> pathOf, Func<IReadOnlyList<SourceStatus>, DateTimeOffset, string> text) in
            ((string?, Func<BackupPlan, string?>, Func<IReadOnlyList<SourceStatus>, DateTimeOffset, string>)[])
            [(plan.MetricsPath, each => each.MetricsPath, StatusMetrics.Text), (plan.HealthPath, each => each.HealthPath, StatusJson.Text)])
        {
            if (path is null)
                continue;
            StatusPlan own = plans.FirstOrDefault(each => each.File.Plan is { } other && other.Name == plan.Name && other.Scope == plan.Scope)
                ?? new StatusPlan(new PlanFile(plan.Name, plan.Path ?? string.Empty, plan, null), PlanFolders.Of(plan.Scope));
            StatusPlan[] sharing = [own, .. plans.Where(each => each != own && each.File.Plan is { } other && pathOf(other) == path)];
            IReadOnlyList<SourceStatus> statuses = await new StatusService(clock).GetAsync(request with { Plans = sharing, Repository = null, IncludeOthers = false }, cancellationToken).ConfigureAwait(false);
            Write(path, text(statuses, clock.GetUtcNow()));
        }
    }

    private static void Discard(string part)
    {
        try
        {
            File.Delete(part);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It is in the way of nothing.
        }
    }
}
