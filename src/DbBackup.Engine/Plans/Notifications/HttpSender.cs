using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Reflection;
using System.Text;

namespace DbBackup.Engine.Plans.Notifications;

/// <summary>Posts to an address that may be a secret: no failure shows more of it than the host.</summary>
internal sealed class HttpSender(TimeProvider clock, RemoteCertificateValidationCallback? trust)
{
    private static readonly string s_agent = $"DbBackup/{typeof(HttpSender).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0"}";

    /// <summary>Reads an address, or the one that a reference names.</summary>
    /// <exception cref="NotificationException">It is no address.</exception>
    public static Uri AddressOf(string text, Func<string, string> resolveSecret)
    {
        string address = IsAddress(text) ? text : resolveSecret(text).Trim();
        // A text that is none may be a secret in the wrong place: it is not repeated.
        return IsAddress(address) && Uri.TryCreate(address, UriKind.Absolute, out Uri? uri)
            ? uri
            : throw new NotificationException("its address does not begin with https:// or http://.");
    }

    /// <summary>Posts a body; what is no success is tried again if it may pass.</summary>
    /// <exception cref="NotificationException">It was not accepted.</exception>
    public async Task PostAsync(Uri address, string body, string mediaType, CancellationToken cancellationToken)
    {
        using var handler = new SocketsHttpHandler { ConnectTimeout = Retry.Timeout };
        if (trust is not null)
            handler.SslOptions.RemoteCertificateValidationCallback = trust;
        using var client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        bool mayPass = false;
        await Retry.RunAsync(
            clock,
            async token =>
            {
                try
                {
                    using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new StringContent(body, Encoding.UTF8, mediaType) };
                    request.Headers.TryAddWithoutValidation("User-Agent", s_agent);
                    using HttpResponseMessage response = await client.SendAsync(request, token).ConfigureAwait(false);
                    if (response.IsSuccessStatusCode)
                        return;
                    mayPass = response.StatusCode is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError;
                    string status = string.Create(CultureInfo.InvariantCulture, $"{(int)response.StatusCode} {response.ReasonPhrase}");
                    throw new NotificationException($"{address.Host} answered {status.TrimEnd()}.");
                }
                catch (HttpRequestException exception)
                {
                    mayPass = true;
                    throw new NotificationException(Why(exception), exception);
                }
            },
            _ => mayPass,
            cancellationToken).ConfigureAwait(false);
    }

    private static bool IsAddress(string text) => text.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("http://", StringComparison.OrdinalIgnoreCase);

    // The innermost one names the certificate's fault or the system's own phrase.
    private static string Why(HttpRequestException exception) => exception.InnerException is { } inner && inner.Message != exception.Message && !exception.Message.Contains(inner.Message, StringComparison.Ordinal)
        ? $"{exception.Message.TrimEnd('.')}: {inner.Message}"
        : exception.Message;
}
