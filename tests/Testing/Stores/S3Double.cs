using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using DbBackup.Engine.Repository.Stores;
using DbBackup.Engine.Repository.Stores.Remote;
using DbBackup.Engine.Repository.Stores.S3;

namespace DbBackup.Testing;

/// <summary>
/// An S3 server in memory, written by the protocol's documentation, that does to each request what a test says: refuse it, lose its answer, cut it
/// off, be slow or silent. It checks CRC-32s, keeps conditions, lists uploads and refuses to delete what is retained; each of these can be left out, as
/// servers leave them out.
/// </summary>
internal sealed class S3Double : IDisposable
{
    public const string KeyId = "AKIDEXAMPLE";
    public const string Secret = "wJalrXUtnFEMI-secret";
    private const string Bucket = "bucket";
    private const int PartsPerPage = 4;

    private readonly HttpListener _listener = new();
    private readonly Dictionary<string, Kept> _objects = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Upload> _uploads = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly string _name;
    private int _uploadNumber;

    public S3Double(bool hasConditions = true, bool hasChecksums = true)
    {
        HasConditions = hasConditions;
        HasChecksums = hasChecksums;
        // A login is kept by bucket and server: tests beside each other have different ones.
        _name = $"{Bucket}-{Guid.NewGuid():N}"[..20];
        while (true)
        {
            Port = LocalPort.Free();
            _listener.Prefixes.Add($"http://127.0.0.1:{Port}/");
            try
            {
                _listener.Start();
                break;
            }
            catch (HttpListenerException)
            {
                _listener.Prefixes.Clear();
            }
        }

        _ = Task.Run(ServeAsync);
        StoreLogins.Remember(Address(), new NetworkCredential(KeyId, Secret));
    }

    public int Port { get; private set; }

    public bool HasConditions { get; }

    /// <summary>True for a server that takes locks and does not keep to them.</summary>
    public bool IgnoresLocks { get; set; }

    public bool HasChecksums { get; }

    /// <summary>How long after its put an object is listed.</summary>
    public TimeSpan ListingLag { get; set; }

    /// <summary>What the bucket answers of itself, by the word in the query (<c>acl</c>, <c>policyStatus</c>, <c>publicAccessBlock</c>): a document, or the code of an error 404. Others list the bucket.</summary>
    public Dictionary<string, string> OfBucket { get; } = new(StringComparer.Ordinal);

    /// <summary>What is done to a request, by its method and its path with the query; null for nothing.</summary>
    public Func<string, string, Fault?>? Faults { get; set; }

    /// <summary>Method and path of all requests.</summary>
    public IReadOnlyCollection<string> Requests => _requests;

