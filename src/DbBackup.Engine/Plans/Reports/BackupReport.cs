using DbBackup.Engine.Plans.Status;

namespace DbBackup.Engine.Plans.Reports;

/// <summary>Writes how sources are backed up as one page of HTML that needs nothing else: no script, no font, no picture, no network.</summary>
/// <param name="clock">The clock.</param>
public sealed class BackupReport(TimeProvider clock)
{
    /// <summary>Returns the page.</summary>
    /// <param name="request">What it is of.</param>
    /// <param name="retention">The policy that sources of no plan would be kept by; null for none.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="BackupException">The repository that was asked for cannot be read.</exception>
    public async Task<string> WriteAsync(StatusRequest request, RetentionPolicy? retention, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        IReadOnlyList<JudgedSource> sources = await new StatusService(clock).JudgeAsync(request, cancellationToken).ConfigureAwait(false);
        return Page(sources, retention, clock.GetUtcNow());
    }

    /// <summary>The page of what is known.</summary>
    internal static string Page(IReadOnlyList<JudgedSource> sources, RetentionPolicy? retention, DateTimeOffset now)
    {
        var html = new HtmlWriter();
        BackupHealth worst = StatusJson.WorstOf([.. sources.Select(source => source.Status)]);
        html.Raw("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .Raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<meta name=\"color-scheme\" content=\"light dark\">\n")
            .Raw("<title>").Text($"Backups of {Environment.MachineName}: {worst}").Raw("</title>\n<style>").Raw(ReportStyle.Css).Raw("</style>\n</head>\n<body>\n<main>\n");
        html.Raw("<header><h1>").Text($"Backups of {Environment.MachineName}").Raw("</h1><p class=\"when\">").Text($"As of {StatusText.Time(now)}").Raw("</p></header>\n");
        ReportOverview.Write(html, sources);
        foreach (JudgedSource source in sources)
            ReportSource.Write(html, source, PolicyOf(source, retention), now);
        return html.Raw("</main>\n</body>\n</html>\n").ToString();
    }

    private static RetentionPolicy? PolicyOf(JudgedSource source, RetentionPolicy? retention) =>
        source.Facts.Plan?.Plan is { } plan ? plan.Retention is null ? null : BackupClasses.PolicyOf(plan) : retention;
}
