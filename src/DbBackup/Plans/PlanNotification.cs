using System.Text.Json.Serialization;

namespace DbBackup;

/// <summary>Events of a run that somebody may be told of.</summary>
[Flags]
public enum PlanEvents
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>A run begins.</summary>
    Start = 1,

    /// <summary>A run succeeded.</summary>
    Success = 2,

    /// <summary>A run failed.</summary>
    Failure = 4,

    /// <summary>All of them.</summary>
    All = Start | Success | Failure,
}

/// <summary>Somebody who is told of the runs of a plan.</summary>
/// <remarks>URLs and passwords may be references to secrets: <c>env:NAME</c>, <c>file:/path</c>, <c>vault:Vault/Name</c>.</remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(WebhookNotification), "webhook")]
[JsonDerivedType(typeof(MailNotification), "mail")]
[JsonDerivedType(typeof(PingNotification), "ping")]
public abstract record PlanNotification
{
    /// <summary>The events; failures alone by default.</summary>
    public PlanEvents On { get; init; } = PlanEvents.Failure;
}

/// <summary>A POST with the run as JSON.</summary>
public sealed record WebhookNotification : PlanNotification
{
    /// <summary>The address, or a reference to it.</summary>
    public required string Url { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"webhook on {On}";
}

/// <summary>A mail over SMTP.</summary>
public sealed record MailNotification : PlanNotification
{
    /// <summary>The receivers' addresses.</summary>
    public required IReadOnlyList<string> To { get; init => field = Indexable.Of(value); }

    /// <summary>The sender's address; null for the plan's name at this host.</summary>
    public string? From { get; init; }

    /// <summary>The SMTP server.</summary>
    public required string Server { get; init; }

    /// <summary>Its port; null for 465 with TLS from the start, 587 with a user name, else 25.</summary>
    public int? Port { get; init; }

    /// <summary>How it is encrypted: <c>Auto</c> (STARTTLS, required where a password is sent), <c>StartTls</c>, <c>Tls</c> or <c>None</c>.</summary>
    public string Security { get; init; } = "Auto";

    /// <summary>The user name; null to send without one.</summary>
    public string? Username { get; init; }

    /// <summary>A reference to its password.</summary>
    public string? Password { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"mail to {string.Join(", ", To)} on {On}";
}

/// <summary>
/// Requests to a monitor of scheduled jobs, which sounds the alarm when none comes: the address for success, with <c>/start</c> and
/// <c>/fail</c> added for the others (https://healthchecks.io/docs/http_api/).
/// </summary>
public sealed record PingNotification : PlanNotification
{
    /// <summary>Creates it, for all events.</summary>
    public PingNotification() => On = PlanEvents.All;

    /// <summary>The address, or a reference to it.</summary>
    public required string Url { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"ping on {On}";
}
