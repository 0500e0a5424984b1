using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace DbBackup.Engine.Plans.Notifications;

/// <summary>
/// Posts a run as JSON. <c>text</c> is what Slack, Mattermost and Rocket.Chat show, <c>content</c> what Discord shows; they pass over the rest,
/// which is for programs.
/// </summary>
internal sealed class WebhookSender(HttpSender http)
{
    // Discord refuses a longer content.
    private const int LongestText = 1900;

    private static readonly JsonSerializerOptions s_options = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>Posts it.</summary>
    /// <exception cref="NotificationException">It was not accepted.</exception>
    public Task SendAsync(Uri address, BackupRun run, PlanEvents what, CancellationToken cancellationToken) =>
        http.PostAsync(address, Body(run, what), "application/json", cancellationToken);

    /// <summary>The body.</summary>
    internal static string Body(BackupRun run, PlanEvents what)
    {
        string text = what == PlanEvents.Failure ? RunText.Whole(run, what).TrimEnd() : RunText.Line(run, what);
        if (text.Length > LongestText)
            text = text[..LongestText] + "…";
        return JsonSerializer.Serialize(
            new
            {
                text,
                content = text,
                @event = what.ToString().ToLowerInvariant(),
                plan = run.Plan,
                run = run.Id,
                state = run.State.ToString(),
                trigger = run.Trigger,
                host = run.Host,
                started = run.Started.ToUniversalTime(),
                durationSeconds = run.Duration?.TotalSeconds,
                repository = RunText.Safe(run.Repository),
                failure = RunText.Safe(run.Failure),
                recommendation = RunText.Safe(run.Recommendation),
                backups = run.Backups.Select(backup => new { backup.Source, backup.Name, backup.Size }),
                removed = run.Removed,
                steps = run.Steps.Select(step => new { step.Name, State = step.State.ToString(), Seconds = step.Duration?.TotalSeconds, Detail = RunText.Safe(step.Detail) }),
            },
            s_options);
    }
}
