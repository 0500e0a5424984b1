using System.Globalization;
using DbBackup.Engine.Plans.Status;

namespace DbBackup.Engine.Plans.Reports;

/// <summary>What is wrong, before anything else.</summary>
internal static class ReportOverview
{
    /// <summary>Writes it.</summary>
    public static void Write(HtmlWriter html, IReadOnlyList<JudgedSource> sources)
    {
        html.Raw("<ul class=\"tiles\">");
        foreach (BackupHealth health in (BackupHealth[])[BackupHealth.Critical, BackupHealth.Warning, BackupHealth.OK])
        {
            int count = sources.Count(source => source.Status.Health == health);
            html.Raw($"<li class=\"tile {Style(health)}{(count == 0 ? " none" : string.Empty)}\"><b>").Text(count.ToString(CultureInfo.InvariantCulture)).Raw("</b> <span>").Text(Word(health)).Raw("</span></li>");
        }

        html.Raw("</ul>\n");
        JudgedSource[] wrong = [.. sources.Where(source => source.Status.Health > BackupHealth.OK)];
        html.Raw("<section aria-labelledby=\"wrong\"><h2 id=\"wrong\">").Text(wrong.Length == 0 ? "Nothing is wrong" : "What is wrong").Raw("</h2>\n");
        if (wrong.Length == 0)
            html.Element("p", sources.Count == 0 ? "There are no plans and no backups." : "Each source has a good backup that is as young as it should be.");
        foreach (JudgedSource source in wrong)
        {
            html.Raw($"<article class=\"alarm {Style(source.Status.Health)}\"><h3>");
            Badge(html, source.Status.Health);
            html.Text(source.Status.Source).Raw("</h3>\n<ul>");
            foreach (StatusReason reason in source.Status.Reasons.Where(reason => reason.Severity > BackupHealth.OK))
                html.Raw("<li>").Text(reason.Text).Raw(" <span class=\"next\">").Text(reason.NextStep).Raw("</span></li>");
            html.Raw("</ul></article>\n");
        }

        html.Raw("</section>\n");
    }

    /// <summary>Writes the health as a word with its colour.</summary>
    public static void Badge(HtmlWriter html, BackupHealth health) => html.Raw($"<span class=\"badge {Style(health)}\">").Text(Word(health)).Raw("</span> ");

    private static string Style(BackupHealth health) => health switch { BackupHealth.Critical => "critical", BackupHealth.Warning => "warning", _ => "ok" };

    private static string Word(BackupHealth health) => health switch { BackupHealth.Critical => "critical", BackupHealth.Warning => "warning", _ => "well" };
}