    public IReadOnlyCollection<string> Keys
    {
        get
        {
            lock (_gate)
                return [.. _objects.Keys.Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>The keys of the uploads that were begun and neither completed nor aborted.</summary>
    public IReadOnlyCollection<string> Uploads
    {
        get
        {
            lock (_gate)
                return [.. _uploads.Values.Select(upload => upload.Key)];
        }
    }

    /// <summary>Changes a byte of a part that has arrived.</summary>
    public void SpoilPart(int number)
    {
        lock (_gate)
            _uploads.Values.Single().Parts[number][0] ^= 1;
    }

    public DateTime? RetainedUntil(string key)
    {
        lock (_gate)
            return _objects[key].RetainUntil;
    }

    public string Location(string prefix = "", string? options = null) => $"s3://{_name}/{prefix}?endpoint={Uri.EscapeDataString($"http://127.0.0.1:{Port}")}{(options is null ? null : "&" + options)}";

    public StoreAddress Address(string prefix = "", string? options = null) => StoreAddress.Parse(Location(prefix, options), S3Options.Names);

    public S3Store Open(string prefix = "", string? options = null, int partSize = 100_000, double patience = 20, int pageSize = 1000) =>
        new(Address(prefix, options), new PartSizes(partSize, 4 * partSize), TimeSpan.FromSeconds(patience)) { PageSize = pageSize };

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
        try
        {
            string path = context.Request.RawUrl!;
            _requests.Enqueue($"{context.Request.HttpMethod} {path}");
            Fault? fault = Faults?.Invoke(context.Request.HttpMethod, path);
            using var body = new MemoryStream();
            await context.Request.InputStream.CopyToAsync(body);
            if (fault?.Delay is { } delay)
                await Task.Delay(delay);
            if (fault is { Status: { } status })
            {
                await SendAsync(context, ErrorOf(status, fault.Code));
                return;
            }

            Answer answer;
            lock (_gate)
                answer = Do(context.Request, body.ToArray());
            if (fault is { LosesAnswer: true })
            {
                context.Response.Abort();
                return;
            }

            await SendAsync(context, answer, fault?.CutAfter);
        }
        catch (Exception exception) when (exception is HttpListenerException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The client went away.
        }
    }

    private static async Task SendAsync(HttpListenerContext context, Answer answer, int? cutAfter = null)
    {
        HttpListenerResponse response = context.Response;
        response.StatusCode = answer.Status;
        foreach ((string name, string value) in answer.Headers)
            response.Headers[name] = value;
        if (context.Request.HttpMethod == "HEAD")
        {
            response.ContentLength64 = answer.Length ?? 0;
            response.Close();
            return;
        }

        response.ContentLength64 = answer.Body.Length;
        if (cutAfter is { } limit && limit < answer.Body.Length)
        {
            await response.OutputStream.WriteAsync(answer.Body.AsMemory(0, limit));
            await response.OutputStream.FlushAsync();
            response.Abort();
            return;
        }

        await response.OutputStream.WriteAsync(answer.Body);
        response.Close();
    }

    private Answer Do(HttpListenerRequest request, byte[] body)
    {
        if (request.Headers["Authorization"]?.Contains($"Credential={KeyId}/", StringComparison.Ordinal) != true)
            return ErrorOf(403, "InvalidAccessKeyId");
        string[] parts = request.RawUrl!.Split('?', 2);
        string[] names = parts[0].TrimStart('/').Split('/', 2);
        Dictionary<string, string> query = (parts.Length > 1 ? parts[1] : string.Empty).Split('&', StringSplitOptions.RemoveEmptyEntries)
            .Select(pair => pair.Split('=', 2)).ToDictionary(pair => Uri.UnescapeDataString(pair[0]), pair => pair.Length > 1 ? Uri.UnescapeDataString(pair[1]) : string.Empty, StringComparer.Ordinal);
        if (names[0] != _name)
            return ErrorOf(404, "NoSuchBucket");
        string key = names.Length > 1 ? Uri.UnescapeDataString(names[1]) : string.Empty;
        return (request.HttpMethod, key.Length > 0) switch
        {
            ("GET", false) when OfBucket.FirstOrDefault(each => query.ContainsKey(each.Key)).Value is { } said =>
                said.StartsWith('<') ? new Answer(200, ("Content-Type", "application/xml")) { Body = Encoding.UTF8.GetBytes(said) } : ErrorOf(404, said),
            ("GET", false) when query.ContainsKey("uploads") => ListUploads(query),
            ("GET", false) => List(query),
            ("POST", true) when query.ContainsKey("uploads") => Begin(key, request),
            ("POST", true) when query.TryGetValue("uploadId", out string? id) => Complete(key, id, body),
            ("GET", true) when query.TryGetValue("uploadId", out string? id) => ListParts(id, query),
            ("PUT", true) when query.TryGetValue("uploadId", out string? id) => PutPart(id, int.Parse(query["partNumber"], CultureInfo.InvariantCulture), request, body),
            ("PUT", true) => Put(key, request, body),
            ("DELETE", true) when query.TryGetValue("uploadId", out string? id) => _uploads.Remove(id) ? new Answer(204) : ErrorOf(404, "NoSuchUpload"),
            ("DELETE", true) => Delete(key),
            ("GET" or "HEAD", true) => Get(key, request),
            _ => ErrorOf(405, "MethodNotAllowed"),
        };
    }

    private Answer Put(string key, HttpListenerRequest request, byte[] body)
    {
        if (HasConditions && request.Headers["If-None-Match"] == "*" && _objects.ContainsKey(key))
            return ErrorOf(412, "PreconditionFailed");
        if (Damage(request, body) is { } damage)
            return damage;
        _objects[key] = new Kept(body, DateTime.UtcNow, ETagOf(body), request.Headers["x-amz-meta-writer"], RetentionOf(request));
        return new Answer(200, [("ETag", _objects[key].ETag), .. ChecksumsOf(request)]);
    }

    private Answer? Damage(HttpListenerRequest request, byte[] body) =>
        HasChecksums && request.Headers["x-amz-checksum-crc32"] is { } sent && sent != CrcOf(body) ? ErrorOf(400, "BadDigest") : null;

    private (string, string)[] ChecksumsOf(HttpListenerRequest request) =>
        HasChecksums && request.Headers["x-amz-checksum-crc32"] is { } sent ? [("x-amz-checksum-crc32", sent)] : [];

    private static string CrcOf(byte[] body)
    {
        byte[] crc = System.IO.Hashing.Crc32.Hash(body);
        Array.Reverse(crc);
        return Convert.ToBase64String(crc);
    }

    private static DateTime? RetentionOf(HttpListenerRequest request) => request.Headers["x-amz-object-lock-retain-until-date"] is { } until
        ? DateTime.Parse(until, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal) : null;

    private Answer Begin(string key, HttpListenerRequest request)
    {
        string id = $"u{++_uploadNumber}";
        _uploads[id] = new Upload(key, new SortedDictionary<int, byte[]>(), RetentionOf(request));
        return Xml("InitiateMultipartUploadResult", new XElement("Bucket", _name), new XElement("Key", key), new XElement("UploadId", id));
    }

    private Answer PutPart(string id, int number, HttpListenerRequest request, byte[] body)
    {
        if (!_uploads.TryGetValue(id, out Upload? upload))
            return ErrorOf(404, "NoSuchUpload");
        if (Damage(request, body) is { } damage)
            return damage;
        upload.Parts[number] = body;
        return new Answer(200, [("ETag", ETagOf(body)), .. ChecksumsOf(request)]);
    }

    private Answer ListParts(string id, Dictionary<string, string> query)
    {
        if (!_uploads.TryGetValue(id, out Upload? upload))
            return ErrorOf(404, "NoSuchUpload");
        int after = int.Parse(query.GetValueOrDefault("part-number-marker") ?? "0", CultureInfo.InvariantCulture);
        int[] numbers = [.. upload.Parts.Keys.Where(number => number > after).Take(PartsPerPage)];
        bool isCut = numbers.Length > 0 && numbers[^1] != upload.Parts.Keys.Last();
        return Xml(
            "ListPartsResult",
            [
                new XElement("Bucket", _name), new XElement("Key", upload.Key), new XElement("UploadId", id), new XElement("IsTruncated", isCut ? "true" : "false"),
                .. isCut ? [new XElement("NextPartNumberMarker", numbers[^1])] : Array.Empty<XElement>(),
                .. numbers.Select(number => new XElement("Part", new XElement("PartNumber", number), new XElement("ETag", ETagOf(upload.Parts[number])), new XElement("Size", upload.Parts[number].Length), HasChecksums ? new XElement("ChecksumCRC32", CrcOf(upload.Parts[number])) : null)),
            ]);
    }

    private Answer Complete(string key, string id, byte[] body)
    {
        if (!_uploads.TryGetValue(id, out Upload? upload))
            return ErrorOf(404, "NoSuchUpload");
        int[] wanted = [.. XDocument.Parse(Encoding.UTF8.GetString(body)).Descendants().Where(each => each.Name.LocalName == "PartNumber").Select(each => int.Parse(each.Value, CultureInfo.InvariantCulture))];
        if (!wanted.SequenceEqual(upload.Parts.Keys))
            return ErrorOf(400, "InvalidPart");
        byte[] content = [.. upload.Parts.Values.SelectMany(part => part)];
        _objects[key] = new Kept(content, DateTime.UtcNow, $"\"{Convert.ToHexStringLower(SHA256.HashData(content))[..32]}-{wanted.Length}\"", null, upload.RetainUntil);
        _uploads.Remove(id);
        return Xml("CompleteMultipartUploadResult", new XElement("Key", key), new XElement("ETag", _objects[key].ETag));
    }

    private Answer Delete(string key)
    {
        if (_objects.TryGetValue(key, out Kept? kept) && kept.RetainUntil > DateTime.UtcNow && !IgnoresLocks)
            return ErrorOf(403, "AccessDenied", "Access Denied because object protected by object lock.");
        _objects.Remove(key);
        return new Answer(204);
    }

    private Answer Get(string key, HttpListenerRequest request)
    {
        if (!_objects.TryGetValue(key, out Kept? kept))
            return ErrorOf(404, "NoSuchKey");
        if (request.Headers["If-Match"] is { } match && match != kept.ETag)
            return ErrorOf(412, "PreconditionFailed");
        List<(string, string)> headers = [("ETag", kept.ETag), ("Last-Modified", kept.Modified.ToString("R", CultureInfo.InvariantCulture))];
        if (kept.Writer is { } writer)
            headers.Add(("x-amz-meta-writer", writer));
        if (request.HttpMethod == "HEAD")
            return new Answer(200, [.. headers]) { Length = kept.Content.Length };
        if (request.Headers["Range"] is not { } range)
            return new Answer(200, [.. headers]) { Body = kept.Content };
        string[] ends = range["bytes=".Length..].Split('-');
        long first = long.Parse(ends[0], CultureInfo.InvariantCulture);
        if (first >= kept.Content.Length)
            return ErrorOf(416, "InvalidRange");
        long last = Math.Min(ends[1].Length > 0 ? long.Parse(ends[1], CultureInfo.InvariantCulture) : long.MaxValue, kept.Content.Length - 1);
        headers.Add(("Content-Range", $"bytes {first}-{last}/{kept.Content.Length}"));
        return new Answer(206, [.. headers]) { Body = kept.Content[(int)first..(int)(last + 1)] };
    }

    /// <summary>True for a server that does not know what a delimiter is.</summary>
    public bool IgnoresDelimiters { get; set; }

    private Answer List(Dictionary<string, string> query)
    {
        string prefix = query.GetValueOrDefault("prefix") ?? string.Empty;
        string after = query.GetValueOrDefault("continuation-token") ?? string.Empty;
        int most = int.Parse(query.GetValueOrDefault("max-keys") ?? "1000", CultureInfo.InvariantCulture);
        string[] keys = [.. _objects.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal) && _objects[key].Modified <= DateTime.UtcNow - ListingLag).Order(StringComparer.Ordinal)];
        if (query.GetValueOrDefault("delimiter") is { Length: > 0 } delimiter && !IgnoresDelimiters)
        {
            keys = [.. keys.Select(key => key.IndexOf(delimiter, prefix.Length, StringComparison.Ordinal) is >= 0 and var end ? key[..(end + 1)] : key).Distinct()];
        }

        keys = [.. keys.Where(key => string.CompareOrdinal(key, after) > 0)];
        bool isCut = keys.Length > most;
        keys = [.. keys.Take(most)];
        return Xml(
            "ListBucketResult",
            [
                new XElement("Name", _name), new XElement("Prefix", prefix), new XElement("KeyCount", keys.Length), new XElement("IsTruncated", isCut ? "true" : "false"),
                .. isCut ? [new XElement("NextContinuationToken", keys[^1])] : Array.Empty<XElement>(),
                .. keys.Where(_objects.ContainsKey).Select(key => new XElement("Contents", new XElement("Key", key), new XElement("LastModified", _objects[key].Modified.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)), new XElement("ETag", _objects[key].ETag), new XElement("Size", _objects[key].Content.Length))),
                .. keys.Where(key => !_objects.ContainsKey(key)).Select(key => new XElement("CommonPrefixes", new XElement("Prefix", key))),
            ]);
    }

    private Answer ListUploads(Dictionary<string, string> query)
    {
        string prefix = query.GetValueOrDefault("prefix") ?? string.Empty;
        return Xml(
            "ListMultipartUploadsResult",
            [new XElement("Bucket", _name), new XElement("IsTruncated", "false"), .. _uploads.Where(upload => upload.Value.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(upload => new XElement("Upload", new XElement("Key", upload.Value.Key), new XElement("UploadId", upload.Key), new XElement("Initiated", upload.Value.Begun.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture))))]);
    }

    private static string ETagOf(byte[] content) => $"\"{Convert.ToHexStringLower(MD5Of(content))}\"";

