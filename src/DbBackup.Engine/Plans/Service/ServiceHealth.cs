using System.Text.Json;

namespace DbBackup.Engine.Plans.Service;

/// <summary>An answer of the service.</summary>
/// <param name="Status">The status of HTTP.</param>
/// <param name="ContentType">The type of the text.</param>
/// <param name="Text">The text.</param>
internal sealed record ServiceAnswer(int Status, string ContentType, string Text);

/// <summary>The health of all plans as JSON: 200 if nothing is wrong, else 503.</summary>
internal static class ServiceHealth
{
    private static readonly JsonSerializerOptions s_options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    public static ServiceAnswer Of(IReadOnlyList<ServicePlan> plans, DateTimeOffset now)
    {
        // A service that has nothing to do would be healthy for years, and nobody would have a backup.
        string? problem = plans.Count == 0 ? "There is no plan." : plans.All(plan => plan.NextRun is null && plan.Problem is null) ? "No plan has a schedule." : null;
        bool isHealthy = problem is null && plans.All(plan => plan.Problem is null);
        return new ServiceAnswer(
            isHealthy ? 200 : 503,
            "application/json; charset=utf-8",
            JsonSerializer.Serialize(
                new
                {
                    Status = isHealthy ? "ok" : "failing",
                    Time = now.UtcDateTime,
                    Problem = problem,
                    Plans = plans.Select(plan => new
                    {
                        plan.Name,
                        Status = plan.Problem is null ? "ok" : "failing",
                        Problem = plan.Problem is null ? null : SecretText.Masked(plan.Problem),
                        Running = plan.IsRunning,
                        LastRun = plan.LastRun?.Started.UtcDateTime,
                        LastState = plan.LastRun?.State.ToString(),
                        NextRun = plan.NextRun?.UtcDateTime,
                    }),
                },
                s_options) + "\n");
    }
}
