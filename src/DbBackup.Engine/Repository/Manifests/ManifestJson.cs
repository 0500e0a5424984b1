using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using DbBackup.Engine.Encryption;
using DbBackup.Engine.Engines;
using DbBackup.Engine.Platform;

namespace DbBackup.Engine.Repository.Manifests;

/// <summary>The manifest and the test records as JSON with stable names: see docs/format.md.</summary>
internal static class ManifestJson
{
    // 64 TiB; all payloads together still fit into a number.
    private const long LargestSize = 1L << 46;

    /// <summary>The last number in the order of a source's backups: no manifest may use up those that follow.</summary>
    public const long LargestSequence = 1L << 53;

    // Indented and with the letters of all languages as they are: people open the file too.
    private static readonly ManifestJsonContext Readable = new(new JsonSerializerOptions(ManifestJsonContext.Default.Options)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>Writes a manifest, and reads it back: what is published must be usable.</summary>
    /// <param name="manifest">The manifest.</param>
    /// <param name="sign">Adds the signature's members; null for an unsigned one.</param>
    /// <param name="key">The backup's own key, to which its details are sealed; null for a plain one.</param>
    public static byte[] Write(Manifest manifest, Func<byte[], byte[]>? sign = null, X25519Recipient? key = null)
    {
        var stored = StoredManifest.Of(manifest);
        if (key is not null)
        {
            stored = stored with
            {
                Details = null,
                SealedDetails = Convert.ToBase64String(AgeFile.Seal(JsonSerializer.SerializeToUtf8Bytes(stored.Details!, ManifestJsonContext.Default.StoredDetails), [key])),
                IsCollapsed = manifest.Collapsed.Count > 0 ? true : null,
            };
        }

        byte[] body = JsonSerializer.SerializeToUtf8Bytes(stored, Readable.StoredManifest);
        byte[] json = Seal.Add(sign is null ? body : sign(body));
        _ = Read(json, out string? problem);
        return problem is null ? json : throw new InvalidOperationException($"The manifest that was written cannot be used: {problem}.");
    }

    /// <summary>Reads a manifest and refuses what cannot be trusted.</summary>
    /// <param name="json">The bytes of <c>backup.json</c>.</param>
    /// <param name="problem">Why the backup cannot be used; null if it can.</param>
    /// <returns>The manifest, also of a backup that needs a newer version; null if it cannot be read.</returns>
    public static Manifest? Read(ReadOnlySpan<byte> json, out string? problem)
    {
        try
        {
            if (ReadVersion(json) is var version && version > Manifest.CurrentFormatVersion)
            {
                problem = NeedsNewer($"format {version}");
                return null;
            }

            RequireNoGaps(json);
            StoredManifest? stored = JsonSerializer.Deserialize(json, ManifestJsonContext.Default.StoredManifest);
            if (stored is null)
            {
                problem = "its manifest is empty";
                return null;
            }

            Manifest manifest = stored.ToManifest();
            string? nonsense = FindNonsense(manifest);
            problem = FindUnknown(stored) is { } unknown ? NeedsNewer(unknown) : nonsense;
            return nonsense is null ? manifest : null;
        }
        catch (JsonException exception)
        {
            problem = FindRequired(json) is { } feature ? NeedsNewer($"feature {feature}") : $"its manifest cannot be read: {exception.Message}";
            return null;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Whatever else a manifest makes the reader do: it makes its own backup unreadable, and no other.
            problem = $"its manifest cannot be read: {exception.Message}";
            return null;
        }
    }

    /// <summary>Reads a manifest whose details are sealed, with the backup's own key.</summary>
    /// <param name="json">The bytes of <c>backup.json</c>, which <see cref="Read"/> has accepted.</param>
    /// <param name="key">The key.</param>
    /// <exception cref="AgeException">The details were changed, or are sealed to another key.</exception>
    /// <exception cref="JsonException">The details are not those of this manifest.</exception>
    public static Manifest Open(ReadOnlySpan<byte> json, IAgeIdentity key)
    {
        StoredManifest stored = JsonSerializer.Deserialize(json, ManifestJsonContext.Default.StoredManifest)!;
        byte[] file = new byte[stored.SealedDetails?.Length ?? 0];
        if (!Convert.TryFromBase64String(stored.SealedDetails ?? string.Empty, file, out int length))
            throw new AgeFormatException("its details are no base64");
        byte[] details = AgeFile.Open(file.AsMemory(0, length), [key]);
        RequireNoGaps(details);
        Manifest manifest = (stored with { Details = JsonSerializer.Deserialize(details, ManifestJsonContext.Default.StoredDetails), SealedDetails = null }).ToManifest();
        return FindNonsense(manifest) is { } nonsense ? throw new JsonException(nonsense) : manifest;
    }

    // No list of any version has an item that is null, and no reader looks for one.
    private static void RequireNoGaps(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        var isList = new Stack<bool>();
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.StartArray or JsonTokenType.StartObject:
                    isList.Push(reader.TokenType == JsonTokenType.StartArray);
                    break;
                case JsonTokenType.EndArray or JsonTokenType.EndObject:
                    isList.Pop();
                    break;
                case JsonTokenType.Null when isList.TryPeek(out bool inList) && inList:
                    throw new JsonException("one of its lists has a gap.");
                default:
                    break;
            }
        }
    }

    // A feature may change what the rest of the manifest looks like: sealed details are no details to this version.
    private static string? FindRequired(ReadOnlySpan<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json.ToArray());
            return document.RootElement.TryGetProperty("requires"u8, out JsonElement requires) && requires.ValueKind == JsonValueKind.Array
                ? requires.EnumerateArray().Select(each => each.ToString()).FirstOrDefault(feature => feature != Manifest.Age)
                : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>True if a problem that <see cref="Read"/> found is one that a newer version does not have.</summary>
    public static bool IsNewer(string? problem) => problem?.StartsWith(NewerPrefix, StringComparison.Ordinal) == true;

    private const string NewerPrefix = "it needs a newer version of DbBackup";

    private static string NeedsNewer(string what) => $"{NewerPrefix} ({what})";

    // What this version cannot restore, and must not guess: everything else that it does not know is left alone.
    private static string? FindUnknown(StoredManifest stored)
    {
        if (stored.Requires?.FirstOrDefault(required => required != Manifest.Age) is { } feature)
            return $"feature {feature}";
        if (stored.Method is not (BackupMethod.Full or BackupMethod.Incremental))
            return $"method {stored.Method}";
        foreach (StoredPayload payload in stored.Payloads)
        {
            if (payload.Parts is [_, ..])
                return $"{payload.FileName} is stored in parts";
            if (payload.Kind is not (PayloadKind.Database or PayloadKind.Files or PayloadKind.Globals))
                return $"payload kind {payload.Kind}";
            if (payload.Format != PayloadFormat.Tar && !DatabaseEngines.Know(payload.Format))
                return $"payload format {payload.Format}";
            if (payload.Compression is not (PayloadCompression.None or PayloadCompression.Gzip or PayloadCompression.Zstd or PayloadCompression.ZstdPatch))
                return $"compression {payload.Compression}";
        }

        return null;
    }

    /// <summary>Writes the record of a test.</summary>
    public static byte[] WriteTest(TestRecord record) => Seal.Add(JsonSerializer.SerializeToUtf8Bytes(record, Readable.TestRecord));

    /// <summary>Reads the record of a test; null if it is damaged.</summary>
    public static TestRecord? ReadTest(ReadOnlySpan<byte> json)
    {
        if (!Seal.IsWhole(json))
            return null;
        try
        {
            return JsonSerializer.Deserialize(json, ManifestJsonContext.Default.TestRecord) is { } record && Enum.IsDefined(record.Reached) && Enum.IsDefined(record.Level) ? record : null;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>Writes who can open a backup.</summary>
    public static byte[] WriteKeyRecord(KeyRecord record) => Seal.Add(JsonSerializer.SerializeToUtf8Bytes(record, Readable.KeyRecord));

    /// <summary>Reads who can open a backup; null if it is damaged.</summary>
    public static KeyRecord? ReadKeyRecord(ReadOnlySpan<byte> json)
    {
        if (!Seal.IsWhole(json))
            return null;
        try
        {
            RequireNoGaps(json);
            return JsonSerializer.Deserialize(json, ManifestJsonContext.Default.KeyRecord);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes what keeps a backup from being removed.</summary>
    public static byte[] WriteHold(BackupHold hold) => Seal.Add(JsonSerializer.SerializeToUtf8Bytes(hold, Readable.BackupHold));

    /// <summary>Reads what keeps a backup from being removed; null if it is damaged.</summary>
    public static BackupHold? ReadHold(ReadOnlySpan<byte> json)
    {
        if (!Seal.IsWhole(json))
            return null;
        try
        {
            return JsonSerializer.Deserialize(json, ManifestJsonContext.Default.BackupHold);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return null;
        }
    }

    private static int ReadVersion(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException("it is not a JSON object.");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isVersion = reader.ValueTextEquals("formatVersion"u8);
            if (!reader.Read())
                break;
            if (isVersion)
                return reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int version) ? version : throw new JsonException("its formatVersion is no number.");
            reader.Skip();
        }

        throw new JsonException("it has no formatVersion.");
    }

    // A manifest may come from anywhere: its file names must not lead out of the backup's folder or of a restore's destination.
    private static string? FindNonsense(Manifest manifest)
    {
        if (manifest.FormatVersion < 1)
            return "its format version is not known";
        if (manifest.Tools.Values.Contains(null) || manifest.Payloads.Any(payload => payload.Fingerprint?.Settings.Values.Contains(null) == true))
            return "its manifest has gaps";
        // More would overflow a sum or a time span.
        if (!(manifest.DurationSeconds is >= 0 and < 1e9) || manifest.Payloads.Count > 100_000 || manifest.Sequence is < 0 or > LargestSequence || manifest.Kept is { Size: < 0 })
            return "its manifest has impossible numbers";
        // A backup has its folder's names; an entry has none but these.
        if (manifest.Kept is not null && (!BackupName.IsValid(manifest.Source.Name) || !BackupName.IsValid(manifest.Name) || manifest.Payloads.Count > 0))
            return "it is no entry of a kept database";
        if ((manifest.Method == BackupMethod.Incremental) != manifest.Parent is not null || (manifest.Parent is { } parent && (!BackupName.IsValid(parent.Name) || parent.Name == manifest.Name)))
            return "it does not say from which full backup it differs";
        foreach (Payload payload in manifest.Payloads)
        {
            if ((payload.Compression == PayloadCompression.ZstdPatch) != payload.Parent is not null || (payload.Parent is { } before && (manifest.Parent is null || !IsPlainFileName(before.FileName) || before.StoredSha256.Length != 64)))
                return $"its payload '{payload.FileName}' does not say from what it differs";
            if (!IsPlainFileName(payload.FileName) || !IsPlainFileName(payload.RestoreName))
                return $"its payload '{payload.FileName}' has a name that leads elsewhere";
            if (payload.Within is { } within && within.Split('/').Any(part => !IsPlainFileName(part)))
                return $"its payload '{payload.FileName}' lies in a folder that leads elsewhere";
            if ((payload.UnixMode is { } mode && !UnixAttributes.IsMode(mode)) || (payload.UnixOwner is { } owner && !UnixAttributes.TryOwnerOf(owner, out _, out _)))
                return $"its payload '{payload.FileName}' has no valid mode or owner";
            if (payload.OriginalSize is < 0 or > LargestSize || payload.HoleBytes < 0 || payload.HoleBytes > payload.OriginalSize || payload.StoredSize is < 0 or > LargestSize || payload.OriginalSha256.Length != (manifest.IsSealed ? 0 : 64) || payload.StoredSha256.Length != 64)
                return $"its payload '{payload.FileName}' has no valid size or hash";
        }

        return null;
    }

    // A colon leads to another drive on Windows, or into a stream behind a file.
    private static bool IsPlainFileName(string name) =>
        name.Length > 0 && !(OperatingSystem.IsWindows() && name.Contains(':', StringComparison.Ordinal)) && name is not ("." or "..") && name.IndexOfAny(['/', '\\', '\0']) < 0;
}

/// <summary>The generated (reflection-free, so quick to start) JSON code.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    Converters = [typeof(OpenEnumConverter<FingerprintLevel>), typeof(OpenEnumConverter<PauseMode>)],
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(StoredManifest))]
[JsonSerializable(typeof(StoredDetails))]
[JsonSerializable(typeof(KeyRecord))]
[JsonSerializable(typeof(PostgreSqlProperties))]
[JsonSerializable(typeof(TestRecord))]
[JsonSerializable(typeof(BackupHold))]
internal sealed partial class ManifestJsonContext : JsonSerializerContext;
