using System.Text.Json;
using DbBackup.Engine.Plans.Notifications;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Plans.Notifications;

/// <summary>Real servers of this machine hear what is sent; a failure names the receiver and no secret.</summary>
public sealed class PlanNotifierTests
{
    private static readonly BackupRun s_run = new()
    {
        Id = "20261129T010000Z",
        Plan = "nightly",
        State = BackupRunState.Failed,
        Trigger = "Schedule",
        Started = new DateTimeOffset(2026, 11, 29, 1, 0, 0, TimeSpan.Zero),
        Duration = TimeSpan.FromMinutes(3),
        Host = "db1",
        Repository = "/srv/backups",
        Failure = "Cannot connect to postgresql://app:s3cret-word@db/app: connection refused.",
        Recommendation = "Start the server.",
        Steps = [new BackupRunStep { Name = "Backup", State = BackupRunStepState.Failed, Detail = "password=s3cret-word;x", Duration = TimeSpan.FromSeconds(2) }],
        Backups = [new BackupRunBackup { Source = "wiki", Name = "n1", Size = 2048 }],
        Removed = ["wiki/old"],
    };

    private static string NoSecret(string reference) => throw new InvalidOperationException($"'{reference}' is no reference.");

    private static BackupPlan PlanOf(params PlanNotification[] receivers) => new() { Name = "nightly", Backup = [new PlanParameterDictionary([])], Notify = receivers };

    private static async Task<(string Line, string Body)[]> HearAsync(Func<int, PlanNotification> receiver, PlanEvents what, BackupRun run, params string[] answers)
    {
        var heard = new List<(string, string)>();
        using var server = new LocalServer((stream, token) => LocalServer.AnswerHttpAsync(
            stream,
            (line, body) =>
            {
                heard.Add((line, body));
                return heard.Count <= answers.Length ? answers[heard.Count - 1] : "200 OK";
            },
            token));
        await new PlanNotifier(new FastClock(), null).SendAsync(PlanOf(receiver(server.Port)), run, what, NoSecret, TestContext.Current.CancellationToken);
        return [.. heard];
    }

