using DbBackup.Engine.Engines;
using DbBackup.Engine.Payloads;
using DbBackup.Engine.Repository;

namespace DbBackup.Engine.Backups;

/// <summary>A payload's file as it was written.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Compression">How it is compressed.</param>
/// <param name="Digest">Its sizes and hashes.</param>
/// <param name="IsEncrypted">True if it is an age file.</param>
/// <param name="Parent">From what it differs; null if it is whole.</param>
internal sealed record StoredFile(string Name, string Compression, PayloadDigest Digest, bool IsEncrypted, ParentPayloadInfo? Parent);

/// <summary>What has been gathered for a manifest while its sources are captured one after the other.</summary>
internal sealed class CollectedBackup
{
    private bool _hasFacts;

    public DateTimeOffset Taken { get; private set; } = DateTimeOffset.MaxValue;

    public string? EngineVersion { get; private set; }

    public List<Payload> Payloads { get; } = [];

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
        _hasFacts = true;
        Notes.AddRange(facts.Notes);
        Payloads[index] = Payloads[index] with { Database = facts.Database, Fingerprint = facts.Fingerprint, SchemaRevision = facts.SchemaRevision, Damage = facts.Damage };
    }

    public void Add(CapturedPayload part, StoredFile file, StreamSummary? summary, IOperationObserver observer)
    {
        Payloads.Add(new Payload
        {
            FileName = file.Name,
            Kind = part.Kind,
            Format = part.Format,
            Scope = part.Scope,
            Compression = file.Compression,
            Parent = file.Parent,
            OriginalSize = file.Digest.OriginalSize,
            StoredSize = file.Digest.StoredSize,
            OriginalSha256 = file.Digest.OriginalSha256,
            StoredSha256 = file.Digest.StoredSha256,
            IsEncrypted = file.IsEncrypted,
            OriginalPath = part.OriginalPath,
            RestoreName = part.RestoreName,
            Within = part.Within,
            EntryCount = summary?.EntryCount,
            HoleBytes = summary?.HoleBytes ?? 0,
            CatalogSha256 = file.Digest.CatalogSha256,
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
        payload.Kind == PayloadKind.Database && payload.Within is null && payload.OriginalPath is { } path
        && Payloads.Find(folder => folder.Kind == PayloadKind.Files && IsBelow(folder.OriginalPath!, path)) is { } around
            ? payload with { Within = $"{around.RestoreName}/{Path.GetRelativePath(around.OriginalPath!, path).Replace('\\', '/')}" }
            : payload);

    /// <summary>Takes the revision that an imported backup's own records state, unless its database says another.</summary>
    public void TakeStatedRevision(string revision)
    {
        int index = Payloads.FindIndex(payload => payload.Kind == PayloadKind.Database);
        string? found = index < 0 ? null : Payloads[index].SchemaRevision;
        if (_hasFacts && found != revision)
            Notes.Add($"Its own records state the Alembic revision {revision}, but its database says {found ?? "none"}.");
        if (index >= 0 && found is null)
            Payloads[index] = Payloads[index] with { SchemaRevision = revision };
    }

    private static bool IsBelow(string folder, string path)
    {
        string relative = Path.GetRelativePath(folder, path);
        return relative != "." && !relative.StartsWith("..", StringComparison.Ordinal) && !Path.IsPathRooted(relative);
    }

    /// <summary>A file name that no payload has yet: two included folders may share their last name.</summary>
    /// <param name="wanted">The name, with the ending of its compression.</param>
    /// <param name="compression">The compression.</param>
    /// <param name="ending">What follows it: the ending of an encrypted file.</param>
    public string FreeFileName(string wanted, string compression, string ending = "")
    {
        string own = Path.GetExtension(wanted);
        string stem = compression == PayloadCompression.None ? Path.GetFileNameWithoutExtension(wanted) : wanted[..^own.Length];
        for (int number = 1; ; number++)
        {
            string name = (number == 1 ? wanted : $"{stem}-{number}{own}") + ending;
            if (!Payloads.Exists(payload => string.Equals(payload.FileName, name, StringComparison.OrdinalIgnoreCase)) && !RepositoryKeys.IsReserved(name))
                return name;
        }
    }
}
