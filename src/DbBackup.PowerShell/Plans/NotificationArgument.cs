using System.Collections;
using System.Management.Automation;
using DbBackup.Engine.Plans.Secrets;

namespace DbBackup.PowerShell.Plans;

/// <summary>An entry of a plan's -Notify, as it is typed: <c>@{ Webhook = 'https://…' }</c>, <c>@{ Ping = … }</c> or <c>@{ Mail = 'ops@example.org'; Server = … }</c>.</summary>
internal static class NotificationArgument
{
    private const string Hint = "Write @{ Webhook = 'https://…' }, @{ Ping = 'https://…' } or @{ Mail = 'ops@example.org'; Server = 'smtp.example.org' }, each with On = 'Failure', 'Success' if wanted.";

    private static readonly string[] s_securities = ["Auto", "StartTls", "Tls", "None"];

    /// <summary>Reads an entry.</summary>
    /// <exception cref="BackupException">It is none.</exception>
    public static PlanNotification Read(IDictionary table)
    {
        var values = new Dictionary<string, object?>(StringComparer.OrdinalIgnoreCase);
        foreach (DictionaryEntry pair in table)
            values[$"{pair.Key}"] = pair.Value is PSObject wrapped ? wrapped.BaseObject : pair.Value;
        PlanEvents? on = Take(values, "On") is { } given ? Events(given) : null;
        PlanNotification notification;
        if (Text(values, "Webhook") is { } webhook)
            notification = new WebhookNotification { Url = Url(webhook) };
        else if (Text(values, "Ping") is { } ping)
            notification = new PingNotification { Url = Url(ping) };
        else if (Take(values, "Mail") is { } to)
            notification = Mail(values, to);
        else
            throw Invalid("An entry of -Notify has neither Webhook, Ping nor Mail.");
        if (values.Count > 0)
            throw Invalid($"An entry of -Notify has '{values.Keys.First()}', which its kind does not have.");
        return on is { } events ? notification with { On = events } : notification;
    }

    private static MailNotification Mail(Dictionary<string, object?> values, object to)
    {
        var mail = new MailNotification
        {
            To = LanguagePrimitives.ConvertTo<string[]>(to),
            Server = Text(values, "Server") ?? throw Invalid("A mail of -Notify has no Server."),
            From = Text(values, "From"),
            Username = Text(values, "Username"),
            Password = Text(values, "Password"),
            Security = Text(values, "Security") ?? "Auto",
            Port = Take(values, "Port") is { } port ? LanguagePrimitives.TryConvertTo(port, out int number) && number is > 0 and < 65536 ? number : throw Invalid($"'{port}' is no port.") : null,
        };
        if (!s_securities.Contains(mail.Security, StringComparer.OrdinalIgnoreCase))
            throw Invalid($"'{mail.Security}' is no Security; it is {string.Join(", ", s_securities)}.");
        if (mail.Password is { } password)
            SecretReference.Parse(password, "a mail of -Notify");
        return mail;
    }

    // The address of a webhook lets anybody write there, but services hand it out as an address: both are taken.
    private static string Url(string text) =>
        SecretReference.TryParse(text) is not null ? text
        : SecretText.Masked(text) != text ? throw new BackupFailure(
            ErrorCodes.SecretInPlan, FailureCategory.InvalidArgument, "An address of -Notify holds a password, and a plan holds no secrets.", "Put the address into a secret, and write env:NAME, file:/path or vault:Vault/Name.")
        : Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) ? text
        : throw Invalid($"'{text}' is no address of a web server.");

    private static PlanEvents Events(object given)
    {
        PlanEvents events = PlanEvents.None;
        foreach (string text in LanguagePrimitives.ConvertTo<string[]>(given))
            events |= Enum.TryParse(text, ignoreCase: true, out PlanEvents one) && one != PlanEvents.None ? one : throw Invalid($"'{text}' is no event; they are Start, Success, Failure and All.");
        return events;
    }

    private static object? Take(Dictionary<string, object?> values, string name) => values.Remove(name, out object? value) ? value : null;

    private static string? Text(Dictionary<string, object?> values, string name) => Take(values, name)?.ToString() is { Length: > 0 } text ? text : null;

    private static BackupFailure Invalid(string message) => new(ErrorCodes.PlanInvalid, FailureCategory.InvalidArgument, message, Hint);
}
