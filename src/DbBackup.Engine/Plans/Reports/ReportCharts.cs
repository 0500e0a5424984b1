using System.Globalization;
using System.Text;
using DbBackup.Engine.Plans.Status;

namespace DbBackup.Engine.Plans.Reports;

/// <summary>Draws backups over time. The drawings stretch with the page and have no text of their own, which would shrink on a phone.</summary>
internal static class ReportCharts
{
    private const int Width = 1000, SizesHeight = 100, LaneHeight = 20;

    // More marks than these would lie on each other, and make the page heavy.
    private const int MostMarks = 600;

    private static readonly TimeSpan s_shortest = TimeSpan.FromDays(7);

    /// <summary>A lane for each class, a mark for each backup.</summary>
    /// <param name="html">The page.</param>
    /// <param name="decisions">The backups, by the policy whose classes they are of.</param>
    /// <param name="removes">True if that policy is carried out.</param>
    /// <param name="now">The moment.</param>
    public static void Timeline(HtmlWriter html, IReadOnlyList<RetentionDecision> decisions, bool removes, DateTimeOffset now)
    {
        RetentionDecision[] shown = [.. decisions.Where(decision => decision.Created is not null).Take(MostMarks)];
        if (shown.Length == 0)
            return;
        DateTimeOffset from = Start(shown.Select(decision => decision.Created!.Value), now);
        html.Raw("<figure><figcaption>").Text("Backups by class").Raw(" <span class=\"key\"><i class=\"proved\"></i>tested <i class=\"written\"></i>not tested <i class=\"bad\"></i>bad").Raw(removes ? " <i class=\"going\"></i>goes next" : string.Empty).Raw("</span></figcaption>\n<div class=\"lanes\">");
        foreach (IGrouping<string, RetentionDecision> lane in shown.GroupBy(decision => decision.Backup.IsGood ? BackupClasses.ClassOf(decision, now) : "Bad").OrderBy(lane => BackupClasses.OrderOf(lane.Key)))
        {
            html.Raw("<span class=\"lane\">").Text(lane.Key).Raw(" <small>").Text(lane.Count().ToString(CultureInfo.InvariantCulture)).Raw("</small></span>")
                .Raw($"<svg viewBox=\"0 0 {Width} {LaneHeight}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"").Text($"{lane.Key}: {lane.Count()} backups").Raw("\">");
            foreach (RetentionDecision decision in lane)
            {
                string x = Number(At(decision.Created!.Value, from, now) * (Width - 8));
                html.Raw($"<rect class=\"{StyleOf(decision, removes)}\" x=\"{x}\" y=\"2\" width=\"7\" height=\"{LaneHeight - 4}\" rx=\"1\"><title>")
                    .Text($"{decision.Name}, {StatusText.Time(decision.Created.Value)}, {ByteSize.Format(decision.Size)}, {decision.Backup.Status}{(removes && decision.Action == RetentionAction.Remove ? ", goes next" : string.Empty)}")
                    .Raw("</title></rect>");
            }

            html.Raw("</svg>");
        }

        html.Raw("</div>");
        Axis(html, from, now, inLanes: true);
        html.Raw("</figure>\n");
    }

    /// <summary>The sizes of whole backups as an area.</summary>
    public static void Sizes(HtmlWriter html, IReadOnlyList<Backup> backups, DateTimeOffset now)
    {
        Backup[] whole = [.. backups.Where(backup => backup is { IsGood: true, Manifest.Kept: null } && backup.Scope == BackupScope.Whole && backup.Reason is not (BackupReason.Safety or BackupReason.Rehearsal)).Take(MostMarks).OrderBy(backup => backup.Created)];
        if (whole.Length < 2)
            return;
        DateTimeOffset from = Start(whole.Select(backup => backup.Created!.Value), now);
        long largest = Math.Max(whole.Max(backup => backup.Size), 1);
        var points = new StringBuilder();
        foreach (Backup backup in whole)
            points.Append(CultureInfo.InvariantCulture, $"{Number(At(backup.Created!.Value, from, now) * Width)},{Number(SizesHeight - (backup.Size * (SizesHeight - 4.0) / largest))} ");
        string first = Number(At(whole[0].Created!.Value, from, now) * Width), last = Number(At(whole[^1].Created!.Value, from, now) * Width);
        html.Raw("<figure><figcaption>").Text($"Size of a backup: from {ByteSize.Format(whole[0].Size)} to {ByteSize.Format(whole[^1].Size)}, at most {ByteSize.Format(largest)}").Raw("</figcaption>\n")
            .Raw($"<svg class=\"sizes\" viewBox=\"0 0 {Width} {SizesHeight}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"").Text($"Sizes of {whole.Length} backups, at most {ByteSize.Format(largest)}").Raw("\">")
            .Raw($"<polygon class=\"area\" points=\"{first},{SizesHeight} {points}{last},{SizesHeight}\"/><polyline class=\"line\" points=\"{points.ToString().TrimEnd()}\"/></svg>");
        Axis(html, from, now, inLanes: false);
        html.Raw("</figure>\n");
    }

    private static void Axis(HtmlWriter html, DateTimeOffset from, DateTimeOffset now, bool inLanes) =>
        html.Raw($"<div class=\"axis{(inLanes ? " indent" : string.Empty)}\"><span>").Text(Day(from)).Raw("</span><span>").Text(Day(from + ((now - from) / 2))).Raw("</span><span>").Text(Day(now)).Raw("</span></div>");

    private static DateTimeOffset Start(IEnumerable<DateTimeOffset> moments, DateTimeOffset now) => moments.Min() is var first && first < now - s_shortest ? first : now - s_shortest;

    // One from the future lies at the end.
    private static double At(DateTimeOffset moment, DateTimeOffset from, DateTimeOffset now) => Math.Clamp((moment - from) / (now - from), 0, 1);

    private static string StyleOf(RetentionDecision decision, bool removes) =>
        !decision.Backup.IsGood || decision.Backup.IsCollapsed ? "bad"
        : removes && decision.Action == RetentionAction.Remove ? "going"
        : decision.Backup.Status > BackupStatus.Written ? "proved" : "written";

    private static string Day(DateTimeOffset moment) => moment.ToLocalTime().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