#pragma warning disable CA5351 // As S3 does.
    private static byte[] MD5Of(byte[] content) => MD5.HashData(content);
#pragma warning restore CA5351

    private static Answer Xml(string root, params XElement[] elements)
    {
        XNamespace space = "http://s3.amazonaws.com/doc/2006-03-01/";
        var document = new XElement(space + root, elements.Cast<object>().ToArray());
        foreach (XElement each in document.Descendants())
            each.Name = space + each.Name.LocalName;
        return new Answer(200, ("Content-Type", "application/xml")) { Body = Encoding.UTF8.GetBytes(document.ToString()) };
    }

    private static Answer ErrorOf(int status, string code, string? message = null) => new(status, ("Content-Type", "application/xml"))
    {
        Body = Encoding.UTF8.GetBytes(new XElement("Error", new XElement("Code", code), new XElement("Message", message ?? $"The server says {code}."), new XElement("RequestId", "1")).ToString()),
    };

    /// <summary>What happens to a request.</summary>
    internal sealed record Fault
    {
        public int? Status { get; init; }

        public string Code { get; init; } = "InternalError";

        public TimeSpan? Delay { get; init; }

        /// <summary>It is carried out, and the connection is cut in place of an answer.</summary>
        public bool LosesAnswer { get; init; }

        /// <summary>The answer is cut off after so many bytes.</summary>
        public int? CutAfter { get; init; }

        public static Fault Of(int status, string code = "InternalError") => new() { Status = status, Code = code };
    }

    private sealed record Kept(byte[] Content, DateTime Modified, string ETag, string? Writer, DateTime? RetainUntil);

    private sealed record Upload(string Key, SortedDictionary<int, byte[]> Parts, DateTime? RetainUntil)
    {
        public DateTime Begun { get; } = DateTime.UtcNow;
    }

    private sealed record Answer(int Status, params (string Name, string Value)[] Headers)
    {
        public byte[] Body { get; init; } = [];

        public int? Length { get; init; }
    }
}
