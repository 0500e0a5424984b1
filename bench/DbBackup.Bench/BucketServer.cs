using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;

namespace DbBackup.Bench;

/// <summary>
/// The part of S3 that a listing needs, over the files of a repository, in memory: pages of keys with ETags, and objects. Each answer waits as long as
/// the way to a remote place takes.
/// </summary>
internal sealed class BucketServer : IDisposable
{
    private const int PageSize = 1000;
    private static readonly XNamespace s_names = "http://s3.amazonaws.com/doc/2006-03-01/";
    private readonly HttpListener _listener = new();
    private readonly Dictionary<string, byte[]> _objects = new(StringComparer.Ordinal);
    private readonly string[] _keys;
    private readonly Dictionary<string, string> _etags;
    private readonly TimeSpan _latency;
    private int _requests;

    /// <param name="folder">The repository.</param>
    /// <param name="port">The port at the loopback address.</param>
    /// <param name="latency">How long each answer waits.</param>
    public BucketServer(string folder, int port, TimeSpan latency)
    {
        _latency = latency;
        foreach (string file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            _objects[Path.GetRelativePath(folder, file).Replace(Path.DirectorySeparatorChar, '/')] = File.ReadAllBytes(file);
        _keys = [.. _objects.Keys.Order(StringComparer.Ordinal)];
        _etags = _objects.ToDictionary(each => each.Key, each => $"\"{Convert.ToHexStringLower(SHA256.HashData(each.Value))[..32]}\"", StringComparer.Ordinal);
        Location = string.Create(CultureInfo.InvariantCulture, $"s3://bench?endpoint=http://127.0.0.1:{port}");
        _listener.Prefixes.Add(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));
        _listener.Start();
        _ = Task.Run(ServeAsync);
    }

    /// <summary>The location of the repository.</summary>
    public string Location { get; }

    /// <summary>Returns how many requests there were since the last call.</summary>
    public int TakeRequests() => Interlocked.Exchange(ref _requests, 0);

    /// <inheritdoc/>
    public void Dispose() => _listener.Close();

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }

            _ = Task.Run(() => AnswerAsync(context));
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        Interlocked.Increment(ref _requests);
        await Task.Delay(_latency);
        string key = Uri.UnescapeDataString(context.Request.Url!.AbsolutePath.TrimStart('/'));
        key = key.Contains('/', StringComparison.Ordinal) ? key[(key.IndexOf('/', StringComparison.Ordinal) + 1)..] : string.Empty;
        byte[]? body = key.Length == 0 ? Page(context.Request) : _objects.GetValueOrDefault(key);
        HttpListenerResponse response = context.Response;
        response.StatusCode = body is null ? 404 : 200;
        body ??= "<Error><Code>NoSuchKey</Code></Error>"u8.ToArray();
        if (_etags.TryGetValue(key, out string? etag))
            response.Headers["ETag"] = etag;
        response.ContentLength64 = body.Length;
        await response.OutputStream.WriteAsync(body);
        response.Close();
    }

    private byte[] Page(HttpListenerRequest request)
    {
        string prefix = request.QueryString["prefix"] ?? string.Empty, after = request.QueryString["continuation-token"] ?? string.Empty;
        int from = FirstFrom(prefix);
        if (after.Length > 0)
            from = Math.Max(from, FirstFrom(after) + 1);
        int most = int.Parse(request.QueryString["max-keys"] ?? "1000", CultureInfo.InvariantCulture);
        string[] keys = [.. _keys.Skip(from).TakeWhile(key => key.StartsWith(prefix, StringComparison.Ordinal)).Take(Math.Min(most, PageSize) + 1)];
        bool isCut = keys.Length > most;
        XElement list = new(s_names + "ListBucketResult", Element("Name", "bench"), Element("Prefix", prefix), Element("IsTruncated", isCut ? "true" : "false"));
        if (isCut)
            list.Add(Element("NextContinuationToken", keys[^2]));
        foreach (string key in keys.Take(most))
        {
            list.Add(new XElement(
                s_names + "Contents", Element("Key", key), Element("LastModified", "2026-01-01T00:00:00.000Z"), Element("ETag", _etags[key]),
                Element("Size", _objects[key].Length.ToString(CultureInfo.InvariantCulture))));
        }

        return Encoding.UTF8.GetBytes(list.ToString(SaveOptions.DisableFormatting));
    }

    private int FirstFrom(string key)
    {
        int found = Array.BinarySearch(_keys, key, StringComparer.Ordinal);
        return found < 0 ? ~found : found;
    }

    private static XElement Element(string name, string value) => new(s_names + name, value);
}
