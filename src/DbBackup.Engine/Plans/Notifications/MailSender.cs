using System.Net.Security;
using System.Net.Sockets;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace DbBackup.Engine.Plans.Notifications;

/// <summary>Sends a mail over SMTP.</summary>
internal sealed class MailSender(TimeProvider clock, RemoteCertificateValidationCallback? trust)
{
    private const int TlsPort = 465, SubmissionPort = 587, PlainPort = 25;

    /// <summary>Sends it.</summary>
    /// <exception cref="NotificationException">It was not accepted.</exception>
    public async Task SendAsync(MailNotification mail, BackupRun run, PlanEvents what, Func<string, string> resolveSecret, CancellationToken cancellationToken)
    {
        using MimeMessage message = Compose(mail, run, what);
        string? password = mail.Username is null ? null
            : mail.Password is { } reference ? resolveSecret(reference)
            : throw new NotificationException($"the user '{mail.Username}' has no password: its Password names none.");
        SecureSocketOptions security = SecurityOf(mail);
        bool mayPass = false;
        await Retry.RunAsync(
            clock,
            async token =>
            {
                mayPass = false;
                try
                {
                    await DeliverAsync(mail, message, security, password, token).ConfigureAwait(false);
                }
                catch (Exception exception) when (exception is SocketException or IOException)
                {
                    mayPass = true;
                    throw new NotificationException($"{mail.Server}: {exception.Message}", exception);
                }
                catch (SmtpCommandException exception)
                {
                    // 4xx is "not now" (RFC 5321, 4.2.1): greylisting, a full queue.
                    mayPass = (int)exception.StatusCode is >= 400 and < 500;
                    throw new NotificationException($"{mail.Server} answered {(int)exception.StatusCode}: {exception.Message}", exception);
                }
                catch (Exception exception) when (exception is SslHandshakeException or AuthenticationException or SmtpProtocolException or NotSupportedException or System.Security.Authentication.AuthenticationException)
                {
                    throw new NotificationException($"{mail.Server}: {OneLine(exception.Message)}", exception);
                }
            },
            _ => mayPass,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The mail of an event.</summary>
    internal static MimeMessage Compose(MailNotification mail, BackupRun run, PlanEvents what)
    {
        try
        {
            var message = new MimeMessage();
            message.From.Add(MailboxAddress.Parse(mail.From ?? $"{Atom(run.Plan)}@{Atom(run.Host)}"));
            message.To.AddRange(mail.To.Select(MailboxAddress.Parse));
            message.Subject = ForeignText.ShownLine(RunText.Line(run, what));
            // Programs that answer mails leave those alone that say so (RFC 3834).
            message.Headers.Add("Auto-Submitted", "auto-generated");
            message.Body = new TextPart("plain") { Text = RunText.Whole(run, what) };
            return message;
        }
        catch (ParseException exception)
        {
            throw new NotificationException($"an address of the mail cannot be used: {exception.Message}", exception);
        }
    }

    private async Task DeliverAsync(MailNotification mail, MimeMessage message, SecureSocketOptions security, string? password, CancellationToken cancellationToken)
    {
        using var client = new SmtpClient
        {
            // Servers of one's own house have certificates of authorities that publish no list of revoked ones.
            CheckCertificateRevocation = false,
            Timeout = (int)Retry.Timeout.TotalMilliseconds,
        };
        if (trust is not null)
            client.ServerCertificateValidationCallback = trust;
        await client.ConnectAsync(mail.Server, PortOf(mail), security, cancellationToken).ConfigureAwait(false);
        if (password is not null)
            await client.AuthenticateAsync(mail.Username!, password, cancellationToken).ConfigureAwait(false);
        await client.SendAsync(message, cancellationToken).ConfigureAwait(false);
        await client.DisconnectAsync(quit: true, CancellationToken.None).ConfigureAwait(false);
    }

    // MailKit explains a refused certificate in paragraphs.
    private static string OneLine(string message) => string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static int PortOf(MailNotification mail) => mail.Port
        ?? (Is(mail.Security, "Tls") ? TlsPort : mail.Username is not null ? SubmissionPort : PlainPort);

    private static SecureSocketOptions SecurityOf(MailNotification mail) =>
        Is(mail.Security, "Auto") ? mail.Port == TlsPort ? SecureSocketOptions.SslOnConnect
            : mail.Username is not null ? SecureSocketOptions.StartTls : SecureSocketOptions.StartTlsWhenAvailable
        : Is(mail.Security, "StartTls") ? SecureSocketOptions.StartTls
        : Is(mail.Security, "Tls") ? SecureSocketOptions.SslOnConnect
        : Is(mail.Security, "None") ? SecureSocketOptions.None
        : throw new NotificationException($"'{mail.Security}' is no security of a mail: use Auto, StartTls, Tls or None.");

    private static bool Is(string text, string name) => text.Equals(name, StringComparison.OrdinalIgnoreCase);

    // Names of plans and hosts may have characters that addresses do not have.
    private static string Atom(string text) => string.Concat(text.Select(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_' ? character : '-')).Trim('.');
}