    [Fact]
    public async Task A_webhook_gets_the_run_as_json_with_a_text_for_chats()
    {
        (string line, string body) = Assert.Single(await HearAsync(port => new WebhookNotification { Url = $"http://localhost:{port}/hook?a=b" }, PlanEvents.Failure, s_run));
        Assert.Equal("POST /hook?a=b HTTP/1.1", line);
        JsonElement root = JsonDocument.Parse(body).RootElement;
        string text = root.GetProperty("text").GetString()!;
        Assert.StartsWith("Backup plan nightly on db1 FAILED after 3 min", text, StringComparison.Ordinal);
        Assert.Contains("connection refused", text, StringComparison.Ordinal);
        Assert.Contains("What to do: Start the server.", text, StringComparison.Ordinal);
        Assert.Equal(text, root.GetProperty("content").GetString());
        Assert.Equal(("failure", "Failed", 180.0), (root.GetProperty("event").GetString(), root.GetProperty("state").GetString(), root.GetProperty("durationSeconds").GetDouble()));
        Assert.Equal("wiki", root.GetProperty("backups")[0].GetProperty("source").GetString());
        Assert.DoesNotContain("s3cret-word", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_text_for_chats_is_no_longer_than_they_take()
    {
        (_, string body) = Assert.Single(await HearAsync(port => new WebhookNotification { Url = $"http://localhost:{port}/" }, PlanEvents.Failure, s_run with { Failure = new string('x', 5000) }));
        Assert.InRange(JsonDocument.Parse(body).RootElement.GetProperty("content").GetString()!.Length, 1000, 2000);
    }

    [Theory]
    [InlineData(PlanEvents.Start, "POST /ping/id/start?create=1 HTTP/1.1")]
    [InlineData(PlanEvents.Success, "POST /ping/id?create=1 HTTP/1.1")]
    [InlineData(PlanEvents.Failure, "POST /ping/id/fail?create=1 HTTP/1.1")]
    public async Task A_ping_says_by_its_address_what_happened_and_has_the_logs_end(PlanEvents what, string expected)
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["run.log"], string.Concat(Enumerable.Range(1, 2000).Select(number => $"line {number}: password=s3cret-word;\n")));
        (string line, string body) = Assert.Single(await HearAsync(port => new PingNotification { Url = $"http://localhost:{port}/ping/id?create=1" }, what, s_run with { Log = folder["run.log"] }));
        Assert.Equal(expected, line);
        Assert.Equal(what != PlanEvents.Start, body.Contains("line 2000:", StringComparison.Ordinal));
        Assert.DoesNotContain("line 1:", body, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret-word", body, StringComparison.Ordinal);
        Assert.InRange(body.Length, 10, 40_000);
    }

    [Fact]
    public async Task A_passing_failure_is_tried_again_and_another_is_not()
    {
        Assert.Equal(3, (await HearAsync(port => new PingNotification { Url = $"http://localhost:{port}/" }, PlanEvents.Success, s_run, "503 Busy", "429 Slow down", "200 OK")).Length);
        int tries = 0;
        using var server = new LocalServer((stream, token) => LocalServer.AnswerHttpAsync(
            stream,
            (_, _) =>
            {
                tries++;
                return "404 Not Found";
            },
            token));
        BackupException failure = await FailAsync(new PingNotification { Url = $"http://localhost:{server.Port}/s3cret-word" });
        Assert.Equal(1, tries);
        Assert.Contains("localhost answered 404 Not Found", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_receiver_is_tried_and_each_failure_told_without_the_address()
    {
        int heard = 0;
        using var server = new LocalServer((stream, token) => LocalServer.AnswerHttpAsync(
            stream,
            (_, _) =>
            {
                heard++;
                return "200 OK";
            },
            token));
        BackupException failure = await FailAsync(
            new WebhookNotification { Url = "http://localhost:1/s3cret-word" },
            new WebhookNotification { Url = "s3cret-word" },
            new MailNotification { To = ["admin@example.org"], Server = "localhost", Port = 1 },
            new PingNotification { Url = $"http://localhost:{server.Port}/", On = PlanEvents.Success },
            new WebhookNotification { Url = $"http://localhost:{server.Port}/" });
        Assert.Equal(1, heard);
        string[] lines = failure.Message.Split(Environment.NewLine);
        Assert.Equal(3, lines.Length);
        Assert.Contains("webhook on Failure", lines[0], StringComparison.Ordinal);
        Assert.Contains("refused", lines[0], StringComparison.OrdinalIgnoreCase);
        Assert.Contains("mail to admin@example.org", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reference_is_resolved_and_one_that_names_nothing_is_the_receivers_failure()
    {
        var heard = new List<string>();
        using var server = new LocalServer((stream, token) => LocalServer.AnswerHttpAsync(
            stream,
            (line, _) =>
            {
                heard.Add(line);
                return "200 OK";
            },
            token));
        await new PlanNotifier(new FastClock(), null).SendAsync(
            PlanOf(new WebhookNotification { Url = "env:HOOK" }), s_run, PlanEvents.Failure, reference => reference == "env:HOOK" ? $"http://localhost:{server.Port}/from-env\n" : throw new InvalidOperationException(), TestContext.Current.CancellationToken);
        Assert.Equal(["POST /from-env HTTP/1.1"], heard);
        BackupException failure = await Assert.ThrowsAsync<BackupFailure>(() => new PlanNotifier(new FastClock(), null).SendAsync(
            PlanOf(new WebhookNotification { Url = "env:HOOK" }), s_run, PlanEvents.Failure,
            _ => throw new BackupFailure(ErrorCodes.SecretNotFound, FailureCategory.NotFound, "There is no variable HOOK.", "Set it."), TestContext.Current.CancellationToken));
        Assert.Contains("There is no variable HOOK.", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_whose_certificate_is_unknown_gets_nothing()
    {
        using var certificate = LocalServer.Certificate();
        var heard = new List<string>();
        using var server = new LocalServer(async (stream, token) => await LocalServer.AnswerHttpAsync(
            await LocalServer.SecureAsync(stream, certificate, token),
            (_, body) =>
            {
                heard.Add(body);
                return "200 OK";
            },
            token));
        BackupException failure = await FailAsync(new WebhookNotification { Url = $"https://localhost:{server.Port}/" });
        Assert.Contains("certificate", failure.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(heard);
        await new PlanNotifier(new FastClock(), (_, certificate, _, _) => certificate?.Subject == "CN=localhost").SendAsync(PlanOf(new WebhookNotification { Url = $"https://localhost:{server.Port}/" }), s_run, PlanEvents.Failure, NoSecret, TestContext.Current.CancellationToken);
        Assert.Single(heard);
    }

    [Fact]
    public async Task A_receiver_that_never_answers_does_not_hold_up_the_stop()
    {
        using var server = new LocalServer((_, token) => Task.Delay(Timeout.Infinite, token));
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new PlanNotifier(new FastClock(), null).SendAsync(
            PlanOf(new WebhookNotification { Url = $"http://localhost:{server.Port}/" }), s_run, PlanEvents.Failure, NoSecret, stop.Token));
    }

    private static async Task<BackupException> FailAsync(params PlanNotification[] receivers)
    {
        BackupException failure = await Assert.ThrowsAsync<BackupFailure>(() => new PlanNotifier(new FastClock(), null).SendAsync(
            PlanOf(receivers), s_run, PlanEvents.Failure, text => text, TestContext.Current.CancellationToken));
        Assert.Equal(ErrorCodes.NotificationFailed, failure.Code);
        ErrorAssert.Sound(failure, "s3cret-word");
        return failure;
    }
}

/// <summary>A clock whose pauses are over at once.</summary>
internal sealed class FastClock : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, TimeSpan.Zero, period);
}
