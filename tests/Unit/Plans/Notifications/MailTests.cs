using DbBackup.Engine.Plans.Notifications;
using DbBackup.Testing;

namespace DbBackup.Tests.Unit.Plans.Notifications;

/// <summary>Mails over a real SMTP dialogue: plain, STARTTLS, TLS, with a password, refused.</summary>
public sealed class MailTests
{
    private static readonly BackupRun s_run = new()
    {
        Id = "20261129T010000Z",
        Plan = "näightly 1",
        State = BackupRunState.Failed,
        Trigger = "Schedule",
        Started = new DateTimeOffset(2026, 11, 29, 1, 0, 0, TimeSpan.Zero),
        Duration = TimeSpan.FromMinutes(3),
        Host = "db1",
        Failure = "The disk is full.",
        Recommendation = "Free some room.",
    };

    private static readonly MailNotification s_mail = new() { To = ["Admins <admin@example.org>", "second@example.org"], From = "backup@example.org", Server = "localhost" };

    [Fact]
    public async Task A_mail_says_in_its_subject_what_happened_and_in_its_text_what_to_do()
    {
        var smtp = new SmtpDialogue();
        await SendAsync(smtp, s_mail);
        Assert.Contains("plain MAIL FROM:<backup@example.org>", smtp.Heard);
        Assert.Contains("plain RCPT TO:<admin@example.org>", smtp.Heard);
        Assert.Contains("plain RCPT TO:<second@example.org>", smtp.Heard);
        using MimeKit.MimeMessage mail = MimeKit.MimeMessage.Load(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(Assert.Single(smtp.Mails))));
        Assert.Equal("Backup plan näightly 1 on db1 FAILED after 3 min", mail.Subject);
        Assert.Contains("The disk is full.\nWhat to do: Free some room.", mail.TextBody!.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Equal("auto-generated", mail.Headers["Auto-Submitted"]);
    }

    [Fact]
    public async Task Without_a_sender_the_plan_at_this_host_sends_it()
    {
        var smtp = new SmtpDialogue();
        await SendAsync(smtp, s_mail with { From = null });
        Assert.Contains("plain MAIL FROM:<n-ightly-1@db1>", smtp.Heard);
    }

    [Theory]
    [InlineData("Auto", false)]
    [InlineData("StartTls", false)]
    [InlineData("tls", true)]
    public async Task A_password_goes_over_tls_alone(string security, bool fromStart)
    {
        using var certificate = LocalServer.Certificate();
        var smtp = new SmtpDialogue(certificate, fromStart);
        await SendAsync(smtp, s_mail with { Security = security, Username = "backup", Password = "env:PASSWORD" });
        Assert.Single(smtp.Mails);
        Assert.Contains(smtp.Heard, line => line.StartsWith("tls AUTH PLAIN", StringComparison.Ordinal));
        Assert.DoesNotContain(smtp.Heard, line => line.StartsWith("plain MAIL", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_without_tls_gets_no_password()
    {
        var smtp = new SmtpDialogue();
        BackupException failure = await FailAsync(smtp, s_mail with { Username = "backup", Password = "env:PASSWORD" });
        Assert.Contains("STARTTLS", failure.Message, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(smtp.Heard, line => line.Contains("AUTH", StringComparison.Ordinal));
        Assert.Empty(smtp.Mails);
    }

    [Fact]
    public async Task A_certificate_that_is_unknown_gets_no_mail()
    {
        using var certificate = LocalServer.Certificate();
        var smtp = new SmtpDialogue(certificate);
        BackupException failure = await FailAsync(smtp, s_mail, trustAll: false);
        Assert.Contains("certificate", failure.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(smtp.Mails);
    }

    [Fact]
    public async Task A_wrong_password_is_told_once_and_not_shown()
    {
        using var certificate = LocalServer.Certificate();
        var smtp = new SmtpDialogue(certificate);
        BackupException failure = await FailAsync(smtp, s_mail with { Username = "other", Password = "env:PASSWORD" });
        Assert.Single(smtp.Heard, line => line.Contains("AUTH", StringComparison.Ordinal));
        Assert.Contains("wrong password", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Not_now_is_tried_again_and_never_is_not()
    {
        int asked = 0;
        var greylisting = new SmtpDialogue(answer: line => line.StartsWith("RCPT", StringComparison.Ordinal) && asked++ == 0 ? "450 try later" : null);
        await SendAsync(greylisting, s_mail);
        Assert.Single(greylisting.Mails);
        int refused = 0;
        var refusing = new SmtpDialogue(answer: line => line.StartsWith("MAIL", StringComparison.Ordinal) && ++refused > 0 ? "550 no such sender" : null);
        BackupException failure = await FailAsync(refusing, s_mail);
        Assert.Equal(1, refused);
        Assert.Contains("550: no such sender", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no address", "Auto", null, null)]
    [InlineData("admin@example.org", "Sometimes", null, null)]
    [InlineData("admin@example.org", "Auto", "backup", null)]
    public async Task A_mail_that_cannot_be_sent_at_all_is_refused_in_words(string to, string security, string? user, string? password)
    {
        BackupException failure = await FailAsync(new SmtpDialogue(), s_mail with { To = [to], Security = security, Username = user, Password = password });
        Assert.Contains("mail to", failure.Message, StringComparison.Ordinal);
    }

    private static async Task SendAsync(SmtpDialogue smtp, MailNotification mail, bool trustAll = true)
    {
        using var server = new LocalServer(smtp.RunAsync);
        var plan = new BackupPlan { Name = "nightly", Backup = [new PlanParameterDictionary([])], Notify = [mail with { Port = server.Port }] };
        await new PlanNotifier(new FastClock(), trustAll ? (_, certificate, _, _) => certificate?.Subject == "CN=localhost" : null).SendAsync(
            plan, s_run, PlanEvents.Failure, reference => reference == "env:PASSWORD" ? "s3cret-word" : throw new InvalidOperationException(reference), TestContext.Current.CancellationToken);
    }

    private static async Task<BackupException> FailAsync(SmtpDialogue smtp, MailNotification mail, bool trustAll = true)
    {
        BackupException failure = await Assert.ThrowsAsync<BackupFailure>(() => SendAsync(smtp, mail, trustAll));
        Assert.Equal(ErrorCodes.NotificationFailed, failure.Code);
        ErrorAssert.Sound(failure, "s3cret-word");
        return failure;
    }
}
