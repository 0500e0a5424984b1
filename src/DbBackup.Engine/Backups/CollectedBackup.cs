using DbBackup.Engine.Engines;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Repository;
using DbBackup.Engine.Repository.Instructions;

namespace DbBackup.Engine.Backups;

/// <summary>What has been gathered for a manifest while its sources are captured one after the other.</summary>
internal sealed class CollectedBackup
{
    private readonly List<CaptureFacts> _facts = [];

    public DateTimeOffset Taken { get; private set; } = DateTimeOffset.MaxValue;

    public string? EngineVersion { get; private set; }

    public List<Payload> Payloads { get; } = [];

    /// <summary>The facts of the one database that it holds; null where there are several, whose payloads carry their own.</summary>
    public Fingerprint? Fingerprint => _facts is [var only] ? only.Fingerprint : null;

    /// <summary>The revision of the one database that it holds.</summary>
    public string? SchemaRevision => _facts is [var only] ? only.SchemaRevision : null;

    public bool HasFacts => _facts.Count > 0;

    public Dictionary<string, string> Tools { get; } = [];

    public List<string> Notes { get; } = [];

    /// <summary>The pause of the application; null without one.</summary>
    public PauseInfo? Pause { get; set; }

    public void Add(Capture capture)
    {
        // The restore point is the database's snapshot, which is taken first.
        if (capture.Taken < Taken)
            Taken = capture.Taken;
        EngineVersion ??= capture.EngineVersion;
        foreach ((string name, string version) in capture.Tools)
            Tools[name] = version;
        Notes.AddRange(capture.Notes);
    }

    /// <summary>Takes the facts of the database that was stored last.</summary>
    public void Add(CaptureFacts facts)
    {
        int index = Payloads.FindLastIndex(payload => payload.Kind == PayloadKind.Database);
        if (index < 0)
            return;
        _facts.Add(facts);
        Notes.AddRange(facts.Notes);
        Payloads[index] = Payloads[index] with { Database = facts.Database, Fingerprint = facts.Fingerprint, SchemaRevision = facts.SchemaRevision };
    }

    public void Add(CapturedPayload part, string fileName, PayloadCompression compression, PayloadDigest digest, StreamSummary? summary, IOperationObserver observer)
    {
        Payloads.Add(new Payload
        {
            FileName = fileName,
            Kind = part.Kind,
            Format = part.Format,
            Compression = compression,
            OriginalSize = digest.OriginalSize,
            StoredSize = digest.StoredSize,
            OriginalSha256 = digest.OriginalSha256,
            StoredSha256 = digest.StoredSha256,
            OriginalPath = part.OriginalPath,
            RestoreName = part.RestoreName,
            Within = part.Within,
            EntryCount = summary?.EntryCount,
            UnixMode = part.UnixMode,
            UnixOwner = part.UnixOwner,
        });
        foreach (string note in summary?.Notes ?? [])
        {
            Notes.Add(note);
            observer.Warning(note);
        }
    }

    /// <summary>The payloads, each database with its place in the folder that was archived around it.</summary>
    public IEnumerable<Payload> PlacedPayloads() => Payloads.Select(payload =>
        _facts.Count <= 1 ? payload with { Fingerprint = null, SchemaRevision = null } : payload).Select(payload =>
        payload.Kind == PayloadKind.Database && payload.Within is null && payload.OriginalPath is { } path
        && Payloads.Find(folder => folder.Kind == PayloadKind.Files && IsBelow(folder.OriginalPath!, path)) is { } around
            ? payload with { Within = $"{around.RestoreName}/{Path.GetRelativePath(around.OriginalPath!, path).Replace('\\', '/')}" }
            : payload);

    private static bool IsBelow(string folder, string path)
    {
        string relative = Path.GetRelativePath(folder, path);
        return relative != "." && !relative.StartsWith("..", StringComparison.Ordinal) && !Path.IsPathRooted(relative);
    }

    /// <summary>A file name that no payload has yet: two included folders may share their last name.</summary>
    public string FreeFileName(string wanted, PayloadCompression compression)
    {
        string ending = Path.GetExtension(wanted);
        string stem = compression == PayloadCompression.None ? Path.GetFileNameWithoutExtension(wanted) : wanted[..^ending.Length];
        for (int number = 1; ; number++)
        {
            string name = number == 1 ? wanted : $"{stem}-{number}{ending}";
            if (!Payloads.Exists(payload => string.Equals(payload.FileName, name, StringComparison.OrdinalIgnoreCase)) && !IsReserved(name))
                return name;
        }
    }

    private static bool IsReserved(string name) =>
        string.Equals(name, RepositoryKeys.Manifest, StringComparison.OrdinalIgnoreCase)
        || string.Equals(name, RepositoryKeys.Tests.TrimEnd('/'), StringComparison.OrdinalIgnoreCase)
        || string.Equals(name, RestoreInstructions.FileName, StringComparison.OrdinalIgnoreCase);
}
