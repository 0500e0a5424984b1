using System.Globalization;
using Amazon.S3;

namespace DbBackup.Engine.Repository.Stores.S3;

/// <summary>What the options of a location such as <c>s3://bucket/prefix?endpoint=https://minio:9000</c> say.</summary>
/// <param name="Endpoint">The server; null for AWS, or what the SDK's own configuration says.</param>
/// <param name="Region">The region; null for what the SDK's own configuration says.</param>
/// <param name="PathStyle">True if the bucket stands in the path, as most servers want it, instead of in the host's name.</param>
/// <param name="Profile">A profile of the SDK's own configuration; null for the usual one.</param>
/// <param name="RetainDays">For how many days the store refuses to delete a backup's files (object lock); null for none.</param>
/// <param name="RetainUntil">Until when it does (UTC); null for none.</param>
/// <param name="RetainMode">Whether a privileged login may shorten that (governance) or no login (compliance).</param>
internal sealed record S3Options(Uri? Endpoint, string? Region, bool PathStyle, string? Profile, int? RetainDays, DateTimeOffset? RetainUntil, ObjectLockMode RetainMode)
{
    /// <summary>The names of the options.</summary>
    public static IReadOnlyList<string> Names { get; } = ["endpoint", "region", "pathStyle", "profile", "retainDays", "retainUntil", "retainMode"];

    /// <summary>Reads them.</summary>
    /// <exception cref="BackupException">A value cannot be used.</exception>
    public static S3Options Read(StoreAddress address)
    {
        Uri? endpoint = null;
        if (address.Option("endpoint") is { } text && (!Uri.TryCreate(text.Contains("://", StringComparison.Ordinal) ? text : "https://" + text, UriKind.Absolute, out endpoint) || endpoint.Scheme is not ("http" or "https") || endpoint.UserInfo.Length > 0))
            throw Invalid(address, "endpoint", "Give the server as https://host:port, without a login.");
        int? days = null;
        if (address.Option("retainDays") is { } dayText)
            days = int.TryParse(dayText, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is > 0 and <= 36_500 ? number : throw Invalid(address, "retainDays", "Give a whole number of days, from 1.");
        DateTimeOffset? until = null;
        if (address.Option("retainUntil") is { } untilText)
        {
            until = DateTimeOffset.TryParse(untilText, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset moment)
                ? moment : throw Invalid(address, "retainUntil", "Give a date such as 2027-12-31.");
        }

        string mode = address.Option("retainMode") ?? "governance";
        bool pathStyle = endpoint is not null;
        if (address.Option("pathStyle") is { } style && !bool.TryParse(style, out pathStyle))
            throw Invalid(address, "pathStyle", "Give true or false.");
        return new S3Options(
            endpoint, address.Option("region"), pathStyle, address.Option("profile"), days, until,
            mode.ToUpperInvariant() switch
            {
                "GOVERNANCE" => ObjectLockMode.Governance,
                "COMPLIANCE" => ObjectLockMode.Compliance,
                _ => throw Invalid(address, "retainMode", "Give governance or compliance."),
            });
    }

    /// <summary>Until when what is written now is kept; null without object lock.</summary>
    public DateTime? Retention(DateTimeOffset now)
    {
        DateTimeOffset? byDays = RetainDays is { } days ? now.AddDays(days) : null;
        DateTimeOffset? later = RetainUntil is { } until && (byDays is null || until > byDays) ? until : byDays;
        return later > now ? later.Value.UtcDateTime : null;
    }

    private static BackupFailure Invalid(StoreAddress address, string option, string hint) => new(
        ErrorCodes.InvalidArgument, FailureCategory.InvalidArgument, $"The option '{option}' of '{address.Text}' has a value that cannot be used: '{address.Option(option)}'.", hint)
    { Target = address.Text };
}
