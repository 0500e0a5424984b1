using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace DbBackup.Tests.Unit.Plans.Notifications;

/// <summary>The server's side of SMTP (RFC 5321) with STARTTLS and AUTH PLAIN, and what it heard.</summary>
internal sealed class SmtpDialogue(X509Certificate2? certificate = null, bool tlsFromStart = false, bool mayStartTls = true, Func<string, string?>? answer = null)
{
    /// <summary>Each line of the client, as in <c>tls MAIL FROM:&lt;a@b&gt;</c>.</summary>
    public List<string> Heard { get; } = [];

    /// <summary>The mails.</summary>
    public List<string> Mails { get; } = [];

    public async Task RunAsync(Stream plain, CancellationToken token)
    {
        Stream stream = plain;
        bool isSecured = tlsFromStart;
        if (tlsFromStart)
            stream = await LocalServer.SecureAsync(plain, certificate!, token);
        await SayAsync(stream, "220 localhost ESMTP", token);
        while (await LocalServer.ReadLineAsync(stream, token) is { Length: > 0 } line)
        {
            lock (Heard)
                Heard.Add((isSecured ? "tls " : "plain ") + line);
            string verb = line.Split(' ')[0].ToUpperInvariant();
            if (answer?.Invoke(line) is { } other)
            {
                await SayAsync(stream, other, token);
            }
            else if (verb == "EHLO")
            {
                string[] extensions = [.. certificate is not null && mayStartTls && !isSecured ? (string[])["STARTTLS"] : [], .. isSecured ? (string[])["AUTH PLAIN"] : []];
                await SayAsync(stream, string.Join("\r\n", new[] { "localhost" }.Concat(extensions).Select((each, index) => $"250{(index == extensions.Length ? ' ' : '-')}{each}")), token);
            }
            else if (verb == "STARTTLS")
            {
                await SayAsync(stream, "220 go on", token);
                stream = await LocalServer.SecureAsync(plain, certificate!, token);
                isSecured = true;
            }
            else if (verb == "AUTH")
            {
                string[] parts = Encoding.UTF8.GetString(Convert.FromBase64String(line.Split(' ')[2])).Split('\0');
                await SayAsync(stream, parts is [_, "backup", "s3cret-word"] ? "235 welcome" : "535 wrong password", token);
            }
            else if (verb == "DATA")
            {
                await SayAsync(stream, "354 go on", token);
                var mail = new StringBuilder();
                for (string text = await LocalServer.ReadLineAsync(stream, token); text != "."; text = await LocalServer.ReadLineAsync(stream, token))
                    mail.Append(text).Append('\n');
                Mails.Add(mail.ToString());
                await SayAsync(stream, "250 taken", token);
            }
            else
            {
                await SayAsync(stream, verb == "QUIT" ? "221 bye" : "250 well", token);
                if (verb == "QUIT")
                    return;
            }
        }
    }

    private static async Task SayAsync(Stream stream, string text, CancellationToken token) => await stream.WriteAsync(Encoding.ASCII.GetBytes(text + "\r\n"), token);
}
